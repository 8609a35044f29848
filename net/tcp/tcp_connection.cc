#include "sluice/net/tcp/tcp_connection.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <list>
#include <utility>

#include "absl/strings/str_cat.h"
#include "sluice/base/call_without_unwind.h"
#include "sluice/base/check.h"
#include "sluice/base/check_option.h"
#include "sluice/base/counter.h"

namespace sluice {
namespace {

constexpr uint64_t kMaxHeld = 64 * 1024;  // bytes of corked output

constexpr uint8_t Bit(Stream::Pauser pauser) {
  return static_cast<uint8_t>(pauser);
}

}  // namespace

// The state that few connections need at one time.
struct TcpConnection::Extra final : Timer {
  explicit Extra(TcpConnection* its_connection) : connection(its_connection) {}

  // The delay of SetTimeout() or CloseAfterFlush() has passed.
  void Fire() override;
  bool IsUnused() const {
    return input.empty() && buffer.empty() && when_sent.empty() && !armed() &&
           !connection->closing_ && !connection->ended_;
  }

  TcpConnection* const connection;
  std::string input;        // input that is not consumed
  absl::Span<char> buffer;  // the rest of the buffer of ReadInto()
  absl::Duration linger;    // of CloseAfterFlush()
  absl::Status why;         // of the end
  // The callables of WhenSent(), each with the value of `sent` at which it is
  // due. `sent` counts from the first of them.
  std::list<std::pair<uint64_t, Callable>> when_sent;
  uint64_t sent = 0;
};

void TcpConnection::FreeUnusedExtra() {
  static_assert(sizeof(void*) != 8 || sizeof(Extra) <= 160);
  if (extra_ != nullptr && extra_->IsUnused()) extra_.reset();
}

void TcpConnection::Extra::Fire() {
  if (connection->closing_) {
    connection->End(absl::OkStatus(), CloseReason::kNormal,
                    CloseMode::kGraceful);
    return;
  }
  (void)connection->Call(
      [c = connection](StreamHandler& handler) { handler.OnTimeout(*c); });
}

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

TcpConnection::Extra& TcpConnection::extra() {
  if (extra_ == nullptr) extra_ = std::make_unique<Extra>(this);
  return *extra_;
}

bool TcpConnection::HasKeptInput() const {
  return extra_ != nullptr && !extra_->input.empty();
}

bool TcpConnection::IsFilling() const {
  return extra_ != nullptr && !extra_->buffer.empty();
}

void TcpConnection::OnOpen() {
  open_ = true;
  if (output_ != nullptr) Flush();
  if (write_shut_down_) transport_->ShutdownWrite();
  if (closing_) {
    EndIfDone();
  } else if (!Call([this](StreamHandler& handler) { handler.OnOpen(*this); })) {
    return;
  }
  if (ended_) return;
  SetReading();
  if (draining_) TellDraining();
}

void TcpConnection::SetReading() {
  transport_->SetReading(paused_ == 0 && !offer_kept_ && !input_ended_);
}

absl::Span<char> TcpConnection::InputBuffer() {
  return IsFilling() && !HasKeptInput() ? extra_->buffer : absl::Span<char>();
}

void TcpConnection::OnInput(absl::string_view bytes) {
  context_->bytes_in_.AddLocal(bytes.size());
  if (closing_) return;
  Touch();
  if (HasKeptInput()) {
    extra_->input.append(bytes.data(), bytes.size());
    (void)DeliverKept();
    return;
  }
  const std::optional<size_t> consumed = Deliver(bytes);
  if (!consumed.has_value() || *consumed == bytes.size()) return;
  bytes.remove_prefix(*consumed);
  extra().input.assign(bytes.data(), bytes.size());
  EndIfAtInputLimit();
}

std::optional<size_t> TcpConnection::Deliver(absl::string_view input) {
  size_t done = 0;
  delivering_ = true;
  while (done < input.size() && paused_ == 0) {
    const absl::string_view rest = input.substr(done);
    const bool filling = IsFilling();
    std::optional<size_t> consumed = 0;
    if (filling) {
      consumed = Fill(rest);
    } else if (!Call([&](StreamHandler& handler) {
                 consumed = handler.OnInput(*this, rest);
               })) {
      consumed.reset();
    }
    if (!consumed.has_value()) return std::nullopt;
    SLUICE_CHECK(*consumed <= rest.size());
    done += *consumed;
    if (ended_ || closing_) done = input.size();
    if (!filling && !IsFilling()) break;
  }
  delivering_ = false;
  return done;
}

std::optional<size_t> TcpConnection::Fill(absl::string_view input) {
  absl::Span<char>& buffer = extra_->buffer;
  const size_t size = std::min(input.size(), buffer.size());
  // The transport may have received into the buffer.
  if (input.data() != buffer.data()) memcpy(buffer.data(), input.data(), size);
  buffer.remove_prefix(size);
  if (buffer.empty() &&
      !Call([this](StreamHandler& handler) { handler.OnBufferFull(*this); })) {
    return std::nullopt;
  }
  return size;
}

bool TcpConnection::DeliverKept() {
  const std::optional<size_t> consumed = Deliver(extra_->input);
  if (!consumed.has_value()) return false;
  if (*consumed == extra_->input.size()) {
    extra_->input = std::string();
    FreeUnusedExtra();
  } else {
    extra_->input.erase(0, *consumed);
    EndIfAtInputLimit();
  }
  return true;
}

void TcpConnection::EndIfAtInputLimit() {
  // A handler that has paused may leave the input: nothing is read meanwhile.
  if (ended_ || paused_ != 0 || IsFilling() ||
      extra_->input.size() < context_->options_.max_input) {
    return;
  }
  Close(absl::ResourceExhaustedError(absl::StrCat(
            extra_->input.size(), " bytes of input are not consumed")),
        CloseReason::kInputLimit);
}

void TcpConnection::ReadInto(absl::Span<char> buffer) {
  SLUICE_CHECK(!buffer.empty(), "the buffer of ReadInto() is empty");
  SLUICE_CHECK(!IsFilling(),
               "ReadInto() was called before its last buffer was full");
  if (ended_ || closing_) return;
  extra().buffer = buffer;
  if (HasKeptInput() && !delivering_ && paused_ == 0) Resumed();
}

void TcpConnection::OnInputEnd() {
  input_ended_ = true;
  if (closing_) return EndIfDone();
  Touch();
  (void)Call([this](StreamHandler& handler) { handler.OnInputEnd(*this); });
}

void TcpConnection::OnSent(uint64_t bytes) {
  TouchBySending();
  context_->bytes_out_.AddLocal(bytes);
  NoteSent(bytes);
  if (output_->empty()) {
    output_.reset();
    flushing_ = false;
  }
  if (above_high_water_ && pending_output() <= context_->options_.low_water) {
    above_high_water_ = false;
    if (std::exchange(paused_, paused_ & ~Bit(Pauser::kBackPressure)) != 0 &&
        paused_ == 0) {
      Resumed();
    }
    if (!closing_) {
      (void)Call([this](StreamHandler& handler) { handler.OnWritable(*this); });
      return;
    }
  }
  EndIfDone();
}

void TcpConnection::NoteSent(uint64_t bytes) {
  if (extra_ == nullptr || extra_->when_sent.empty()) return;
  extra_->sent += bytes;
  if (WhenSentIsDue()) context_->loop_->ScheduleLocal(this);
}

bool TcpConnection::WhenSentIsDue() const {
  return extra_ != nullptr && !extra_->when_sent.empty() &&
         extra_->when_sent.front().first <= extra_->sent;
}

void TcpConnection::WhenSent(Callable done) {
  if (ended_) return;
  if (extra().when_sent.empty()) extra_->sent = 0;
  extra_->when_sent.emplace_back(extra_->sent + pending_output(),
                                 std::move(done));
  if (WhenSentIsDue()) context_->loop_->ScheduleLocal(this);
}

bool TcpConnection::CallWhenSent() {
  while (!ended_ && WhenSentIsDue()) {
    Callable done = std::move(extra_->when_sent.front().second);
    extra_->when_sent.pop_front();
    if (!Call([&done](StreamHandler&) { std::move(done)(); })) return false;
  }
  return true;
}

void TcpConnection::OnError(absl::Status error, CloseReason reason) {
  // A peer that has got FIN and resets has ended the connection, too.
  if (IsLingering()) {
    End(absl::OkStatus(), CloseReason::kNormal, CloseMode::kReset);
  } else {
    End(std::move(error), reason, CloseMode::kReset);
  }
}

Stream::WriteResult TcpConnection::Write(absl::string_view data) {
  if (ended_ || write_shut_down_) return WriteResult::kEnded;
  if (!MayHold(data.size())) {
    data.remove_prefix(TrySend(absl::MakeConstSpan(&data, 1)));
  }
  return data.empty() ? Written() : Queue(data);
}

Stream::WriteResult TcpConnection::Write(const absl::Cord& data) {
  if (ended_ || write_shut_down_) return WriteResult::kEnded;
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
  return rest.empty() ? Written() : Queue(rest);
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
  NoteSent(held);
  if (output_->empty()) output_.reset();
  return sent - held;
}

size_t TcpConnection::SendNow(absl::Span<const absl::string_view> pieces) {
  const size_t sent = transport_->TrySend(pieces);
  if (sent > 0) {
    TouchBySending();
    context_->bytes_out_.AddLocal(sent);
  }
  return sent;
}

template <typename Bytes>
Stream::WriteResult TcpConnection::Queue(const Bytes& rest) {
  if (pending_output() + rest.size() > context_->options_.max_output) {
    Close(absl::ResourceExhaustedError(
              absl::StrCat(pending_output(), " bytes of output are waiting, ",
                           rest.size(), " more would exceed max_output")),
          CloseReason::kOutputLimit);
    return WriteResult::kEnded;
  }
  if (output_ == nullptr) output_ = std::make_unique<OutputQueue>();
  output_->Append(rest);
  if (open_ && !MayHold(0)) Flush();
  if (output_->size() > context_->options_.high_water && !above_high_water_) {
    above_high_water_ = true;
    if (context_->options_.back_pressure) {
      paused_ |= Bit(Pauser::kBackPressure);
      if (open_) SetReading();
    }
  }
  return Written();
}

void TcpConnection::Flush() {
  flushing_ = true;
  transport_->Flush(output_.get());
}

void TcpConnection::BeginClose(Closing closing) {
  switch (closing.how) {
    case Closing::How::kAbort:
      Close(std::move(closing.why), CloseReason::kAborted);
      return;
    case Closing::How::kAfterFlush:
      if (ended_ || closing_) return;
      closing_ = true;
      extra().linger = closing.linger;
      DiscardInput();
      break;
    case Closing::How::kShutdownWrite:
      break;
  }
  HalfClose();
}

void TcpConnection::HalfClose() {
  if (ended_) return;
  if (!write_shut_down_) {
    write_shut_down_ = true;
    Uncork();
    if (open_) transport_->ShutdownWrite();
  }
  // Perhaps the stream is done. Call() looks when a callback ends; from
  // elsewhere, the task does.
  if (!destructor_check_.in_call()) context_->loop_->ScheduleLocal(this);
}

// From now on nothing stops the reading.
void TcpConnection::DiscardInput() {
  extra_->Cancel();
  extra_->buffer = {};
  if (!delivering_) extra_->input = std::string();
  paused_ = 0;
  offer_kept_ = false;
  if (open_) SetReading();
}

void TcpConnection::EndIfDone() {
  if (ended_ || !write_shut_down_ || output_ != nullptr || !open_) return;
  if (WhenSentIsDue()) return;  // the task calls it first
  if (input_ended_ || (closing_ && extra_->linger <= absl::ZeroDuration())) {
    End(absl::OkStatus(), CloseReason::kNormal, CloseMode::kGraceful);
  } else if (closing_ && !extra_->armed()) {
    context_->loop_->Arm(extra_.get(), extra_->linger);
  }
}

bool TcpConnection::Close(absl::Status why, CloseReason reason) {
  SLUICE_CHECK(!why.ok());
  if (ended_) return false;
  if (IsLingering() && (reason == CloseReason::kIdleTimeout ||
                        reason == CloseReason::kDrainTimeout)) {
    End(absl::OkStatus(), CloseReason::kNormal, CloseMode::kGraceful);
    return false;
  }
  // The transport does not know about output that is corked.
  const bool graceful =
      reason == CloseReason::kIdleTimeout && output_ == nullptr;
  End(std::move(why), reason,
      graceful ? CloseMode::kGraceful : CloseMode::kReset);
  return true;
}

void TcpConnection::End(absl::Status why, CloseReason reason, CloseMode mode) {
  ended_ = true;
  reason_ = reason;
  EndHandles();
  IdleEntry::Unlink();
  if (!why.ok()) extra().why = std::move(why);
  if (extra_ != nullptr) extra_->Cancel();
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
  if (closing_) return;
  (void)Call([this](StreamHandler& handler) { handler.OnDraining(*this); });
}

void TcpConnection::SetPaused(Pauser pauser, bool paused) {
  SLUICE_CHECK(pauser != Pauser::kBackPressure);
  if (ended_ || closing_) return;
  const uint8_t before = paused_;
  paused_ = paused ? paused_ | Bit(pauser) : paused_ & ~Bit(pauser);
  if (before == 0 && paused_ != 0 && open_) SetReading();
  if (before != 0 && paused_ == 0) Resumed();
}

void TcpConnection::Resumed() {
  if (HasKeptInput() || delivering_) {
    offer_kept_ = true;
    context_->loop_->ScheduleLocal(this);
  } else if (open_) {
    SetReading();
  }
}

void TcpConnection::Run() {
  if (ended_) {
    absl::Status why = extra_ == nullptr ? absl::OkStatus() : extra_->why;
    if (Call([this, &why](StreamHandler& handler) {
          handler.OnClosed(*this, std::move(why), reason_);
        }) &&
        context_->owner_ != nullptr) {
      context_->owner_->OnEnded(this);
    }
    return;
  }
  Uncork();
  if (!CallWhenSent()) return;
  if (offer_kept_ && paused_ == 0 && !ended_) {
    offer_kept_ = false;
    if (HasKeptInput() && !DeliverKept()) return;
    if (!ended_) SetReading();
  }
  EndIfDone();
}

// The loop has ended: calls OnClosed() if it is still due.
void TcpConnection::Abandon() {
  if (ended_) Run();
}

void TcpConnection::SetTimeout(absl::Duration delay) {
  if (ended_ || closing_) return;
  if (delay != absl::InfiniteDuration()) {
    context_->loop_->Arm(&extra(), delay);
  } else if (extra_ != nullptr) {
    extra_->Cancel();
    FreeUnusedExtra();
  }
}

uint64_t TcpConnection::pending_output() const {
  return output_ == nullptr ? 0 : output_->size();
}

bool TcpConnection::HasUnreadInput() const {
  if (ended_) return false;
  return HasKeptInput() || (!input_ended_ && transport_->HasUnreadInput());
}

absl::StatusOr<SocketAddress> TcpConnection::Address(Side side) const {
  if (ended_) return absl::FailedPreconditionError("the stream has ended");
  return transport_->Address(side == Side::kPeer ? SocketApi::End::kPeer
                                                 : SocketApi::End::kLocal);
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
