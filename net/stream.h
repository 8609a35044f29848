#ifndef SLUICE_NET_STREAM_H_
#define SLUICE_NET_STREAM_H_

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "sluice/base/executor.h"
#include "sluice/net/close_reason.h"
#include "sluice/net/socket_address.h"

namespace sluice {

class StreamHandle;

// A byte stream as its handler sees it, without loop or descriptor;
// TcpConnection is one. Sequence-bound: to the sequence on which its handler is
// called. No call on a stream calls the handler. Errors are reported by
// StreamHandler::OnClosed().
//
// A Stream& is valid until the handler's OnClosed() returns. To reach the
// stream later or from another thread, take a handle().
//
// A stream bounds its memory: see ConnectionOptions in
// net/tcp/tcp_connection.h. By default it stops reading while much output is
// pending, so a handler that answers requests needs no line about slow peers.
class Stream {
 public:
  // The result of a Write().
  enum class WriteResult : uint8_t {
    kOk,     // the bytes are sent or queued; more may be written
    kFull,   // the bytes are sent or queued; stop until OnWritable()
    kEnded,  // the bytes are dropped: nothing can be written any more
  };

  // Sends the bytes that the kernel takes at once, and queues the rest. Before
  // OnOpen(), queues all. Returns kFull from the time that pending output
  // exceeds the high-water mark until it has fallen to the low-water mark. If
  // pending output would exceed max_output, queues nothing, and the stream ends
  // with kOutputLimit. Returns kEnded then, and after ShutdownWrite(),
  // CloseAfterFlush() and the end. One system call, unless Cork() holds the
  // bytes.
  virtual WriteResult Write(absl::string_view data) = 0;
  // Does the same. Queued bytes share the memory of the Cord.
  virtual WriteResult Write(const absl::Cord& data) = 0;
  // Does the same. Queued bytes of a large string are not copied.
  WriteResult Write(std::same_as<std::string> auto&& data) {
    if (data.size() < kMinTakeOver) return Write(absl::string_view(data));
    return Write(absl::Cord(std::move(data)));
  }

  // Holds later writes, to send them together in few system calls. When the
  // current callback of this stream returns, the held bytes are sent and the
  // hold ends; if no callback of this stream runs, a task does this. For an
  // answer in several pieces, and for each stream that a handler writes to many
  // times in one callback, its own or another:
  //
  //   stream.Cork();
  //   stream.Write(header);
  //   stream.Write(body);
  //
  // Holds at most 64 KiB, high_water or max_output, whichever is least: a
  // Write() that would exceed this limit sends. ShutdownWrite() and
  // CloseAfterFlush() send and end the hold.
  virtual void Cork() = 0;

  // Calls `done` once, by a task, when the kernel has taken each byte that was
  // written before this call. If the stream ends before that, `done` is
  // destroyed without a call, after OnClosed(). Calls come in the order in
  // which WhenSent() was called. Each costs about 100 bytes until then.
  using Callable = absl::AnyInvocable<void() &&>;
  virtual void WhenSent(Callable done) = 0;

  // Receives the next buffer.size() bytes of the input into `buffer`, and then
  // calls OnBufferFull(). OnInput() is not called meanwhile. If the call comes
  // inside OnInput(), these are the bytes after the ones that OnInput()
  // consumes. Large buffers are filled by the kernel without a copy: for a body
  // whose length is known. The bytes do not count for max_input.
  // REQUIRES: `buffer` is not empty; it lives until OnBufferFull() or
  // OnClosed(); the buffer of an earlier call is full.
  virtual void ReadInto(absl::Span<char> buffer) = 0;

  // Half-closes: sends FIN after pending output. Reading goes on. The stream
  // ends with kNormal when the peer has half-closed too. Does nothing the
  // second time and after the end. A server that says goodbye uses
  // CloseAfterFlush() instead: a peer that never closes would keep a
  // half-closed stream until the idle timeout.
  void ShutdownWrite() { BeginClose({.how = Closing::How::kShutdownWrite}); }

  // Sends pending output and FIN, and ends the stream with kNormal: as soon as
  // the peer has closed or reset too, and `linger` after FIN at the latest.
  // From now on input is discarded, and the handler is called only once more,
  // with OnClosed(). Waiting for the peer matters, because a connection that is
  // closed with unread input is reset, which destroys the last bytes of the
  // answer. While a peer does not read, output stays pending, and the idle
  // timeout runs. `linger` may be zero. Replaces ShutdownWrite(). Does nothing
  // the second time and after the end.
  void CloseAfterFlush(absl::Duration linger = kDefaultLinger) {
    BeginClose({.how = Closing::How::kAfterFlush, .linger = linger});
  }
  static constexpr absl::Duration kDefaultLinger = absl::Seconds(2);

  // Resets the connection and drops pending output. The next call of the
  // handler is OnClosed(why, kAborted). Does nothing after the end. REQUIRES:
  // !why.ok().
  void Abort(absl::Status why) {
    BeginClose({.how = Closing::How::kAbort, .why = std::move(why)});
  }

