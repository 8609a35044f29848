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

// A reference to a stream for use on any thread: Stream::handle() creates it.
// The calls send messages to the stream. They return kNotFound once the stream
// has ended or was destroyed, even after connection, server and loop are gone.
// The calls are thread-safe; the handle itself is a thread-compatible value of
// 24 bytes. It is copied freely and keeps no stream alive. A default handle
// returns kNotFound.
//
// A task delivers each message on the stream's sequence, never inside the call
// that sends it. OK means that the message is on its way: if the stream or the
// loop ends before delivery, the message is dropped and counted
// (ConnectionContext). Messages to the streams of one server on one loop are
// delivered in the order in which they were accepted. Events that the loop
// reports to the stream before delivery come first; tasks and posts to the
// executor may come before or after.
//
// Bound: ConnectionOptions::max_handle_bytes may be on their way to all streams
// of one server on one loop. There is no other back-pressure. If a program
// writes faster than the peer reads, the stream is closed with kOutputLimit. To
// avoid that, Post() a callable that checks Stream::pending_output() before it
// writes.
class StreamHandle {
 public:
  StreamHandle() = default;
  // For implementations of Stream.
  StreamHandle(std::shared_ptr<StreamMailbox> mailbox, uint32_t slot,
               uint32_t generation);

  // Calls Stream::Write(). Returns kNotFound, or kResourceExhausted if the
  // bound is reached; after an error, `data` is untouched. After
  // ShutdownWrite(), may return OK although the stream drops the bytes.
  // Consecutive writes are sent together.
  absl::Status Write(std::string&& data) const;

  // Calls Stream::ShutdownWrite(). Returns OK or kNotFound, and never
  // kResourceExhausted.
  absl::Status ShutdownWrite() const;

  // Calls Stream::Abort(). Returns OK or kNotFound, and never
  // kResourceExhausted. After this call, all handles of the stream return
  // kNotFound. REQUIRES: !why.ok().
  absl::Status Abort(absl::Status why) const;

  // Calls `callable` with the stream, under the rules for handlers: it may
  // destroy the stream if the stream's owner may. If the stream has ended by
  // then, destroys `callable` on the stream's sequence without a call. Returns
  // kNotFound and kResourceExhausted as Write() does; after an error,
  // `callable` is untouched. REQUIRES: not empty.
  using Callable = absl::AnyInvocable<void(Stream&) &&>;
  absl::Status Post(Callable&& callable) const;

  // Returns true if both refer to the same stream, or both are default handles.
  friend bool operator==(const StreamHandle&, const StreamHandle&) = default;

 private:
  std::shared_ptr<StreamMailbox> mailbox_;
  uint32_t slot_ = 0;
  uint32_t generation_ = 0;
};

}  // namespace sluice

#endif  // SLUICE_NET_STREAM_HANDLE_H_
