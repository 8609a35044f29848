#ifndef SLUICE_NET_TCP_TCP_CONNECTION_H_
#define SLUICE_NET_TCP_TCP_CONNECTION_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "sluice/base/counter.h"
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

// The limits of a connection. Besides its fixed size, a connection holds at
// most max_input bytes and one receive buffer of input, and high_water bytes of
// output, plus the bytes that its handler writes after a Write() that returned
// kFull, up to max_output in all.
struct ConnectionOptions {
  // Unconsumed input that ends the stream with kInputLimit. At least 1: then
  // the handler must consume everything at once.
  size_t max_input = 1 << 20;
  // Pending output above which Write() returns kFull. If it is above
  // max_output, Write() never returns kFull.
  uint64_t high_water = 256 * 1024;
  uint64_t low_water = 64 * 1024;  // OnWritable(); at most high_water
  uint64_t max_output = 64 << 20;  // the most pending output: kOutputLimit
  // Stop reading while Write() returns kFull: a peer that sends requests and
  // does not read the answers then costs high_water bytes and the answers to
  // one read. Right for servers. A client that sends many requests before it
  // reads should switch it off, because if both ends stop reading, neither goes
  // on.
  bool back_pressure = true;
  // The traffic that restarts idle_timeout. With kInput, a peer that died
  // without a word ends the stream though this end still writes to it.
  enum class IdleTraffic : uint8_t { kBoth, kInput };
  IdleTraffic idle_traffic = IdleTraffic::kBoth;
  // The time without traffic after which the stream ends with kIdleTimeout, up
  // to an eighth late. Positive; infinite means no limit.
  absl::Duration idle_timeout = absl::Minutes(5);
  // The most memory of messages that handles have sent to the connections of
  // one owner on one loop and that are not delivered yet: the allocation of
  // each string, plus 128 bytes for each message. Memory that a callable owns
  // is not counted.
  uint64_t max_handle_bytes = 64 << 20;  // Write(): kResourceExhausted
};

// Returns kInvalidArgument if an option is out of its range; the message has
// the option, its value and its range.
absl::Status CheckConnectionOptions(const ConnectionOptions& options);

// The owner of connections, which hears when they end.
class ConnectionOwner {
 public:
  // `connection` has called OnClosed() of its handler and does nothing more.
  // The owner destroys it, in this call or later.
  virtual void OnEnded(TcpConnection* connection) = 0;

 protected:
  virtual ~ConnectionOwner() = default;
};

// The state that the connections of one owner on one loop share, so that each
// connection holds one pointer. Outlives the connections; the loop and the
// owner outlive it. Loop-bound, except for the counters.
class ConnectionContext {
 public:
  // `owner` may be null. REQUIRES: CheckConnectionOptions() is OK.
  ConnectionContext(EventLoop* loop, const ConnectionOptions& options,
                    ConnectionOwner* owner = nullptr);
  // Drops messages of handles that are under way. In the child of a fork(),
  // does nothing: another thread may have been in the middle of a message.
  ~ConnectionContext();

  // Any thread. Return the bytes that were read from the kernel, and written to
  // it.
  uint64_t bytes_in() const { return bytes_in_.value(); }
  uint64_t bytes_out() const { return bytes_out_.value(); }
  // Any thread. Return the number of messages of handles that streams received,
  // and of messages that were accepted but dropped, because the stream or the
  // loop ended before delivery.
  uint64_t messages_delivered() const { return messages_.delivered.value(); }
  uint64_t messages_dropped() const { return messages_.dropped.value(); }

 private:
  friend class TcpConnection;

  EventLoop* const loop_;
  const ConnectionOptions options_;
  ConnectionOwner* const owner_;
  std::optional<IdleList> idle_;  // with a finite idle_timeout
  Counter bytes_in_;
  Counter bytes_out_;
  std::shared_ptr<StreamMailbox> mailbox_;  // null: no connection has a handle
  StreamMailbox::Counters messages_;
};

