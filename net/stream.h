#ifndef SLUICE_NET_STREAM_H_
#define SLUICE_NET_STREAM_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "sluice/base/executor.h"
#include "sluice/net/close_reason.h"
#include "sluice/net/socket_address.h"

namespace sluice {

class StreamHandle;

// A byte stream as its handler sees it, without loop or descriptor;
// TcpConnection is one. Sequence-bound: to the sequence on which its handler is
// called. No call on a stream calls the handler. Errors are reported by
// StreamHandler::OnClosed().
class Stream {
 public:
  // Sends the bytes that the kernel takes at once, and queues the rest. Before
  // OnOpen(), queues all. Returns false from the time that pending output
  // exceeds the high-water mark until it has fallen to the low-water mark: the
  // caller should then stop until OnWritable(). If pending output would exceed
  // max_output, queues nothing, and the stream ends with kOutputLimit. After
  // ShutdownWrite() and after the end, does nothing and returns false.
  virtual bool Write(absl::string_view data) = 0;
  // Does the same. Queued bytes share the memory of the Cord.
  virtual bool Write(const absl::Cord& data) = 0;

  // Holds later writes, to send them together in few system calls. When the
  // current callback returns, the held bytes are sent and the hold ends; if no
  // callback runs, a task does this. For an answer in several pieces:
  //
  //   stream.Cork();
  //   stream.Write(header);
  //   stream.Write(body);
  //
  // Holds at most 64 KiB, high_water or max_output, whichever is least: a
  // Write() that would exceed this limit sends. ShutdownWrite() sends and ends
  // the hold.
  virtual void Cork() = 0;

  // Half-closes: sends FIN after pending output. Reading goes on. The stream
  // ends with kNormal when the peer has half-closed too. Does nothing the
  // second time and after the end.
  virtual void ShutdownWrite() = 0;

  // Resets the connection and drops pending output. The next call of the
  // handler is OnClosed(why, kAborted). Does nothing after the end. REQUIRES:
  // !why.ok().
  virtual void Abort(absl::Status why) = 0;

  // Stops OnInput() and OnInputEnd() until ResumeReading(). ResumeReading()
  // offers kept input again, by a task. Inside OnInput(), input that the call
  // does not consume counts as kept.
  virtual void PauseReading() = 0;
  virtual void ResumeReading() = 0;

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
  // Asks the kernel for the peer's address. Returns kFailedPrecondition after
  // the end, and the error of the system call.
  virtual absl::StatusOr<SocketAddress> peer() const = 0;
  // Returns the executor of the handler's sequence. The executor is
  // thread-safe: other threads schedule tasks on it to come back.
  virtual Executor* executor() const = 0;
  // Returns a handle by which any thread can reach this stream: see
  // stream_handle.h. After the end, its calls return kNotFound.
  virtual StreamHandle handle() = 0;

 protected:
  virtual ~Stream() = default;
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

  // Output may be written again: after a Write() that returned false, pending
  // output has fallen to the low-water mark. Called once for each such fall.
  virtual void OnWritable(Stream&) {}

  // The delay of SetTimeout() has passed.
  virtual void OnTimeout(Stream&) {}

  // The server drains. The handler should send its last bytes and call
  // ShutdownWrite() soon. Then the stream ends when nothing is pending, without
  // waiting for the peer. Called at most once. The default calls
  // ShutdownWrite().
  virtual void OnDraining(Stream& stream) { stream.ShutdownWrite(); }

  // The stream has ended. Called once, as the last call, unless the owner
  // destroys the stream first. `why` is OK if and only if `reason` is kNormal.
  virtual void OnClosed(Stream&, absl::Status /*why*/, CloseReason /*reason*/) {
  }
};

}  // namespace sluice

#endif  // SLUICE_NET_STREAM_H_
