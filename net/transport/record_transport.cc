#include "sluice/net/transport/record_transport.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "sluice/base/check.h"
#include "sluice/base/task.h"
#include "sluice/net/close_reason.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/transport/output_queue.h"
#include "sluice/net/transport/record_codec.h"

namespace sluice {
namespace {

constexpr size_t kMaxPendingRecords = 4;

// Returns at most `max` bytes of the pieces, from `position` on.
std::string CopyOf(absl::Span<const absl::string_view> pieces,
                   uint64_t position, size_t max) {
  std::string copy;
  for (const absl::string_view piece : pieces) {
    if (copy.size() == max) break;
    const size_t skipped = std::min<uint64_t>(position, piece.size());
    position -= skipped;
    copy.append(piece.substr(skipped, max - copy.size()));
  }
  return copy;
}

class RecordTransport final : public Transport,
                              private Transport::Sink,
                              private Task {
 public:
  using Sink = Transport::Sink;  // both bases have this name

  RecordTransport(EventLoop* loop, TransportPtr inner)
      : loop_(loop), inner_(std::move(inner)) {}

  void Start(Sink* sink) override;
  void SetReading(bool on) override;
  size_t TrySend(absl::Span<const absl::string_view> pieces) override;
  void Flush(OutputQueue* output) override;
  void ShutdownWrite() override;
  bool HasUnreadInput() const override {
    return received_.size() > decoded_ || inner_->HasUnreadInput();
  }
  void Close(CloseMode mode) override;
  absl::StatusOr<SocketAddress> Address(SocketApi::End end) const override {
    return inner_->Address(end);
  }

 private:
  // A record in out_, or the hello.
  struct Pending {
    size_t wire;     // bytes that the inner transport has yet to take
    size_t payload;  // bytes of the caller
  };

  ~RecordTransport() override = default;

  // Calls of the inner transport.
  void OnOpen() override;
  void OnInput(absl::string_view bytes) override;
  void OnInputEnd() override;
  void OnSent(uint64_t bytes) override;
  void OnError(absl::Status error, CloseReason reason) override;

  // The task: flushes the end record, and delivers input that was kept.
  void Run() override;
  void Abandon() override {}

  // The sink may close the transport in each of these, which sets closed_.
  void ReceiveHello();
  void OpenIfReady();
  void Deliver();
  void Fail(CloseReason reason, absl::string_view why);

  // While complete records wait in received_, the inner transport does not
  // read: this bounds received_.
  void SetInnerReading(bool on);

  // Offers bytes that are not the caller's to the inner transport: the hello or
  // the end record. Puts the rest in out_. REQUIRES: out_ is empty.
  void Offer(absl::string_view wire);
  void AddPending(size_t wire, size_t payload);
  // Takes `bytes` bytes of the wire off pending_. Returns the payload of the
  // records that are complete now.
  uint64_t RemovePending(uint64_t bytes);
  // Encodes more of the caller's queue, within the bound, and the end record
  // after its last byte, and flushes all that to the inner transport.
  void EncodeOutput();

  // Ends a callback: destroys the transport if the sink has closed it.
  void Leave();

  EventLoop* const loop_;
  TransportPtr inner_;  // null once closed
  Sink* sink_ = nullptr;

  // Output
  OutputQueue* output_ = nullptr;  // the queue of Flush(), while not empty
  OutputQueue out_;                // encoded, and not taken yet
  Pending pending_[kMaxPendingRecords];
  size_t pending_count_ = 0;
  uint64_t encoded_ = 0;  // the sum of the payloads in pending_
  std::string tail_;  // payload of the record that TrySend() has begun to send
  uint64_t records_out_ = 0;

  // Input
  std::string received_;
  size_t decoded_ = 0;  // bytes at the front of received_ that were delivered
  uint64_t records_in_ = 0;

  bool hello_sent_ : 1 = false;
  bool hello_received_ : 1 = false;
  bool open_ : 1 = false;
  bool reading_ : 1 = false;
  bool input_ended_ : 1 = false;  // the end record was delivered
  bool inner_reading_ : 1 = false;
  bool shutdown_write_ : 1 = false;
  bool end_encoded_ : 1 = false;
  bool flush_end_ : 1 = false;  // the end record is in out_, to be flushed
  bool failed_ : 1 = false;
  bool closed_ : 1 = false;
  bool in_callback_ : 1 = false;
};

void RecordTransport::Start(Sink* sink) {
  SLUICE_CHECK(sink_ == nullptr);
  sink_ = sink;
  inner_->Start(this);
  SetInnerReading(true);  // for the hello
}

void RecordTransport::SetReading(bool on) {
  reading_ = on;
  if (!open_) return;
  if (on && received_.size() > decoded_) {
    loop_->ScheduleLocal(this);
  } else {
    SetInnerReading(on);
  }
}

size_t RecordTransport::TrySend(absl::Span<const absl::string_view> pieces) {
  SLUICE_CHECK(open_ && output_ == nullptr && !shutdown_write_);
  size_t sent = 0;
  if (!tail_.empty()) {
    // The caller may show a part of its bytes only.
    const std::string again = CopyOf(pieces, 0, tail_.size());
    SLUICE_CHECK(tail_.compare(0, again.size(), again) == 0,
                 "the rest of TrySend() must be sent next");
    if (again.size() < tail_.size()) return 0;
    absl::string_view wire[SocketApi::kMaxPieces];
    const size_t count = out_.Gather(absl::MakeSpan(wire));
    const size_t taken = inner_->TrySend(absl::MakeConstSpan(wire, count));
    out_.Consume(taken);
    sent = RemovePending(taken);
    if (sent == 0) return 0;
    tail_ = std::string();
  }
  while (true) {
    std::string payload = CopyOf(pieces, sent, kMaxRecordPayload);
    if (payload.empty()) return sent;
    const std::string record = EncodeRecord(records_out_, payload);
    absl::string_view rest = record;
    rest.remove_prefix(inner_->TrySend(absl::MakeConstSpan(&rest, 1)));
    if (rest.size() == record.size()) return sent;
    ++records_out_;
    if (!rest.empty()) {
      out_.Append(rest);
      AddPending(rest.size(), payload.size());
      tail_ = std::move(payload);
      return sent;
    }
    sent += payload.size();
  }
}

void RecordTransport::Flush(OutputQueue* output) {
  SLUICE_CHECK(open_ && !shutdown_write_);
  SLUICE_CHECK(output_ == nullptr || output_ == output);
  output_ = output;
  if (!tail_.empty()) {
    absl::string_view pieces[SocketApi::kMaxPieces];
    const size_t count = output->Gather(absl::MakeSpan(pieces));
    const std::string again =
        CopyOf(absl::MakeConstSpan(pieces, count), 0, tail_.size());
    SLUICE_CHECK(output->size() >= tail_.size() &&
                     tail_.compare(0, again.size(), again) == 0,
                 "the rest of TrySend() must be flushed");
    tail_ = std::string();
  }
  EncodeOutput();
}

void RecordTransport::ShutdownWrite() {
  SLUICE_CHECK(open_);
  if (shutdown_write_) return;
  SLUICE_CHECK(tail_.empty(), "the rest of TrySend() must be flushed");
  shutdown_write_ = true;
  if (output_ != nullptr) {
    EncodeOutput();
    return;
  }
  end_encoded_ = true;
  Offer(EncodeRecord(records_out_++, ""));
  if (out_.empty()) {
    inner_->ShutdownWrite();
  } else {
    // Not flushed at once: a graceful Close() that follows in the same callback
    // would count as kReset for the inner transport, and could destroy data
    // that the peer has not read.
    flush_end_ = true;
    loop_->ScheduleLocal(this);
  }
}

void RecordTransport::Close(CloseMode mode) {
  SLUICE_CHECK(!closed_);
  closed_ = true;
  loop_->Cancel(this);
  if (output_ != nullptr || encoded_ > 0) mode = CloseMode::kReset;
  if (mode == CloseMode::kGraceful && open_ && !failed_ && !shutdown_write_ &&
      !loop_->forked()) {
    const std::string end = EncodeRecord(records_out_, "");
    const absl::string_view wire = end;
    inner_->TrySend(absl::MakeConstSpan(&wire, 1));
  }
  inner_.release()->Close(mode);
  if (!in_callback_) delete this;
}

void RecordTransport::OnOpen() {
  in_callback_ = true;
  Offer(kRecordHello);
  if (!out_.empty()) inner_->Flush(&out_);
  hello_sent_ = out_.empty();
  OpenIfReady();
  Leave();
}

void RecordTransport::OnInput(absl::string_view bytes) {
  if (failed_) return;
  in_callback_ = true;
  received_.append(bytes.data(), bytes.size());
  if (!hello_received_) {
    ReceiveHello();
  } else {
    Deliver();
  }
  Leave();
}

void RecordTransport::OnInputEnd() {
  if (failed_) return;
  in_callback_ = true;
  // All complete records were delivered: while some wait, the inner transport
  // does not read.
  if (!hello_received_) {
    Fail(CloseReason::kPeerReset, "the peer has closed before its hello");
  } else if (!input_ended_) {
    Fail(CloseReason::kPeerReset, "the peer has closed without an end record");
  }
  Leave();
}

void RecordTransport::OnSent(uint64_t bytes) {
  if (failed_) return;
  in_callback_ = true;
  const uint64_t payload = RemovePending(bytes);
  if (!hello_sent_) {
    hello_sent_ = out_.empty();
    OpenIfReady();
  } else if (output_ != nullptr) {
    output_->Consume(payload);
    if (output_->empty()) {
      output_ = nullptr;
    } else {
      EncodeOutput();
    }
    if (payload > 0) sink_->OnSent(payload);
  }
  Leave();
}

void RecordTransport::OnError(absl::Status error, CloseReason reason) {
  if (failed_) return;
  in_callback_ = true;
  failed_ = true;
  sink_->OnError(std::move(error), reason);
  Leave();
}

void RecordTransport::Run() {
  if (failed_) return;
  in_callback_ = true;
  if (flush_end_) {
    flush_end_ = false;
    inner_->Flush(&out_);
    inner_->ShutdownWrite();
  }
  Deliver();
  Leave();
}

void RecordTransport::ReceiveHello() {
  const size_t size = std::min(received_.size(), kRecordHello.size());
  if (received_.compare(0, size, kRecordHello.substr(0, size)) != 0) {
    Fail(CloseReason::kIoError, "the peer has sent a bad hello");
    return;
  }
  if (size < kRecordHello.size()) return;
  hello_received_ = true;
  received_.erase(0, size);
  SetInnerReading(false);  // until the transport is open
  OpenIfReady();
}

void RecordTransport::OpenIfReady() {
  if (!hello_sent_ || !hello_received_) return;
  open_ = true;
  sink_->OnOpen();
  if (!closed_) Deliver();
}

void RecordTransport::Deliver() {
  if (!open_) return;
  bool complete = true;
  while (complete && reading_ && !input_ended_ && !closed_) {
    const DecodedRecord record =
        DecodeRecord(records_in_, absl::MakeSpan(received_).subspan(decoded_));
    complete = record.kind != RecordKind::kIncomplete;
    decoded_ += record.wire_size;
    if (complete) ++records_in_;
    if (record.kind == RecordKind::kBad) {
      return Fail(CloseReason::kIoError, record.error);
    }
    if (record.kind == RecordKind::kEnd) {
      input_ended_ = true;
      sink_->OnInputEnd();
    } else if (record.kind == RecordKind::kData) {
      sink_->OnInput(record.payload);
    }
  }
  if (closed_) return;
  received_.erase(0, std::exchange(decoded_, 0));
  if (received_.empty()) received_ = std::string();  // frees the memory
  if (input_ended_ && !received_.empty()) {
    return Fail(CloseReason::kIoError,
                "the peer has sent bytes after its end record");
  }
  SetInnerReading(reading_);
}

void RecordTransport::Fail(CloseReason reason, absl::string_view why) {
  failed_ = true;
  SetInnerReading(false);
  const absl::StatusOr<SocketAddress> peer = Address(SocketApi::End::kPeer);
  sink_->OnError(absl::DataLossError(absl::StrCat(
                     "connection on ",
                     peer.ok() ? peer->ToString() : "unknown peer", ": ", why)),
                 reason);
}

void RecordTransport::SetInnerReading(bool on) {
  if (inner_reading_ == on) return;
  inner_reading_ = on;
  inner_->SetReading(on);
}

void RecordTransport::Offer(absl::string_view wire) {
  wire.remove_prefix(inner_->TrySend(absl::MakeConstSpan(&wire, 1)));
  if (wire.empty()) return;
  out_.Append(wire);
  AddPending(wire.size(), 0);
}

void RecordTransport::AddPending(size_t wire, size_t payload) {
  SLUICE_CHECK(pending_count_ < kMaxPendingRecords);
  pending_[pending_count_++] = {wire, payload};
  encoded_ += payload;
}

uint64_t RecordTransport::RemovePending(uint64_t bytes) {
  uint64_t payload = 0;
  size_t complete = 0;
  while (bytes > 0) {
    SLUICE_CHECK(complete < pending_count_);
    Pending& record = pending_[complete];
    const size_t taken = std::min<uint64_t>(bytes, record.wire);
    bytes -= taken;
    record.wire -= taken;
    if (record.wire == 0) {
      payload += record.payload;
      ++complete;
    }
  }
  std::copy(pending_ + complete, pending_ + pending_count_, pending_);
  pending_count_ -= complete;
  encoded_ -= payload;
  return payload;
}

void RecordTransport::EncodeOutput() {
  while (pending_count_ < kMaxPendingRecords) {
    // If a segment shows only a prefix, the rest waits until that was consumed.
    absl::string_view pieces[SocketApi::kMaxPieces];
    const size_t count = output_->Gather(absl::MakeSpan(pieces));
    const std::string payload =
        CopyOf(absl::MakeConstSpan(pieces, count), encoded_, kMaxRecordPayload);
    if (payload.empty()) break;
    SLUICE_CHECK(!end_encoded_, "bytes were appended after ShutdownWrite()");
    const std::string record = EncodeRecord(records_out_++, payload);
    out_.Append(record);
    AddPending(record.size(), payload.size());
  }
  if (end_encoded_) return;
  const bool end = shutdown_write_ && encoded_ == output_->size();
  if (end) {
    end_encoded_ = true;
    const std::string record = EncodeRecord(records_out_++, "");
    out_.Append(record);
    pending_[pending_count_ - 1].wire += record.size();
  }
  inner_->Flush(&out_);
  if (end) inner_->ShutdownWrite();
}

void RecordTransport::Leave() {
  in_callback_ = false;
  if (closed_) delete this;
}

}  // namespace

TransportPtr NewRecordTransport(EventLoop* loop, TransportPtr inner) {
  SLUICE_CHECK(inner != nullptr);
  return TransportPtr(new RecordTransport(loop, std::move(inner)));
}

}  // namespace sluice
