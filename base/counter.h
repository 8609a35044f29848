#ifndef SLUICE_BASE_COUNTER_H_
#define SLUICE_BASE_COUNTER_H_

#include <atomic>
#include <cstdint>

#include "sluice/base/cxx20.h"

namespace sluice {

// A number of events, for statistics. Orders no other memory: after a thread
// reads a value, it may still see older values of other variables. Thread-safe,
// except AddLocal().
class Counter {
 public:
  Counter() = default;
  Counter(const Counter&) = delete;
  Counter& operator=(const Counter&) = delete;

  uint64_t value() const { return value_.load(std::memory_order_relaxed); }
  void Add(uint64_t by = 1) { value_.fetch_add(by, std::memory_order_relaxed); }
  // Like Add(), but without a locked instruction. REQUIRES: only one thread at
  // a time changes this counter.
  void AddLocal(uint64_t by = 1) {
    value_.store(value() + by, std::memory_order_relaxed);
  }

 private:
  std::atomic<uint64_t> value_{0};
};

}  // namespace sluice

#endif  // SLUICE_BASE_COUNTER_H_
