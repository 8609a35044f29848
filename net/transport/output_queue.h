#ifndef SLUICE_NET_TRANSPORT_OUTPUT_QUEUE_H_
#define SLUICE_NET_TRANSPORT_OUTPUT_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace sluice {

// A piece of output. Made with new; lives until it is neither queued nor
// pinned, so that the kernel or a ring may read it after its connection has
// gone. Thread-compatible, together with its queue.
class Segment {
 public:
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;

  // Bytes left. Changes by OutputQueue::Consume() alone.
  virtual uint64_t size() const = 0;
  // A prefix in memory of what is left; not empty unless size() is 0. The bytes
  // neither move nor change while the segment is queued or pinned, even once
  // they are consumed.
  virtual absl::string_view Bytes() = 0;

  void Pin() { ++pins_; }
  // Deletes the segment if that was the last pin and it is no longer queued.
  // REQUIRES: pinned.
  void Unpin();

 protected:
  Segment() = default;
  virtual ~Segment() = default;

 private:
  friend class OutputQueue;

  // Drops the first `n` bytes; n <= size(). What Bytes() has shown stays where
  // it is.
  virtual void Consume(uint64_t n) = 0;

  Segment* next_ = nullptr;
  uint32_t pins_ = 0;
  bool queued_ = false;
};

// Bytes that a connection has yet to send, in order. Owns its segments.
// Thread-compatible. Sends nothing and has no bound: its owner must refuse.
//
// Memory: bytes that are copied go to blocks of 4 to 64 KiB, in steps of 4, and
// small ones share a block; each block is freed when its last byte is consumed,
// or with its last pin after that. Between large pieces, which are not copied,
// a small one has a block of 4 KiB to itself.
class OutputQueue {
 public:
  // A string or a piece of a Cord of fewer bytes is copied: that costs less
  // than a segment of its own.
  static constexpr size_t kMinTakeOver = 1024;

  OutputQueue() = default;
  OutputQueue(const OutputQueue&) = delete;
  OutputQueue& operator=(const OutputQueue&) = delete;
  // A pinned segment lives on until its last Unpin().
  ~OutputQueue();

  // Copies.
  void Append(absl::string_view data);
  void Append(const char* data) { Append(absl::string_view(data)); }
  // Takes the string over if it is large and fills at least half of its
  // capacity; copies it otherwise. Freed whole, when its end is consumed.
  void Append(std::string&& data);
  // Keeps references to the large pieces of the Cord, copies the small ones.
  // A reference is dropped as soon as its piece is consumed.
  void Append(const absl::Cord& data);
  // Takes over. An empty one is dropped at once. REQUIRES: in no queue.
  void Append(Segment* segment);

  bool empty() const { return first_ == nullptr; }
  // Bytes left.
  uint64_t size() const { return size_; }
  // Null when empty. No segment of the queue is empty.
  Segment* front() const { return first_; }
  // Null at the end. REQUIRES: `segment` is in this queue.
  Segment* next(const Segment* segment) const { return segment->next_; }

  // Fills `pieces` from the front with bytes that follow each other, none of
  // them empty; how many. Each is of one segment, in the order of front() and
  // next(). They stay valid until consumed, or longer by pinning.
  size_t Gather(absl::Span<absl::string_view> pieces) const;
  // Drops the first `n` bytes. REQUIRES: n <= size().
  void Consume(uint64_t n);

 private:
  class Block;
  class StringSegment;
  class CordSegment;

  // Puts it at the end; size_ is the caller's.
  void Link(Segment* segment);
  void PopFront();

  Segment* first_ = nullptr;
  Segment* last_ = nullptr;
  Block* open_ = nullptr;  // last_, if that is a block, which may have room
  uint64_t size_ = 0;
};

}  // namespace sluice

#endif  // SLUICE_NET_TRANSPORT_OUTPUT_QUEUE_H_
