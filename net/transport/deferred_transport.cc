#include "sluice/net/transport/deferred_transport.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "sluice/base/check.h"
#include "sluice/base/task.h"
#include "sluice/net/close_reason.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/transport/output_queue.h"
#include "sluice/net/transport/socket_transport.h"

namespace sluice {
namespace {

constexpr size_t kMaxSendBytes = 64 * 1024;

class DeferredTransport final : public Transport,
                                private Transport::Sink,
                                private Task {
 public:
  using Sink = Transport::Sink;  // both bases have this name

  DeferredTransport(EventLoop* loop, Socket socket)
      : loop_(loop), inner_(NewSocketTransport(loop, std::move(socket))) {}

  void Start(Sink* sink) override;
  void SetReading(bool on) override;
  size_t TrySend(absl::Span<const absl::string_view> pieces) override;
  void Flush(OutputQueue* output) override;
  void ShutdownWrite() override;
  bool HasUnreadInput() const override {
    return !received_.empty() || inner_->HasUnreadInput();
  }
  void Close(CloseMode mode) override;
  absl::StatusOr<SocketAddress> Address(SocketApi::End end) const override {
    return inner_->Address(end);
  }

 private:
  // A part of a pinned segment that is being sent.
  struct Piece {
    Segment* segment;
    absl::string_view bytes;
  };
  // The iteration in which something happened, until it is reported.
  using Iteration = std::optional<uint64_t>;

  ~DeferredTransport() override = default;

  // Calls of the inner transport. Each only records the event.
  void OnOpen() override { Happens(&opened_); }
  void OnInput(absl::string_view bytes) override;
  void OnInputEnd() override { Happens(&input_ended_); }
  void OnSent(uint64_t bytes) override;
  void OnError(absl::Status error, CloseReason reason) override;

  // The task: reports events of earlier iterations to the sink.
  void Run() override;
  void Abandon() override;

  // Each does its work if it is due. Its call to the sink may close the
  // transport and set closed_.
  void TellOpen();
  void CompleteSend();
  void TellInput();
  void TellInputEnd();
  void TellError();

  void StartSend();
  void ReadPinned();
  void Unpin();

  void Happens(Iteration* iteration);
  bool IsDue(const Iteration& iteration) const;
  bool AwaitsIteration() const;
  void SetInnerReading();

  EventLoop* const loop_;
  TransportPtr inner_;  // null once closed
  Sink* sink_ = nullptr;
  OutputQueue* output_ = nullptr;  // the queue of Flush(), while not empty

  // One send at a time: segments are pinned, then read, then sent.
  std::vector<Piece> pinned_;
  uint64_t pinned_bytes_ = 0;
  Iteration taken_;
  OutputQueue inner_output_;
  Iteration sent_;

  Iteration opened_;
  std::string received_;  // while not empty, the inner transport does not read
  Iteration received_in_;
  Iteration input_ended_;
  Iteration failed_in_;
  absl::Status error_;
  CloseReason reason_ = CloseReason::kNormal;
  Iteration closed_in_;  // set if segments were pinned then

  bool open_ = false;
  bool reading_ = false;
  bool shutdown_write_ = false;
  bool failed_ = false;  // of the inner transport
  bool in_callback_ = false;
  bool closed_ = false;
};

void DeferredTransport::Start(Sink* sink) {
  SLUICE_CHECK(sink_ == nullptr);
  sink_ = sink;
  inner_->Start(this);
}

void DeferredTransport::SetReading(bool on) {
  reading_ = on;
  SetInnerReading();
  if (on) loop_->ScheduleLocal(this);
}

size_t DeferredTransport::TrySend(absl::Span<const absl::string_view>) {
  SLUICE_CHECK(open_ && output_ == nullptr && !shutdown_write_);
  return 0;
}

void DeferredTransport::Flush(OutputQueue* output) {
  SLUICE_CHECK(open_ && !shutdown_write_);
  SLUICE_CHECK(output_ == nullptr || output_ == output);
  output_ = output;
  loop_->ScheduleLocal(this);
}

void DeferredTransport::ShutdownWrite() {
  SLUICE_CHECK(open_);
  if (shutdown_write_) return;
  shutdown_write_ = true;
  if (output_ == nullptr && !failed_) inner_->ShutdownWrite();
}

void DeferredTransport::Close(CloseMode mode) {
  SLUICE_CHECK(!closed_);
  closed_ = true;
  inner_.release()->Close(output_ == nullptr ? mode : CloseMode::kReset);
  if (!pinned_.empty()) {
    Happens(&closed_in_);
  } else if (!in_callback_) {
    loop_->Cancel(this);
    delete this;
  }
}

void DeferredTransport::OnInput(absl::string_view bytes) {
  received_.append(bytes.data(), bytes.size());
  SetInnerReading();
  Happens(&received_in_);
}

void DeferredTransport::OnSent(uint64_t) {
  if (inner_output_.empty()) Happens(&sent_);
}

void DeferredTransport::OnError(absl::Status error, CloseReason reason) {
  failed_ = true;
  error_ = std::move(error);
  reason_ = reason;
  taken_.reset();  // the pinned bytes will not be read
  Happens(&failed_in_);
}

void DeferredTransport::Run() {
  if (closed_) {
    if (!IsDue(closed_in_)) {
      loop_->ScheduleLocal(this);
      return;
    }
    // The kernel may still read segments after the transport was closed.
    if (taken_.has_value()) ReadPinned();
    Unpin();
    delete this;
    return;
  }
  in_callback_ = true;
  TellOpen();
  if (!closed_) CompleteSend();
  if (!closed_) StartSend();
  if (!closed_) TellInput();
  if (!closed_) TellInputEnd();
  if (!closed_) TellError();
  in_callback_ = false;
  if (closed_ && pinned_.empty()) {
    loop_->Cancel(this);
    delete this;
  } else if (AwaitsIteration()) {
    loop_->ScheduleLocal(this);
  }
}

void DeferredTransport::Abandon() {
  if (!closed_) return;
  Unpin();
  delete this;
}

void DeferredTransport::TellOpen() {
  if (!IsDue(opened_)) return;
  opened_.reset();
  open_ = true;
  sink_->OnOpen();
}

void DeferredTransport::CompleteSend() {
  if (!IsDue(sent_)) return;
  sent_.reset();
  Unpin();
  const uint64_t bytes = std::exchange(pinned_bytes_, 0);
  output_->Consume(bytes);
  if (output_->empty()) {
    output_ = nullptr;
    if (shutdown_write_ && !failed_) inner_->ShutdownWrite();
  }
  sink_->OnSent(bytes);
}

void DeferredTransport::StartSend() {
  if (failed_) return;
  if (IsDue(taken_)) {
    taken_.reset();
    ReadPinned();
    inner_->Flush(&inner_output_);
  }
  if (output_ == nullptr || !pinned_.empty()) return;
  absl::string_view gathered[SocketApi::kMaxPieces];
  const size_t count = output_->Gather(absl::MakeSpan(gathered));
  Segment* segment = output_->front();
  for (size_t i = 0; i < count && pinned_bytes_ < kMaxSendBytes; ++i) {
    const absl::string_view bytes =
        gathered[i].substr(0, kMaxSendBytes - pinned_bytes_);
    segment->Pin();
    pinned_.push_back({segment, bytes});
    pinned_bytes_ += bytes.size();
    segment = output_->next(segment);
  }
  Happens(&taken_);
}

void DeferredTransport::ReadPinned() {
  for (const Piece& piece : pinned_) inner_output_.Append(piece.bytes);
}

void DeferredTransport::Unpin() {
  for (const Piece& piece : pinned_) piece.segment->Unpin();
  pinned_.clear();
}

void DeferredTransport::TellInput() {
  if (!open_ || !reading_ || !IsDue(received_in_)) return;
  received_in_.reset();
  const std::string bytes = std::exchange(received_, std::string());
  sink_->OnInput(bytes);
  if (!closed_) SetInnerReading();
}

void DeferredTransport::TellInputEnd() {
  if (!open_ || !reading_ || received_in_.has_value() || !IsDue(input_ended_)) {
    return;
  }
  input_ended_.reset();
  sink_->OnInputEnd();
}

void DeferredTransport::TellError() {
  if (!IsDue(failed_in_)) return;
  failed_in_.reset();
  sink_->OnError(std::move(error_), reason_);
}

void DeferredTransport::Happens(Iteration* iteration) {
  *iteration = loop_->stats().iterations;
  loop_->ScheduleLocal(this);
}

bool DeferredTransport::IsDue(const Iteration& iteration) const {
  return iteration.has_value() && *iteration < loop_->stats().iterations;
}

// Returns true if Run() has work that only waits for a later iteration.
bool DeferredTransport::AwaitsIteration() const {
  return opened_.has_value() || taken_.has_value() || sent_.has_value() ||
         failed_in_.has_value() || closed_in_.has_value() ||
         (reading_ && (received_in_.has_value() || input_ended_.has_value()));
}

void DeferredTransport::SetInnerReading() {
  if (!failed_) inner_->SetReading(reading_ && received_.empty());
}

}  // namespace

TransportPtr NewDeferredTransport(EventLoop* loop, Socket socket) {
  return TransportPtr(new DeferredTransport(loop, std::move(socket)));
}

}  // namespace sluice
