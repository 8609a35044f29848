#ifndef SLUICE_BASE_INCREASE_H_
#define SLUICE_BASE_INCREASE_H_

#include <atomic>
#include <cstdint>

namespace sluice {

// For counters that one thread writes and any thread reads: no locked
// instruction. REQUIRES: nobody else writes `counter` meanwhile.
inline void Increase(std::atomic<uint64_t>& counter, uint64_t by) {
  counter.store(counter.load(std::memory_order_relaxed) + by,
                std::memory_order_relaxed);
}

}  // namespace sluice

#endif  // SLUICE_BASE_INCREASE_H_
