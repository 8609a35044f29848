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

// A byte stream as handlers see it, without loop or descriptor; TcpConnection
// is one. Bound to the sequence that its handler is called on. Errors come by
// StreamHandler::OnClosed(), and no call runs a handler inside itself.
class Stream {
 public:
  // Sends at once what fits, and queues the rest. Returns false while pending
  // output is past the high-water mark: stop until OnWritable(). Output past
  // max_output is not queued: the stream ends with kOutputLimit. Ignored, and
  // false, after ShutdownWrite() and after the end.
  virtual bool Write(absl::string_view data) = 0;
  // The same; what is queued shares the Cord's memory.
  virtual bool Write(const absl::Cord& data) = 0;

  // Holds what is written from now on, to send it together, in as few system
  // calls as fit: when this callback returns, or outside of one by a task. For
  // an answer in several pieces:
  //
  //   stream.Cork();
  //   stream.Write(header);
  //   stream.Write(body);
  //
  // 64 KiB, high_water or max_output, whichever is least, are held at most: the
  // Write() that would pass it sends. ShutdownWrite() sends too.
  virtual void Cork() = 0;

  // Sends FIN after pending output. Reading goes on: the stream is done when
  // the peer has finished too. No-op the second time.
  virtual void ShutdownWrite() = 0;

  // Resets the connection: what is pending is lost. OnClosed(why, kAborted)
  // follows. No-op after the end. REQUIRES: !why.ok().
  virtual void Abort(absl::Status why) = 0;

  // No OnInput() and no OnInputEnd() until ResumeReading(), which offers anew
  // what was kept, by a task; inside OnInput(), what that call leaves.
  virtual void PauseReading() = 0;
  virtual void ResumeReading() = 0;

  // StreamHandler::OnTimeout() once after `delay`, in place of the last call's;
  // infinite: none. What it limits is the handler's: set in OnOpen() and anew
  // in OnInput() it is a read timeout, not set anew a deadline; OnTimeout()
  // then calls Abort().
  virtual void SetTimeout(absl::Duration delay) = 0;

  // Bytes written and not yet taken by the kernel.
  virtual uint64_t pending_output() const = 0;
  // Whether there are bytes that have arrived and were not consumed: in the
  // kernel too, which costs a system call. For those who drain.
  virtual bool HasUnreadInput() const = 0;
  // Asks the kernel. kFailedPrecondition after the end.
  virtual absl::StatusOr<SocketAddress> peer() const = 0;
  // Where the handler runs; itself thread-safe, to come back from elsewhere.
  virtual Executor* executor() const = 0;
  // Names this stream on any thread: see stream_handle.h. After the end, one
  // that answers kNotFound.
  virtual StreamHandle handle() = 0;

 protected:
  virtual ~Stream() = default;
};

// What a user writes. All calls come on the stream's sequence, one at a time,
// never inside a call on the stream. Who owns the stream may destroy it in any
// of them, and then returns at once; others use Abort(). An exception that
// leaves a call ends the process: docs/architecture.md, "Exceptions".
class StreamHandler {
 public:
  virtual ~StreamHandler() = default;

  // The stream can be used. Once; without it only OnTimeout() and OnClosed()
  // may come.
  virtual void OnOpen(Stream& stream);

  // `input`: all that has arrived and is not consumed, never empty, valid
  // during the call. Returns how many bytes of its front are consumed. The rest
  // is kept, and offered anew together with what comes next; 0 waits for more.
  // A rest of max_input bytes, unless the call has paused reading, ends the
  // stream with kInputLimit: it never waits for ever, and never grows.
  virtual size_t OnInput(Stream& stream, absl::string_view input) = 0;

  // The peer sends no more, and what it sent was offered; we may send for as
  // long as we like. Once. Finishes, if not overridden.
  virtual void OnInputEnd(Stream& stream);

  // Pending output has fallen to the low-water mark, after a Write() that
  // returned false. Once for each such crossing.
  virtual void OnWritable(Stream& stream);

  // The delay of SetTimeout() has passed.
  virtual void OnTimeout(Stream& stream);

  // The server drains: say what must be said, and finish soon. A stream that is
  // finished and has nothing to send is closed then, without waiting for the
  // peer. Once at most. Finishes, if not overridden.
  virtual void OnDraining(Stream& stream);

  // The stream has ended. Exactly once, and last, save for a stream that its
  // owner destroyed: that calls nothing. OK if and only if kDone.
  virtual void OnClosed(Stream& stream, absl::Status why, CloseReason reason);
};

}  // namespace sluice

#endif  // SLUICE_NET_STREAM_H_
