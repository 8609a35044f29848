#ifndef SLUICE_LOG_INTERNAL_LOG_RING_H_
#define SLUICE_LOG_INTERNAL_LOG_RING_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/base/optimization.h"

namespace sluice {

// A bounded queue of records from one thread to another. A record is bytes in
// one piece, the first four of which are its size, not 0; what does not fit
// before the end of the memory begins at the front. No locked instruction; a
// producer that finds room touches no cache line that the consumer writes. One
// producer, one consumer: the calls say whose they are.
class LogRing {
 public:
  // Records begin at multiples of this, and so do their sizes.
  static constexpr size_t kAlignment = 8;

  // Touches all its memory, so that no later call takes a page fault.
  // REQUIRES: `bytes` is a power of two, and at least 64.
  explicit LogRing(size_t bytes);
  LogRing(const LogRing&) = delete;
  LogRing& operator=(const LogRing&) = delete;

  size_t capacity() const { return capacity_; }
  // The largest record that always fits into an empty ring.
  size_t max_record() const { return capacity_ / 2; }

  // -- The producer's --

  // Where to write a record of `bytes`; nullptr if that takes a look at what
  // the consumer has released: MakeRoom() does. Nothing is published: another
  // call, of any size, takes its place. REQUIRES: `bytes` is a multiple of
  // kAlignment and at most max_record().
  char* TryReserve(size_t bytes) {
    const uint64_t tail = tail_.load(std::memory_order_relaxed);
    if (ABSL_PREDICT_FALSE(limit_ - tail < bytes)) return nullptr;
    return &memory_[tail & mask_];
  }
  // The same after that look; nullptr if the ring is full.
  char* MakeRoom(size_t bytes);
  // Hands the record that was written to where TryReserve() said to the
  // consumer. REQUIRES: the same `bytes`.
  void Commit(size_t bytes) {
    const uint64_t tail = tail_.load(std::memory_order_relaxed);
    tail_.store(tail + bytes, std::memory_order_release);
  }
  // Whether more than half of the memory is in use, by the last look. There is
  // one when the half is passed, and then after each sixteenth.
  bool more_than_half() const {
    return tail_.load(std::memory_order_relaxed) - seen_ > capacity_ / 2;
  }

  // -- The consumer's --

  // Records stand between positions. The producer does not change those between
  // begin() and end().
  uint64_t begin() const { return head_.load(std::memory_order_relaxed); }
  uint64_t end() const { return tail_.load(std::memory_order_acquire); }
  // The record at `*position`, which moves to where that begins; nullptr if
  // there is none before `end`. REQUIRES: begin() <= *position <= end <= end().
  const char* Read(uint64_t* position, uint64_t end) const;
  // The producer may write over what is before `position`. Of the consumer that
  // asks after this whether anybody waits, and a producer that says so before
  // MakeRoom(), one notices the other, if both do it with seq_cst.
  void Release(uint64_t position) {
    head_.store(position, std::memory_order_seq_cst);
  }

 private:
  const size_t capacity_;
  const uint64_t mask_;
  const std::unique_ptr<char[]> memory_;
  alignas(ABSL_CACHELINE_SIZE) std::atomic<uint64_t> tail_{0};
  uint64_t limit_ = 0;  // the producer's: up to here it need not look
  uint64_t seen_ = 0;   // the producer's: head_ when it looked
  alignas(ABSL_CACHELINE_SIZE) std::atomic<uint64_t> head_{0};
};

}  // namespace sluice

#endif  // SLUICE_LOG_INTERNAL_LOG_RING_H_
