#ifndef SLUICE_NET_STREAM_HANDLE_H_
#define SLUICE_NET_STREAM_HANDLE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "sluice/net/stream.h"

namespace sluice {

class StreamMailbox;

// A stream's name for any thread: Stream::handle() makes it. Sends the stream
// messages, and answers kNotFound once the stream has ended or was destroyed;
// safe for ever, also after connection, server and loop are gone. Thread-safe
// calls on a value that is thread-compatible: 24 bytes, copied freely; keeps no
// stream alive. A default one answers kNotFound.
//
// A message is delivered on the stream's sequence by a task, never inside the
// call that sends it. If stream or loop have ended by then, it is dropped and
// counted (ConnectionContext): OK says that it is under way. Messages to the
// streams of one server on one loop are delivered in the order in which they
// were accepted. What the loop itself does to the stream until then comes
// first; tasks and posts to the executor may come before or after.
//
// Bounds: ConnectionOptions::max_handle_bytes under way to all streams of one
// server on one loop. Nothing holds a writer back but that: a stream that gets
// more than its peer takes ends with kOutputLimit. Who must not let that happen
// posts, and looks at Stream::pending_output().
class StreamHandle {
 public:
  StreamHandle() = default;
  // For those who implement Stream.
  StreamHandle(std::shared_ptr<StreamMailbox> mailbox, uint32_t slot,
               uint32_t generation);

  // Stream::Write(). kNotFound; kResourceExhausted when the bound is reached:
  // `data` is then untouched. Writes that follow each other are sent together.
  absl::Status Write(std::string&& data) const;

  // Stream::ShutdownWrite(). kNotFound; there is always room for it.
  absl::Status ShutdownWrite() const;

  // Stream::Abort(). kNotFound; there is always room for it. From now on all
  // handles of the stream answer kNotFound. REQUIRES: !why.ok().
  absl::Status Abort(absl::Status why) const;

  // Calls `callable` with the stream, as a handler is called: it may destroy
  // the stream if its owner may. Destroys it there, uncalled, if the stream has
  // ended meanwhile. kNotFound and kResourceExhausted as Write(): `callable` is
  // then untouched. REQUIRES: not empty.
  using Callable = absl::AnyInvocable<void(Stream&) &&>;
  absl::Status Post(Callable&& callable) const;

  // Whether they name the same stream, or are both default ones.
  friend bool operator==(const StreamHandle&, const StreamHandle&) = default;

 private:
  std::shared_ptr<StreamMailbox> mailbox_;
  uint32_t slot_ = 0;
  uint32_t generation_ = 0;
};

}  // namespace sluice

#endif  // SLUICE_NET_STREAM_HANDLE_H_
