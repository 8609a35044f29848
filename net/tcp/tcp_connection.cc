#include "sluice/net/tcp/tcp_connection.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "sluice/base/call_without_unwind.h"
#include "sluice/base/check.h"
#include "sluice/base/check_option.h"
#include "sluice/base/counter.h"

namespace sluice {
namespace {

constexpr uint64_t kMaxHeld = 64 * 1024;  // bytes of corked output

}  // namespace

class TcpConnection::HandlerTimer final : public Timer {
 public:
  explicit HandlerTimer(TcpConnection* connection) : connection_(connection) {}

 private:
  void Fire() override {
    connection_->Call([connection = connection_](StreamHandler& handler) {
      handler.OnTimeout(*connection);
    });
  }

  TcpConnection* const connection_;
};

absl::Status CheckConnectionOptions(const ConnectionOptions& options) {
  if (options.low_water > options.high_water) {
    return absl::InvalidArgumentError(absl::StrCat(
        "ConnectionOptions: low_water is ", options.low_water,
        ", and must be at most high_water, which is ", options.high_water));
  }
  absl::Status valid = CheckOption("ConnectionOptions: max_input",
                                   options.max_input, 1, SIZE_MAX);
  valid.Update(CheckOption("ConnectionOptions: idle_timeout",
                           options.idle_timeout, absl::Nanoseconds(1),
                           absl::InfiniteDuration()));
  return valid;
}

ConnectionContext::ConnectionContext(EventLoop* loop,
                                     const ConnectionOptions& options,
                                     ConnectionOwner* owner)
    : loop_(loop), options_(options), owner_(owner) {
  SLUICE_CHECK(CheckConnectionOptions(options).ok());
  if (options.idle_timeout == absl::InfiniteDuration()) return;
  idle_.emplace(loop->timers(),
                IdleList::Options{.timeout = options.idle_timeout},
                [timeout = options.idle_timeout](IdleEntry* entry) {
                  static_cast<TcpConnection*>(entry)->Close(
                      absl::DeadlineExceededError(absl::StrCat(
                          "idle for ", absl::FormatDuration(timeout))),
                      CloseReason::kIdleTimeout);
                });
}

ConnectionContext::~ConnectionContext() {
  if (mailbox_ == nullptr) return;
  if (loop_->forked()) {
    // Leaks a reference, so that the last handle does not destroy the mailbox.
    (void)new std::shared_ptr<StreamMailbox>(std::move(mailbox_));
    return;
  }
  mailbox_->Close();
}

TcpConnection::TcpConnection(ConnectionContext* context, TransportPtr transport,
                             StreamHandler* handler, uint32_t tag)
    : context_(context),
      transport_(std::move(transport)),
      handler_(handler),
      tag_(tag) {
  transport_->Start(this);
  if (context_->idle_.has_value()) context_->idle_->Add(this);
}

TcpConnection::~TcpConnection() {
  EndHandles();
  transport_.reset();  // before the output, which it may be sending
  context_->loop_->Cancel(this);
}

template <typename HandlerCall>
bool TcpConnection::Call(HandlerCall call) {
  if (!destructor_check_.Survives([&](const bool&) { call(*handler_); })) {
    return false;
  }
  Uncork();
  EndIfDone();
  return true;
}

void TcpConnection::OnOpen() {
  open_ = true;
  if (output_ != nullptr) Flush();
  if (write_shut_down_) transport_->ShutdownWrite();
  if (!Call([this](StreamHandler& handler) { handler.OnOpen(*this); })) return;
  if (ended_) return;
  SetReading();
  if (draining_) TellDraining();
}

void TcpConnection::SetReading() {
  transport_->SetReading(!paused_ && !offer_kept_ && !input_ended_);
}

void TcpConnection::OnInput(absl::string_view bytes) {
  Touch();
  context_->bytes_in_.AddLocal(bytes.size());
  if (input_ != nullptr) {
    input_->append(bytes.data(), bytes.size());
    OfferKept();
    return;
  }
  const std::optional<size_t> consumed = Offer(bytes);
  if (!consumed.has_value() || ended_) return;
  if (*consumed == bytes.size()) return;
  input_ = std::make_unique<std::string>(bytes.substr(*consumed));
  EndIfAtInputLimit();
}

std::optional<size_t> TcpConnection::Offer(absl::string_view input) {
  size_t consumed = 0;
  offering_ = true;
  if (!Call([&](StreamHandler& handler) {
        consumed = handler.OnInput(*this, input);
      })) {
    return std::nullopt;
  }
  offering_ = false;
  SLUICE_CHECK(consumed <= input.size());
  return consumed;
}

bool TcpConnection::OfferKept() {
  const std::optional<size_t> consumed = Offer(*input_);
  if (!consumed.has_value() || ended_) return false;
  if (*consumed == input_->size()) {
    input_.reset();
    return true;
  }
  input_->erase(0, *consumed);
  EndIfAtInputLimit();
  return !ended_;
}

void TcpConnection::EndIfAtInputLimit() {
  // A handler that has paused may leave the input: nothing is read meanwhile.
  if (paused_ || input_->size() < context_->options_.max_input) return;
  Close(absl::ResourceExhaustedError(
            absl::StrCat(input_->size(), " bytes of input are not consumed")),
        CloseReason::kInputLimit);
}

void TcpConnection::OnInputEnd() {
  Touch();
  input_ended_ = true;
  Call([this](StreamHandler& handler) { handler.OnInputEnd(*this); });
}

void TcpConnection::OnSent(uint64_t bytes) {
  Touch();
  context_->bytes_out_.AddLocal(bytes);
  if (output_->empty()) {
    output_.reset();
    flushing_ = false;
  }
  if (above_high_water_ && pending_output() <= context_->options_.low_water) {
    above_high_water_ = false;
    Call([this](StreamHandler& handler) { handler.OnWritable(*this); });
  } else {
    EndIfDone();
  }
}

void TcpConnection::OnError(absl::Status error, CloseReason reason) {
  End(std::move(error), reason, CloseMode::kReset);
}

bool TcpConnection::Write(absl::string_view data) {
  if (ended_ || write_shut_down_) return false;
  if (!MayHold(data.size())) {
    data.remove_prefix(TrySend(absl::MakeConstSpan(&data, 1)));
  }
  return data.empty() ? !above_high_water_ : Queue(data);
}

bool TcpConnection::Write(const absl::Cord& data) {
  if (ended_ || write_shut_down_) return false;
  absl::Cord rest = data;
  if (!MayHold(data.size())) {
    absl::string_view pieces[SocketApi::kMaxPieces];
    size_t count = 0;
    for (const absl::string_view chunk : data.Chunks()) {
      if (count == SocketApi::kMaxPieces) break;
      pieces[count++] = chunk;
    }
    rest.RemovePrefix(TrySend(absl::MakeConstSpan(pieces, count)));
  }
  return rest.empty() ? !above_high_water_ : Queue(rest);
}

void TcpConnection::Cork() {
  if (ended_ || write_shut_down_) return;
  corked_ = true;
  // Call() uncorks when a callback ends; outside of one, the task does.
  if (!destructor_check_.in_call()) context_->loop_->ScheduleLocal(this);
}

bool TcpConnection::MayHold(uint64_t more) const {
  const ConnectionOptions& options = context_->options_;
  return corked_ &&
         pending_output() + more <=
             std::min({kMaxHeld, options.high_water, options.max_output});
}

void TcpConnection::Uncork() {
  if (!corked_) return;
  corked_ = false;
  if (output_ == nullptr || !open_) return;
  TrySend({});
  if (output_ != nullptr) Flush();
}

size_t TcpConnection::TrySend(absl::Span<const absl::string_view> pieces) {
  if (!open_ || flushing_) return 0;
  if (output_ == nullptr) return pieces.empty() ? 0 : SendNow(pieces);
  absl::string_view all[SocketApi::kMaxPieces];
  size_t count = output_->Gather(absl::MakeSpan(all));
  for (const absl::string_view piece : pieces) {
    if (count == SocketApi::kMaxPieces) break;
    all[count++] = piece;
  }
  const size_t sent = SendNow(absl::MakeConstSpan(all, count));
  const size_t held = std::min<uint64_t>(sent, output_->size());
  output_->Consume(held);
  if (output_->empty()) output_.reset();
  return sent - held;
}

size_t TcpConnection::SendNow(absl::Span<const absl::string_view> pieces) {
  const size_t sent = transport_->TrySend(pieces);
  if (sent > 0) {
    Touch();
    context_->bytes_out_.AddLocal(sent);
  }
  return sent;
}

template <typename Bytes>
bool TcpConnection::Queue(const Bytes& rest) {
  if (pending_output() + rest.size() > context_->options_.max_output) {
    Close(absl::ResourceExhaustedError(
              absl::StrCat(pending_output(), " bytes of output are waiting, ",
                           rest.size(), " more would exceed max_output")),
          CloseReason::kOutputLimit);
    return false;
  }
  if (output_ == nullptr) output_ = std::make_unique<OutputQueue>();
  output_->Append(rest);
  if (open_ && !MayHold(0)) Flush();
  if (output_->size() > context_->options_.high_water) above_high_water_ = true;
  return !above_high_water_;
}

void TcpConnection::Flush() {
  flushing_ = true;
  transport_->Flush(output_.get());
}

void TcpConnection::ShutdownWrite() {
  if (ended_ || write_shut_down_) return;
  write_shut_down_ = true;
  Uncork();
  if (open_) transport_->ShutdownWrite();
  // Perhaps the stream is done. Call() looks when a callback ends; from
  // elsewhere, the task does.
  if (!destructor_check_.in_call()) context_->loop_->ScheduleLocal(this);
}

void TcpConnection::EndIfDone() {
  if (ended_ || !write_shut_down_ || output_ != nullptr) return;
  if (input_ended_ || draining_) {
    End(absl::OkStatus(), CloseReason::kNormal, CloseMode::kGraceful);
  }
}

void TcpConnection::Abort(absl::Status why) {
  Close(std::move(why), CloseReason::kAborted);
}

bool TcpConnection::Close(absl::Status why, CloseReason reason) {
  SLUICE_CHECK(!why.ok());
  if (ended_) return false;
  // The transport does not know about output that is corked.
  const bool graceful =
      reason == CloseReason::kIdleTimeout && output_ == nullptr;
  End(std::move(why), reason,
      graceful ? CloseMode::kGraceful : CloseMode::kReset);
  return true;
}

void TcpConnection::End(absl::Status why, CloseReason reason, CloseMode mode) {
  ended_ = true;
  why_ = std::move(why);
  reason_ = reason;
  EndHandles();
  IdleEntry::Unlink();
  timer_.reset();
  transport_.release()->Close(mode);
  output_.reset();
  context_->loop_->ScheduleLocal(this);
}

void TcpConnection::Drain() {
  if (ended_ || draining_) return;
  SLUICE_CHECK(!destructor_check_.in_call());
  draining_ = true;
  if (open_) CallWithoutUnwind([this] { TellDraining(); });
}

void TcpConnection::TellDraining() {
  Call([this](StreamHandler& handler) { handler.OnDraining(*this); });
}

void TcpConnection::PauseReading() {
  if (ended_ || paused_) return;
  paused_ = true;
  if (open_) SetReading();
}

void TcpConnection::ResumeReading() {
  if (ended_ || !paused_) return;
  paused_ = false;
  if (input_ != nullptr || offering_) {
    offer_kept_ = true;
    context_->loop_->ScheduleLocal(this);
  } else if (open_) {
    SetReading();
  }
}

void TcpConnection::Run() {
  if (ended_) {
    if (Call([this](StreamHandler& handler) {
          handler.OnClosed(*this, why_, reason_);
        }) &&
        context_->owner_ != nullptr) {
      context_->owner_->OnEnded(this);
    }
    return;
  }
  Uncork();
  if (offer_kept_ && !paused_) {
    offer_kept_ = false;
    if (input_ != nullptr && !OfferKept()) return;
    SetReading();
  }
  EndIfDone();
}

// The loop has ended: calls OnClosed() if it is still due.
void TcpConnection::Abandon() {
  if (ended_) Run();
}

void TcpConnection::SetTimeout(absl::Duration delay) {
  if (ended_) return;
  if (delay == absl::InfiniteDuration()) {
    timer_.reset();
    return;
  }
  if (timer_ == nullptr) timer_ = std::make_unique<HandlerTimer>(this);
  context_->loop_->Arm(timer_.get(), delay);
}

uint64_t TcpConnection::pending_output() const {
  return output_ == nullptr ? 0 : output_->size();
}

bool TcpConnection::HasUnreadInput() const {
  if (ended_) return false;
  return input_ != nullptr || (!input_ended_ && transport_->HasUnreadInput());
}

absl::StatusOr<SocketAddress> TcpConnection::peer() const {
  if (ended_) return absl::FailedPreconditionError("the stream has ended");
  return transport_->Address(SocketApi::End::kPeer);
}

StreamHandle TcpConnection::handle() {
  if (ended_) return {};
  std::shared_ptr<StreamMailbox>& mailbox = context_->mailbox_;
  if (mailbox == nullptr) {
    mailbox = std::make_shared<StreamMailbox>(
        context_->loop_, context_->options_.max_handle_bytes,
        &context_->messages_);
  }
  has_handle_ = true;
  const StreamMailbox::Name name = mailbox->NameOf(this);
  return StreamHandle(mailbox, name.slot, name.generation);
}

void TcpConnection::EndHandles() {
  if (!has_handle_) return;
  has_handle_ = false;
  if (!context_->loop_->forked()) context_->mailbox_->Remove(this);
}

}  // namespace sluice
