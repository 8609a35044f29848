#ifndef SLUICE_NET_STREAM_MAILBOX_H_
#define SLUICE_NET_STREAM_MAILBOX_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "sluice/base/counter.h"
#include "sluice/base/mutex.h"
#include "sluice/base/task.h"
#include "sluice/event/event_loop.h"
#include "sluice/net/stream.h"

namespace sluice {

// The messages that stream handles have sent to the streams of one owner on one
// loop, and the list of streams that are still there. The owner and the handles
// share the mailbox, so a handle can be used at any time: a closed mailbox
// refuses all messages.
//
// The first message schedules one task, which delivers messages in the order in
// which they were accepted, at most 1024 per iteration. No lock is held while a
// stream is called or a user's object is moved or destroyed. Memory: about 60
// bytes for each stream that has handles, the messages, and room for 1024
// messages that is kept.
class StreamMailbox final : public std::enable_shared_from_this<StreamMailbox>,
                            private Task {
 public:
  using Callable = absl::AnyInvocable<void(Stream&) &&>;

  // The name of a stream. A slot is used again with another generation, so a
  // name repeats after 2^32 streams in one slot.
  struct Name {
    friend bool operator==(const Name&, const Name&) = default;

    uint32_t slot = 0;
    uint32_t generation = 0;
  };
  // Written on the loop, read on any thread.
  struct Counters {
    Counter delivered;
    Counter dropped;
  };

  // Write() and Post() return kResourceExhausted if the messages under way
  // would then cost more than `max_bytes`. `loop` and `counters` live until
  // Close().
  StreamMailbox(EventLoop* loop, uint64_t max_bytes, Counters* counters);
  // REQUIRES: closed.
  ~StreamMailbox() override;

  // Loop-bound. Returns the name of `stream`, which is the same until Remove().
  Name NameOf(Stream* stream);
  // Loop-bound. Removes `stream`. Messages under way to it are dropped at their
  // time of delivery. Does nothing for a stream that has no name.
  void Remove(Stream* stream);
  // Loop-bound. Drops the messages under way and counts them as dropped.
  // Afterwards the mailbox touches neither loop nor streams. Does nothing the
  // second time.
  void Close();

  // Any thread; see StreamHandle.
  absl::Status Write(Name name, std::string&& data);
  absl::Status ShutdownWrite(Name name);
  absl::Status Abort(Name name, absl::Status why);
  absl::Status Post(Name name, Callable&& callable);

 private:
  struct ShutdownWriteRequest {};
  // A callable is behind a pointer because moving it may run its owner's code.
  using Content = std::variant<std::string, std::unique_ptr<Callable>,
                               ShutdownWriteRequest, absl::Status>;
  struct Message {
    Name to;
    uint64_t cost = 0;
    Content content;
  };
  // The state of a slot that any thread may read.
  struct Entry {
    uint32_t generation = 0;
    bool open = false;       // has a stream, and no Abort() was accepted
    bool finishing = false;  // a ShutdownWrite() was accepted
  };

  void Run() override;
  void Abandon() override { Close(); }
  void Deliver(Message message);
  // Returns true if the next message of the batch is a Write() to `name` too.
  bool NextIsWriteTo(Name name) const;

  // Returns null if the stream is gone.
  Entry* Find(Name name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Returns kNotFound or kResourceExhausted.
  absl::Status CheckRoom(Name name, uint64_t cost)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Queue(Name name, uint64_t cost, Content content)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  EventLoop* const loop_;
  const uint64_t max_bytes_;
  Counters* const counters_;

  Mutex mutex_;
  std::vector<Entry> entries_ ABSL_GUARDED_BY(mutex_);
  std::vector<Message> queue_ ABSL_GUARDED_BY(mutex_);
  uint64_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;  // queued, or being delivered
  bool scheduled_ ABSL_GUARDED_BY(mutex_) = false;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;

  // Loop-bound.
  struct Place {
    Stream* stream = nullptr;
    uint32_t generation = 0;
    uint32_t next_free = kNone;
  };
  static constexpr uint32_t kNone = UINT32_MAX;

  std::vector<Place> places_;  // by slot
  uint32_t first_free_ = kNone;
  absl::flat_hash_map<const Stream*, uint32_t> slots_;
  std::vector<Message> batch_;  // taken from queue_
  size_t next_ = 0;             // index into batch_
};

}  // namespace sluice

#endif  // SLUICE_NET_STREAM_MAILBOX_H_