// A Stream on a loop, over a transport, for TCP and Unix-domain sockets.
// Loop-bound, its destructor too. Takes no lock, except in handle() and at the
// end of a stream that has handles. It has one owner. The destructor resets a
// stream that has not ended, and calls nothing. (In the child of a fork() the
// connection belongs to the parent, and is not reset.)
//
// An idle connection has at most 120 bytes. Memory for output and for
// unconsumed input is allocated when it is needed and freed when it is not. A
// timer, once set, stays allocated until the end or SetTimeout(infinite).
class TcpConnection final : public Stream,
                            private Transport::Sink,
                            private Task,
                            private IdleEntry {
 public:
  // Starts the transport. OnOpen() or OnClosed() follows, by a task. `handler`
  // must live until OnClosed() or the destruction of the connection. The owner
  // may use `tag` as it likes.
  TcpConnection(ConnectionContext* context, TransportPtr transport,
                StreamHandler* handler, uint32_t tag = 0);
  ~TcpConnection() override;

  using Stream::Write;
  WriteResult Write(absl::string_view data) override;
  WriteResult Write(const absl::Cord& data) override;
  void Cork() override;
  void WhenSent(Callable done) override;
  void ReadInto(absl::Span<char> buffer) override;
  void SetTimeout(absl::Duration delay) override;
  uint64_t pending_output() const override;
  bool HasUnreadInput() const override;
  Executor* executor() const override { return context_->loop_; }
  StreamHandle handle() override;

  // For a server that drains: calls OnDraining() of the handler, inside this
  // call or, if the stream is not open yet, right after OnOpen(). Does nothing
  // the second time, after CloseAfterFlush() and after the end.
  // REQUIRES: not called by the handler.
  void Drain();
  // Ends the stream for a reason of its owner. OnClosed() follows, by a task.
  // Closes the connection gracefully for kIdleTimeout, if no output is pending,
  // and resets it otherwise. After the end, does nothing and returns false. If
  // only the linger of CloseAfterFlush() is left, kIdleTimeout and
  // kDrainTimeout end it early with kNormal, and return false. REQUIRES:
  // !why.ok().
  bool Close(absl::Status why, CloseReason reason);

  uint32_t tag() const { return tag_; }
  void set_tag(uint32_t tag) { tag_ = tag; }
  StreamHandler* handler() const { return handler_; }

 private:
  friend class ConnectionContext;  // it finds connections by their IdleEntry

  struct Extra;

  void BeginClose(Closing closing) override;
  void SetPaused(Pauser pauser, bool paused) override;
  absl::StatusOr<SocketAddress> Address(Side side) const override;

  void OnOpen() override;
  absl::Span<char> InputBuffer() override;
  void OnInput(absl::string_view bytes) override;
  void OnInputEnd() override;
  void OnSent(uint64_t bytes) override;
  void OnError(absl::Status error, CloseReason reason) override;
  // The task: calls OnClosed(), or handles output and input that were kept.
  void Run() override;
  void Abandon() override;

  // Calls call(*handler_), sends corked output, and ends the stream if both
  // ends have half-closed. Returns false if the connection is destroyed. A
  // template, so that the compiler inlines it: each message passes here.
  template <typename HandlerCall>
  bool Call(HandlerCall call);
  // Passes `input` to the handler, and to its buffer. Returns how much of it
  // was consumed, or nullopt if the connection is destroyed.
  std::optional<size_t> Deliver(absl::string_view input);
  // Copies bytes of `input` into the buffer of ReadInto(), and calls
  // OnBufferFull() if it is full. Returns as Deliver() does.
  std::optional<size_t> Fill(absl::string_view input);
  // Returns false if the connection is destroyed.
  bool DeliverKept();
  void EndIfAtInputLimit();
  void Resumed();
  void SetReading();
  // Returns true if output, with `more` bytes, may wait for the end of the
  // cork.
  bool MayHold(uint64_t more) const;
  void Uncork();
  // Sends held output and then `pieces`, as far as the kernel takes them at
  // once. Returns how many bytes of `pieces` were sent.
  size_t TrySend(absl::Span<const absl::string_view> pieces);
  size_t SendNow(absl::Span<const absl::string_view> pieces);
  // Queues the rest of a Write(), or ends the stream if there is no room for
  // it. Returns the result of Write().
  template <typename Bytes>
  WriteResult Queue(const Bytes& rest);
  WriteResult Written() const {
    return above_high_water_ ? WriteResult::kFull : WriteResult::kOk;
  }
  void Flush();
  // Notes that `bytes` of the queue were sent, for WhenSent().
  void NoteSent(uint64_t bytes);
  // Calls the callables of WhenSent() that are due. Returns false if the
  // connection is destroyed.
  bool CallWhenSent();
  bool WhenSentIsDue() const;
  void HalfClose();
  void DiscardInput();
  void TellDraining();
  void EndIfDone();
  void End(absl::Status why, CloseReason reason, CloseMode mode);
  void EndHandles();
  // Returns the extra state, which it allocates if there is none.
  Extra& extra();
  void FreeUnusedExtra();
  // Returns true if only the end of the linger of CloseAfterFlush() is left.
  bool IsLingering() const { return closing_ && open_ && output_ == nullptr; }
  bool HasKeptInput() const;
  bool IsFilling() const;
  void TouchBySending() {
    if (context_->options_.idle_traffic ==
        ConnectionOptions::IdleTraffic::kBoth) {
      Touch();
    }
  }
  void Touch() {
    if (IdleEntry::linked()) context_->idle_->Touch(this);
  }

  ConnectionContext* const context_;
  TransportPtr transport_;  // null after the end
  StreamHandler* const handler_;
  // Pending output, or null. The transport flushes it, or it is held: before
  // OnOpen(), and while corked.
  std::unique_ptr<OutputQueue> output_;
  std::unique_ptr<Extra> extra_;  // state that few connections need, or null
  DestructorCheck destructor_check_;
  uint32_t tag_;
  CloseReason reason_ = CloseReason::kNormal;
  uint8_t paused_ = 0;  // bits of Pauser
  bool open_ : 1 = false;
  bool offer_kept_ : 1 = false;  // by the task, before reading goes on
  bool delivering_ : 1 = false;  // the rest of the input is not kept yet
  bool input_ended_ : 1 = false;
  bool write_shut_down_ : 1 = false;
  bool closing_ : 1 = false;  // CloseAfterFlush() was called
  bool above_high_water_ : 1 = false;
  bool corked_ : 1 = false;
  bool flushing_ : 1 = false;  // the transport has output_
  bool draining_ : 1 = false;
  bool has_handle_ : 1 = false;  // the context's mailbox knows this
  bool ended_ : 1 = false;
};
static_assert(sizeof(void*) != 8 || sizeof(TcpConnection) <= 120);

}  // namespace sluice

#endif  // SLUICE_NET_TCP_TCP_CONNECTION_H_
