#ifndef SLUICE_NET_TRANSPORT_OUTPUT_QUEUE_H_
#define SLUICE_NET_TRANSPORT_OUTPUT_QUEUE_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace sluice {

// A piece of output. Created with new. Lives until it is neither queued nor
// pinned, so that the kernel or a ring may read it after its connection was
// closed. Thread-compatible, together with its queue.
class Segment {
 public:
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;

  // Returns the number of bytes left. Only OutputQueue::Consume() changes it.
  virtual uint64_t size() const = 0;
  // Returns a prefix, in memory, of the bytes left; not empty unless size() is
  // 0. The bytes neither move nor change while the segment is queued or pinned,
  // even after they are consumed.
  virtual absl::string_view Bytes() = 0;

  // Keeps the segment alive until the matching Unpin().
  void Pin() { ++pins_; }
  // Removes a pin. Deletes the segment if that was the last pin and the segment
  // is not queued. REQUIRES: pinned.
  void Unpin();

 protected:
  Segment() = default;
  virtual ~Segment() = default;

 private:
  friend class OutputQueue;

  // Drops the first `n` bytes; n <= size(). Bytes that Bytes() has shown stay
  // where they are.
  virtual void Consume(uint64_t n) = 0;

  Segment* next_ = nullptr;
  uint32_t pins_ = 0;
  bool queued_ = false;
};

// The bytes that a connection has yet to send, in order. Owns its segments.
// Sends nothing. Has no bound: its owner must limit it. Thread-compatible.
//
// Memory: bytes that are copied go to blocks of 4 to 64 KiB, in steps of 4 KiB.
// Small pieces share a block. A block is freed when its last byte is consumed,
// or with its last pin after that. Between large pieces, which are not copied,
// a small piece has a block of 4 KiB to itself.
class OutputQueue {
 public:
  // A piece of a Cord with fewer bytes is copied: that costs less than a
  // segment of its own.
  static constexpr size_t kMinTakeOver = 1024;

  OutputQueue() = default;
  OutputQueue(const OutputQueue&) = delete;
  OutputQueue& operator=(const OutputQueue&) = delete;
  // Frees the segments, each pinned one at its last Unpin().
  ~OutputQueue();

  // Copies the bytes.
  void Append(absl::string_view data);
  // Keeps references to the large pieces of the Cord, and copies the small
  // ones. Drops a reference as soon as its piece is consumed.
  void Append(const absl::Cord& data);
  // Takes the segment over. Drops it at once if it is empty. REQUIRES: in no
  // queue.
  void Append(Segment* segment);

  bool empty() const { return first_ == nullptr; }
  // Returns the number of bytes left.
  uint64_t size() const { return size_; }
  // Returns null when the queue is empty. No segment in the queue is empty.
  Segment* front() const { return first_; }
  // Returns null at the end. REQUIRES: `segment` is in this queue.
  Segment* next(const Segment* segment) const { return segment->next_; }

  // Fills `pieces` with bytes from the front of the queue, in order, and
  // returns how many pieces it has filled. No piece is empty. Each piece is
  // part of one segment, in the order of front() and next(). The pieces stay
  // valid until they are consumed, or longer if their segments are pinned.
  size_t Gather(absl::Span<absl::string_view> pieces) const;
  // Drops the first `n` bytes. REQUIRES: n <= size().
  void Consume(uint64_t n);

 private:
  class Block;
  class CordSegment;

  // Appends `segment`. The caller adds to size_.
  void Link(Segment* segment);
  void PopFront();

  Segment* first_ = nullptr;
  Segment* last_ = nullptr;
  Block* open_ = nullptr;  // last_ if that is a block with room, or null
  uint64_t size_ = 0;
};

}  // namespace sluice

#endif  // SLUICE_NET_TRANSPORT_OUTPUT_QUEUE_H_
