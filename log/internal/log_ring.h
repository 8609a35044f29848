#ifndef SLUICE_LOG_INTERNAL_LOG_RING_H_
#define SLUICE_LOG_INTERNAL_LOG_RING_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/base/optimization.h"

namespace sluice {

// A bounded queue of records from one thread, the producer, to another, the
// consumer. A record is one piece of bytes; its first four are its size, which
// is not 0. If a record does not fit before the end of the memory, it begins at
// the front. The calls use no locked instruction, except that Release() is a
// store with seq_cst; a producer that finds room touches no cache line that the
// consumer writes.
class LogRing {
 public:
  // Positions and sizes of records are multiples of this.
  static constexpr size_t kAlignment = 8;

  // Touches all of its memory, so that no later call has a page fault.
  // REQUIRES: `bytes` is a power of two, and at least 64.
  explicit LogRing(size_t bytes);
  LogRing(const LogRing&) = delete;
  LogRing& operator=(const LogRing&) = delete;

  size_t capacity() const { return capacity_; }
  // The largest record that always fits into an empty ring.
  size_t max_record() const { return capacity_ / 2; }

  // -- For the producer --

  // Returns the memory for a record of `bytes`, or nullptr if the producer must
  // first call MakeRoom(), which checks how much the consumer has released. The
  // consumer does not see the record before Commit(); the next call replaces
  // this one. REQUIRES: `bytes` is a multiple of kAlignment and at most
  // max_record().
  char* TryReserve(size_t bytes) {
    const uint64_t tail = tail_.load(std::memory_order_relaxed);
    if (ABSL_PREDICT_FALSE(limit_ - tail < bytes)) return nullptr;
    return &memory_[tail & mask_];
  }
  // Does the same after it has read the consumer's position. Returns nullptr if
  // the ring is full.
  char* MakeRoom(size_t bytes);
  // Passes the reserved record to the consumer. REQUIRES: `bytes` is the size
  // that was reserved.
  void Commit(size_t bytes) {
    const uint64_t tail = tail_.load(std::memory_order_relaxed);
    tail_.store(tail + bytes, std::memory_order_release);
  }
  // Returns true if more than half of the memory was in use when the producer
  // last read the consumer's position. It does so when half of the memory has
  // been filled, and then after each sixteenth.
  bool more_than_half() const {
    return tail_.load(std::memory_order_relaxed) - seen_ > capacity_ / 2;
  }

  // -- For the consumer --

  // The records between these positions are complete; the producer does not
  // change them.
  uint64_t begin() const { return head_.load(std::memory_order_relaxed); }
  uint64_t end() const { return tail_.load(std::memory_order_acquire); }
  // Returns the first record from `*position` on, and sets `*position` to its
  // beginning. Returns nullptr if there is no record before `end`.
  // REQUIRES: begin() <= *position <= end <= this->end().
  const char* Read(uint64_t* position, uint64_t end) const;
  // Gives the memory before `position` back to the producer. No wake-up is
  // missed if the consumer checks after Release() whether a producer waits, and
  // a producer says that it waits before it calls MakeRoom(), both with
  // seq_cst.
  void Release(uint64_t position) {
    head_.store(position, std::memory_order_seq_cst);
  }

 private:
  const size_t capacity_;
  const uint64_t mask_;
  const std::unique_ptr<char[]> memory_;
  alignas(ABSL_CACHELINE_SIZE) std::atomic<uint64_t> tail_{0};
  uint64_t limit_ = 0;  // producer: end of the memory known to be free
  uint64_t seen_ = 0;   // producer: head_ when last read
  alignas(ABSL_CACHELINE_SIZE) std::atomic<uint64_t> head_{0};
};

}  // namespace sluice

#endif  // SLUICE_LOG_INTERNAL_LOG_RING_H_
