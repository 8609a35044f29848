#ifndef SLUICE_BASE_INCREASE_H_
#define SLUICE_BASE_INCREASE_H_

#include <atomic>
#include <cstdint>

namespace sluice {

// Adds `by` to a counter that one thread writes and any thread reads. Uses no
// locked instruction, as fetch_add() would. REQUIRES: no other thread writes
// `counter` at the same time.
inline void Increase(std::atomic<uint64_t>& counter, uint64_t by) {
  counter.store(counter.load(std::memory_order_relaxed) + by,
                std::memory_order_relaxed);
}

}  // namespace sluice

#endif  // SLUICE_BASE_INCREASE_H_
