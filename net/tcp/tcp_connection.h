#ifndef SLUICE_NET_TCP_TCP_CONNECTION_H_
#define SLUICE_NET_TCP_TCP_CONNECTION_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "sluice/base/destructor_check.h"
#include "sluice/base/executor.h"
#include "sluice/base/task.h"
#include "sluice/event/event_loop.h"
#include "sluice/net/close_reason.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/stream.h"
#include "sluice/net/stream_handle.h"
#include "sluice/net/stream_mailbox.h"
#include "sluice/net/transport/output_queue.h"
#include "sluice/net/transport/transport.h"
#include "sluice/timer/idle_list.h"
#include "sluice/timer/timer_wheel.h"

namespace sluice {

class TcpConnection;

// The limits of a connection. What one connection may hold in memory is, beside
// its own fixed size, max_input and one receive buffer of input, and high_water
// of output plus what its handler writes after a Write() that returned false,
// up to max_output.
struct ConnectionOptions {
  // Unconsumed: kInputLimit. At least 1, which means that everything has to be
  // consumed at once.
  size_t max_input = 1 << 20;
  // Pending output: Write() returns false. Above max_output it never does.
  uint64_t high_water = 256 * 1024;
  uint64_t low_water = 64 * 1024;  // OnWritable(); at most high_water
  uint64_t max_output = 64 << 20;  // kOutputLimit
  // Nothing received and nothing sent for so long: kIdleTimeout, up to an
  // eighth late. Positive; infinite: no limit.
  absl::Duration idle_timeout = absl::Minutes(5);
  // Of messages from handles to all connections of one owner on one loop: what
  // their strings have allocated, and 128 for each message, whose callable is
  // not looked into.
  uint64_t max_handle_bytes = 64 << 20;  // Write(): kResourceExhausted
};

// kInvalidArgument names the option, its value and its range.
absl::Status CheckConnectionOptions(const ConnectionOptions& options);

// Whoever holds connections that end by themselves.
class ConnectionOwner {
 public:
  // `connection` has told its handler OnClosed(), and does nothing more: to be
  // destroyed, here if that is convenient.
  virtual void OnEnded(TcpConnection* connection) = 0;

 protected:
  virtual ~ConnectionOwner() = default;
};

// What the connections of one owner on one loop share, so that each of them
// holds one pointer. Outlives them, and is outlived by loop and owner.
// Loop-bound, save the counters.
class ConnectionContext {
 public:
  // `owner` may be null. REQUIRES: CheckConnectionOptions() is OK.
  ConnectionContext(EventLoop* loop, const ConnectionOptions& options,
                    ConnectionOwner* owner = nullptr);
  // Drops messages of handles that are under way. In the child of a fork() does
  // nothing: another thread may have been in the middle of a message.
  ~ConnectionContext();

  // Any thread. Bytes taken from, and given to, the kernel.
  uint64_t bytes_in() const {
    return bytes_in_.load(std::memory_order_relaxed);
  }
  uint64_t bytes_out() const {
    return bytes_out_.load(std::memory_order_relaxed);
  }
  // Any thread. Messages of handles that their streams got; and those that came
  // after the end of stream or loop.
  uint64_t messages_delivered() const {
    return messages_.delivered.load(std::memory_order_relaxed);
  }
  uint64_t messages_dropped() const {
    return messages_.dropped.load(std::memory_order_relaxed);
  }

 private:
  friend class TcpConnection;