  // The owners of pauses. Reading goes on when no owner pauses it, so an owner
  // cannot undo the pause of another.
  enum class Pauser : uint8_t {
    kHandler = 1,       // the handler
    kRelay = 2,         // a relay, which couples two streams
    kBackPressure = 4,  // the stream itself: much output is pending
  };
  // Stops OnInput(), OnInputEnd() and OnBufferFull() until ResumeReading() by
  // the same pauser. ResumeReading() offers kept input again, by a task. Inside
  // OnInput(), input that the call does not consume counts as kept. Both do
  // nothing after CloseAfterFlush() and after the end. REQUIRES: not
  // kBackPressure.
  void PauseReading(Pauser pauser = Pauser::kHandler) {
    SetPaused(pauser, true);
  }
  void ResumeReading(Pauser pauser = Pauser::kHandler) {
    SetPaused(pauser, false);
  }

  // Calls StreamHandler::OnTimeout() once, after `delay`. Replaces an earlier
  // timeout; absl::InfiniteDuration() cancels it. For a read timeout, set it in
  // OnOpen() and again in each OnInput(); for a deadline, set it once. For
  // both, write an OnTimeout() that calls Abort(): the default does nothing.
  virtual void SetTimeout(absl::Duration delay) = 0;

  // Returns the number of bytes that are written and that the kernel has not
  // taken yet.
  virtual uint64_t pending_output() const = 0;
  // Returns true if bytes have arrived that the handler has not consumed,
  // whether the stream or the kernel holds them. Returns false after the end.
  // Costs a system call. For handlers that consume all input before they
  // half-close.
  virtual bool HasUnreadInput() const = 0;
  // Ask the kernel for the addresses of the connection. Return
  // kFailedPrecondition after the end, and the error of the system call.
  absl::StatusOr<SocketAddress> peer() const { return Address(Side::kPeer); }
  absl::StatusOr<SocketAddress> local() const { return Address(Side::kLocal); }
  // Returns the executor of the handler's sequence. The executor is
  // thread-safe: other threads schedule tasks on it to come back.
  virtual Executor* executor() const = 0;
  // Returns a handle by which any thread can reach this stream: see
  // stream_handle.h. After the end, its calls return kNotFound.
  virtual StreamHandle handle() = 0;

 protected:
  // A request to close, for implementations.
  struct Closing {
    enum class How : uint8_t { kShutdownWrite, kAfterFlush, kAbort };
    How how;
    absl::Duration linger = {};  // of kAfterFlush
    absl::Status why = {};       // of kAbort
  };
  enum class Side : uint8_t { kLocal, kPeer };
  // Strings with fewer bytes are copied: that costs less than sharing them.
  static constexpr size_t kMinTakeOver = 1024;

  virtual ~Stream() = default;

  virtual void BeginClose(Closing closing) = 0;
  virtual void SetPaused(Pauser pauser, bool paused) = 0;
  virtual absl::StatusOr<SocketAddress> Address(Side side) const = 0;
};

// The user's side of a stream. All calls come on the stream's sequence, one at
// a time, and never inside a call on the stream. In each call the owner of the
// stream may destroy it, and must then return at once; other users call
// Abort(). A default does nothing unless its comment says otherwise. If an
// exception leaves a call, the process ends: see "Exceptions" in
// docs/architecture.md.
class StreamHandler {
 public:
  virtual ~StreamHandler() = default;

  // The connection is ready: bytes that were written earlier are sent now.
  // Called at most once. Only OnTimeout() and OnClosed() may come before this
  // call or without it.
  virtual void OnOpen(Stream&) {}

  // Passes all bytes that have arrived and are not consumed. `input` is never
  // empty, and is valid during the call. Returns how many bytes, from the
  // front, the handler has consumed; 0 waits for more. The stream keeps the
  // rest and passes it again together with the next bytes. If the rest reaches
  // max_input bytes, and reading is not paused, the stream ends with
  // kInputLimit. REQUIRES: returns at most input.size().
  virtual size_t OnInput(Stream& stream, absl::string_view input) = 0;

  // The peer has half-closed, and all its bytes were passed to OnInput(). This
  // end may go on sending; no time limit except idle_timeout applies. Called at
  // most once. The default calls ShutdownWrite().
  virtual void OnInputEnd(Stream& stream) { stream.ShutdownWrite(); }

  // The buffer of ReadInto() is full. Bytes that follow go to OnInput(), or to
  // the buffer of the next ReadInto(). REQUIRES: overridden if ReadInto() is
  // called.
  virtual void OnBufferFull(Stream&) {}

  // Output may be written again: after a Write() that returned kFull, pending
  // output has fallen to the low-water mark. Called once for each such fall.
  virtual void OnWritable(Stream&) {}

  // The delay of SetTimeout() has passed.
  virtual void OnTimeout(Stream&) {}

  // The server drains. The handler should send its last bytes and call
  // CloseAfterFlush() soon. The server resets a stream that has not ended at
  // the drain's deadline. Called at most once. The default calls
  // CloseAfterFlush().
  virtual void OnDraining(Stream& stream) { stream.CloseAfterFlush(); }

  // The stream has ended. Called once, as the last call, unless the owner
  // destroys the stream first. `why` is OK if and only if `reason` is kNormal.
  virtual void OnClosed(Stream&, absl::Status /*why*/, CloseReason /*reason*/) {
  }
};

}  // namespace sluice

#endif  // SLUICE_NET_STREAM_H_
