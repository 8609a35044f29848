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
#include "sluice/base/mutex.h"
#include "sluice/base/task.h"
#include "sluice/event/event_loop.h"
#include "sluice/net/stream.h"

namespace sluice {

// Where the handles of the streams of one owner on one loop send their
// messages, and which of these streams are still there. Shared by its owner and
// the handles, so that a handle is safe for ever: once closed it refuses all.
//
// The first message schedules one task, which delivers all in the order they
// were accepted, at most 1024 per turn. No lock is held while a stream is
// called or anything of a user's is moved or destroyed. Memory: some 60 bytes
// for each stream that has handles, the messages, and room for 1024 of these
// that is kept.
class StreamMailbox final : public std::enable_shared_from_this<StreamMailbox>,
                            private Task {
 public:
  using Callable = absl::AnyInvocable<void(Stream&) &&>;

  // Of a stream. Slots are used again, with another generation: the same name
  // comes again after 2^32 streams in one slot.
  struct Name {
    friend bool operator==(const Name&, const Name&) = default;

    uint32_t slot = 0;
    uint32_t generation = 0;
  };
  // Written on the loop; any thread.
  struct Counters {
    std::atomic<uint64_t> delivered{0};
    std::atomic<uint64_t> dropped{0};
  };

  // Refuses what would make the messages under way cost more than `max_bytes`.
  // `loop` and `counters` live until Close().
  StreamMailbox(EventLoop* loop, uint64_t max_bytes, Counters* counters);
  // REQUIRES: closed.
  ~StreamMailbox() override;

  // Loop-bound. The same one until Remove().
  Name NameOf(Stream* stream);
  // Loop-bound. What is under way to `stream` is dropped when its time comes.
  // No-op for a stream that has no name.
  void Remove(Stream* stream);
  // Loop-bound. Drops what is under way; touches neither loop nor streams
  // afterwards. No-op the second time.
  void Close();

  // Any thread; see StreamHandle.
  absl::Status Write(Name name, std::string&& data);
  absl::Status ShutdownWrite(Name name);
  absl::Status Abort(Name name, absl::Status why);
  absl::Status Post(Name name, Callable&& callable);

 private:
  struct ShutdownWriteRequest {};
  // A callable has memory of its own: to move it may be to call its owner.
  using Content = std::variant<std::string, std::unique_ptr<Callable>,
                               ShutdownWriteRequest, absl::Status>;
  struct Message {
    Name to;
    uint64_t cost = 0;
    Content content;
  };
  // What any thread may know of a slot.
  struct Entry {
    uint32_t generation = 0;
    bool open = false;       // a stream has it, and no Abort() was accepted
    bool finishing = false;  // ShutdownWrite() was
  };

  void Run() override;
  void Abandon() override { Close(); }
  void Deliver(Message message);
  // Whether the next of the batch is one more Write().
  bool NextIsWriteTo(Name name) const;

  // Null: the stream is gone.
  Entry* Find(Name name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // kNotFound, kResourceExhausted.
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
  size_t next_ = 0;             // of batch_
};

}  // namespace sluice

#endif  // SLUICE_NET_STREAM_MAILBOX_H_
