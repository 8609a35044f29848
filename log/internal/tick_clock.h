#ifndef SLUICE_LOG_INTERNAL_TICK_CLOCK_H_
#define SLUICE_LOG_INTERNAL_TICK_CLOCK_H_

#include <cstdint>

#include "absl/base/optimization.h"
#include "sluice/timer/clock.h"

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace sluice {

// Time stamps that cost as little as the machine allows, and what they are in
// wall time, for whoever reads them later. A tick is one of the processor's
// time stamp counter where that is the kernel's own clock source or could be,
// and the clock is the real one: half the cost of clock_gettime(2). Else it is
// a nanosecond of the clock.
//
// Now() is thread-safe; Sample() and WallNanos() are thread-compatible.
class TickClock {
 public:
  // `clock` outlives this.
  explicit TickClock(const Clock* clock);

  // Never goes back on one thread; nor between threads, as far as their
  // processors' counters agree, which the kernel sees to.
  uint64_t Now() const {
#if defined(__x86_64__)
    if (counter_) return __rdtsc();
#endif
    return static_cast<uint64_t>(clock_.Now().nanos());
  }

  // Sets ticks beside the clock's times. The more recent the last one, the more
  // exact is WallNanos(): within microseconds for what is seconds away.
  void Sample();
  // Nanoseconds since the Unix epoch by the wall clock of the last Sample(): if
  // that has stepped, the times before it are those that it has now.
  int64_t WallNanos(uint64_t ticks) const;

 private:
  struct Pair {
    uint64_t ticks = 0;
    int64_t monotonic_ns = 0;
  };

  // Ticks and times of one moment, as nearly as can be.
  Pair Take(int64_t* wall_ns) const;

  const Clock& clock_;
  const bool counter_;  // of the processor
  // What follows changes at each Sample(), and Now() reads the above.
  [[maybe_unused]] char apart_[ABSL_CACHELINE_SIZE];
  Pair base_, next_base_;  // long ago, less long ago: for the rate
  Pair last_;
  int64_t last_wall_ns_ = 0;
  double ns_per_tick_ = 1;
};

}  // namespace sluice

#endif  // SLUICE_LOG_INTERNAL_TICK_CLOCK_H_
