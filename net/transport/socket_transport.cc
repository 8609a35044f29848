#include "sluice/net/transport/socket_transport.h"

#include <cerrno>
#include <utility>

#include "absl/status/status.h"
#include "sluice/base/check.h"
#include "sluice/base/io_result.h"
#include "sluice/base/task.h"
#include "sluice/event/io_target.h"
#include "sluice/event/poller/poller.h"

namespace sluice {
namespace {

constexpr size_t kMaxReadPerIteration = 256 * 1024;
// The transport does not use less memory of the sink than this: a read into the
// loop's buffer also gets the bytes that come after it.
constexpr size_t kMinInputBuffer = 16 * 1024;
constexpr uint64_t kMaxSentPerIteration = 1024 * 1024;

class SocketTransport final : public Transport, private IoTarget, private Task {
 public:
  SocketTransport(EventLoop* loop, Socket socket)
      : loop_(loop), api_(&socket.api()), fd_(socket.Release()) {}

  void Start(Sink* sink) override;
  void SetReading(bool on) override;
  size_t TrySend(absl::Span<const absl::string_view> pieces) override;
  void Flush(OutputQueue* output) override;
  void ShutdownWrite() override;
  bool HasUnreadInput() const override;
  void Close(CloseMode mode) override;
  absl::StatusOr<SocketAddress> Address(SocketApi::End end) const override {
    return api_->Address(fd_, end);
  }

 private:
  ~SocketTransport() override = default;

  void OnIo(const IoEvent& event) override;
  // The task: calls OnOpen(), or tries again to watch the descriptor.
  void Run() override;
  void Abandon() override {}

  // The sink may close the transport in each of these, which sets closed_.
  void Receive();
  void Send();
  void Fail(IoResult error);
  void Fail(absl::Status why, CloseReason reason);

  // Ends a callback: updates the interest, or destroys the transport if the
  // sink has closed it.
  void Leave();
  IoEvents WantedInterest() const;
  void UpdateInterest();