  EventLoop* const loop_;
  const ConnectionOptions options_;
  ConnectionOwner* const owner_;
  std::optional<IdleList> idle_;  // with a finite idle_timeout
  std::atomic<uint64_t> bytes_in_{0};
  std::atomic<uint64_t> bytes_out_{0};
  std::shared_ptr<StreamMailbox> mailbox_;  // null: no connection has a handle
  StreamMailbox::Counters messages_;
};

// A Stream on a loop, over a transport: TCP and Unix-domain sockets alike.
// Loop-bound, destruction included; no locks. One owner; destruction resets a
// stream that has not ended, and calls nothing. (In the child of a fork() the
// connection is the parent's, and is not reset.)
//
// At most 136 bytes while it idles: memory for input and output is made when it
// is needed and freed when it is not; a timer, once set, is kept until the end
// or SetTimeout(infinite).
class TcpConnection final : public Stream,
                            private Transport::Sink,
                            private Task,
                            private IdleEntry {
 public:
  // Starts the transport; OnOpen() or OnClosed() follows by a task. `handler`
  // lives until OnClosed() or the destruction of the connection. `tag` is the
  // owner's to use.
  TcpConnection(ConnectionContext* context, TransportPtr transport,
                StreamHandler* handler, uint32_t tag = 0);
  ~TcpConnection() override;

  bool Write(absl::string_view data) override;
  bool Write(const absl::Cord& data) override;
  void Cork() override;
  void ShutdownWrite() override;
  void Abort(absl::Status why) override;
  void PauseReading() override;
  void ResumeReading() override;
  void SetTimeout(absl::Duration delay) override;
  uint64_t pending_output() const override;
  bool HasUnreadInput() const override;
  absl::StatusOr<SocketAddress> peer() const override;
  Executor* executor() const override { return context_->loop_; }
  StreamHandle handle() override;

  // For a server that drains: tells the handler OnDraining(), inside this call
  // or after OnOpen(), and from now on closes without waiting for the peer's
  // FIN. No-op the second time and after the end.
  // REQUIRES: not called by the handler.
  void Drain();
  // Ends the stream for its owner's reason; OnClosed() follows by a task.
  // Resets the connection if output is pending or `reason` says that it was
  // forced. False, changing nothing, after the end. REQUIRES: !why.ok().
  bool Close(absl::Status why, CloseReason reason);

  uint32_t tag() const { return tag_; }
  void set_tag(uint32_t tag) { tag_ = tag; }
  StreamHandler* handler() const { return handler_; }

 private:
  friend class ConnectionContext;  // it finds connections by their IdleEntry

  class HandlerTimer;

  void OnOpen() override;
  void OnInput(absl::string_view bytes) override;
  void OnInputEnd() override;
  void OnSent(uint64_t bytes) override;
  void OnError(absl::Status error, CloseReason reason) override;
  // The task: OnClosed(), or output and input that were kept.
  void Run() override;
  void Abandon() override;

  // Calls the handler, sends what that has corked, and ends the stream if it is
  // done now. False if the connection is destroyed.
  bool Call(absl::FunctionRef<void(StreamHandler&)> call);
  // Offers `input`; how much of it was consumed, or nothing: destroyed.
  std::optional<size_t> Offer(absl::string_view input);
  // False: destroyed or ended.
  bool OfferKept();
  void EndIfAtInputLimit();
  void SetReading();
  // Whether output may wait for the end of the cork, `more` bytes included.
  bool MayHold(uint64_t more) const;
  void Uncork();
  // Sends what is held and then `pieces`, as far as can be done at once: how
  // many bytes of `pieces`.
  size_t TrySend(absl::Span<const absl::string_view> pieces);
  size_t SendNow(absl::Span<const absl::string_view> pieces);
  // Whether `more` bytes may be queued; ends the stream if not.
  bool EnforceOutputLimit(uint64_t more);
  bool Queued();
  void Flush();
  void TellDraining();
  void EndIfDone();
  void End(absl::Status why, CloseReason reason, CloseMode mode);
  void FireTimeout();
  void EndHandles();
  void Touch() {
    if (IdleEntry::linked()) context_->idle_->Touch(this);
  }

  ConnectionContext* const context_;
  TransportPtr transport_;  // null after the end
  StreamHandler* const handler_;
  // Null: nothing pending. Flushed by the transport, or held: before OnOpen(),
  // and while corked.
  std::unique_ptr<OutputQueue> output_;
  std::unique_ptr<std::string> input_;  // null: nothing kept
  std::unique_ptr<HandlerTimer> timer_;
  absl::Status why_;
  DestructorCheck destructor_check_;
  uint32_t tag_;
  CloseReason reason_ = CloseReason::kNormal;
  bool open_ : 1 = false;
  bool paused_ : 1 = false;
  bool offer_kept_ : 1 = false;  // by the task, before reading goes on
  bool offering_ : 1 = false;    // OnInput() runs: its rest is not kept yet
  bool input_ended_ : 1 = false;
  bool write_shut_down_ : 1 = false;  // ShutdownWrite() was called
  bool above_high_water_ : 1 = false;
  bool corked_ : 1 = false;
  bool flushing_ : 1 = false;  // the transport has output_
  bool draining_ : 1 = false;
  bool has_handle_ : 1 = false;  // the context's mailbox knows this
  bool ended_ : 1 = false;
};
static_assert(sizeof(void*) != 8 || sizeof(TcpConnection) <= 136);

}  // namespace sluice

#endif  // SLUICE_NET_TCP_TCP_CONNECTION_H_