  EventLoop* const loop_;
  SocketApi* const api_;
  Sink* sink_ = nullptr;
  OutputQueue* output_ = nullptr;  // the queue of Flush(), while not empty
  const int fd_;
  IoEvents interest_ = 0;
  bool opened_ : 1 = false;
  bool reading_ : 1 = false;
  bool resumed_ : 1 = false;  // reading was switched on in this callback
  bool input_ended_ : 1 = false;
  bool shutdown_write_ : 1 = false;
  bool failed_ : 1 = false;
  bool closed_ : 1 = false;
  bool in_callback_ : 1 = false;
};
static_assert(sizeof(void*) != 8 || sizeof(SocketTransport) <= 88);

void SocketTransport::Start(Sink* sink) {
  SLUICE_CHECK(sink_ == nullptr);
  sink_ = sink;
  loop_->ScheduleLocal(this);
}

void SocketTransport::Run() {
  in_callback_ = true;
  // Begins with kReadable because most sinks switch reading on in OnOpen():
  // then the interest does not change.
  interest_ = opened_ ? WantedInterest() : kReadable;
  absl::Status added = loop_->Add(this, fd_, interest_);
  if (!added.ok()) {
    Fail(std::move(added), CloseReason::kIoError);
  } else if (!opened_) {
    opened_ = true;
    sink_->OnOpen();
  }
  Leave();
}

void SocketTransport::OnIo(const IoEvent& event) {
  constexpr IoEvents kEnded = kHangup | kError;
  in_callback_ = true;
  resumed_ = false;
  if (output_ != nullptr && (event.flags & (kWritable | kEnded)) != 0) Send();
  if (!closed_ && !failed_) {
    if (reading_ && !input_ended_) {
      if ((event.flags & (kReadable | kEnded)) != 0 || resumed_) Receive();
    } else if ((event.flags & kEnded) != 0 && output_ == nullptr) {
      // The transport neither reads nor writes, so a reset shows only here.
      const IoResult pending = api_->PendingError(fd_);
      if (!pending.ok()) Fail(pending);
    }
  }
  Leave();
}

void SocketTransport::Receive() {
  size_t received = 0;
  while (received < kMaxReadPerIteration) {
    absl::Span<char> buffer = sink_->InputBuffer();
    if (buffer.size() < kMinInputBuffer) buffer = loop_->receive_buffer();
    buffer = buffer.subspan(0, kMaxReadPerIteration - received);
    const IoResult result = api_->Read(fd_, buffer);
    if (!result.ok()) {
      if (!result.would_block()) Fail(result);
      return;
    }
    const size_t size = static_cast<size_t>(result.value());
    if (size == 0) {
      input_ended_ = true;
      sink_->OnInputEnd();
      return;
    }
    received += size;
    sink_->OnInput(absl::string_view(buffer.data(), size));
    // A read that did not fill the buffer has emptied the socket. If output is
    // pending, more input would only add to it.
    if (closed_ || !reading_ || size < buffer.size() || output_ != nullptr) {
      return;
    }
  }
}

void SocketTransport::Send() {
  uint64_t total = 0;
  while (total < kMaxSentPerIteration) {
    absl::string_view pieces[SocketApi::kMaxPieces];
    const size_t gathered = output_->Gather(absl::MakeSpan(pieces));
    uint64_t offered = 0;
    size_t count = 0;
    for (; count < gathered && total + offered < kMaxSentPerIteration;
         ++count) {
      pieces[count] =
          pieces[count].substr(0, kMaxSentPerIteration - total - offered);
      offered += pieces[count].size();
    }
    const IoResult result =
        api_->Write(fd_, absl::MakeConstSpan(pieces, count));
    if (!result.ok()) {
      if (!result.would_block()) return Fail(result);
      break;
    }
    const uint64_t sent = static_cast<uint64_t>(result.value());
    output_->Consume(sent);
    total += sent;
    if (sent < offered || output_->empty()) break;
  }
  if (total == 0) return;
  if (output_->empty()) {
    output_ = nullptr;
    if (shutdown_write_) (void)api_->ShutdownWrite(fd_);
  }
  sink_->OnSent(total);
}

void SocketTransport::Fail(IoResult error) {
  const bool reset = error.error() == ECONNRESET || error.error() == EPIPE;
  const absl::StatusOr<SocketAddress> peer = Address(SocketApi::End::kPeer);
  Fail(ToStatus(error, "connection",
                peer.ok() ? peer->ToString() : "unknown peer"),
       reset ? CloseReason::kPeerReset : CloseReason::kIoError);
}

void SocketTransport::Fail(absl::Status why, CloseReason reason) {
  failed_ = true;
  loop_->Remove(this);
  sink_->OnError(std::move(why), reason);
}

void SocketTransport::SetReading(bool on) {
  if (reading_ == on) return;
  reading_ = on;
  resumed_ = on;
  UpdateInterest();
}

size_t SocketTransport::TrySend(absl::Span<const absl::string_view> pieces) {
  SLUICE_DCHECK(output_ == nullptr && !shutdown_write_);
  // If there is an error, the Flush() that must follow gets it again.
  const IoResult result = api_->Write(fd_, pieces);
  return result.ok() ? static_cast<size_t>(result.value()) : 0;
}

void SocketTransport::Flush(OutputQueue* output) {
  SLUICE_DCHECK(!shutdown_write_);
  output_ = output;
  UpdateInterest();
}

void SocketTransport::ShutdownWrite() {
  if (shutdown_write_) return;
  shutdown_write_ = true;
  // An error means that the connection has ended, which reading reports.
  if (output_ == nullptr) (void)api_->ShutdownWrite(fd_);
}

bool SocketTransport::HasUnreadInput() const {
  const IoResult unread = api_->UnreadBytes(fd_);
  return unread.ok() && unread.value() > 0;
}

void SocketTransport::Close(CloseMode mode) {
  SLUICE_CHECK(!closed_);
  closed_ = true;
  loop_->Cancel(this);
  loop_->Remove(this);
  if (output_ != nullptr) mode = CloseMode::kReset;
  // In a child, the option that asks for RST would act on the parent's socket
  // too.
  if (mode == CloseMode::kReset && loop_->forked()) mode = CloseMode::kGraceful;
  api_->Close(fd_, mode);
  if (!in_callback_) delete this;
}

void SocketTransport::Leave() {
  in_callback_ = false;
  if (closed_) {
    delete this;
  } else if (!failed_) {
    UpdateInterest();
  }
}

IoEvents SocketTransport::WantedInterest() const {
  return (reading_ && !input_ended_ ? kReadable : 0) |
         (output_ != nullptr ? kWritable : 0);
}

void SocketTransport::UpdateInterest() {
  // In a callback the interest may change several times: Leave() updates it
  // once.
  if (in_callback_ || !registered()) return;
  const IoEvents wanted = WantedInterest();
  if (wanted == interest_) return;
  interest_ = wanted;
  if (!loop_->SetInterest(this, wanted).ok()) {
    // The descriptor may no longer be watched. The sink may be the caller, so
    // the task tries once more, and reports a second failure.
    loop_->Remove(this);
    loop_->ScheduleLocal(this);
  }
}

}  // namespace

TransportPtr NewSocketTransport(EventLoop* loop, Socket socket) {
  SLUICE_CHECK(static_cast<bool>(socket));
  return TransportPtr(new SocketTransport(loop, std::move(socket)));
}

}  // namespace sluice
