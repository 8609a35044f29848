#ifndef SLUICE_LOG_INTERNAL_TICK_CLOCK_H_
#define SLUICE_LOG_INTERNAL_TICK_CLOCK_H_

#include <cstdint>

#include "absl/base/optimization.h"
#include "sluice/timer/clock.h"

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace sluice {

// A clock for time stamps that are cheap to take and are converted to wall time
// later. If the given clock is the real one, and the kernel uses the
// processor's time stamp counter as its clock source or could use it, then a
// tick is one of that counter, which costs half of clock_gettime(2). Otherwise
// a tick is a nanosecond of the given clock.
//
// Now() is thread-safe. Sample() and WallNanos() are thread-compatible.
class TickClock {
 public:
  // REQUIRES: `clock` outlives this object.
  explicit TickClock(const Clock* clock);

  // Returns the current tick. Ticks never go back on one thread, nor from one
  // thread to another, as far as the counters of their processors agree; the
  // kernel checks that they do.
  uint64_t Now() const {
#if defined(__x86_64__)
    if (counter_) return __rdtsc();
#endif
    return static_cast<uint64_t>(clock_.Now().nanos());
  }

  // Reads ticks and the clock's times together, for WallNanos(). WallNanos() is
  // exact to microseconds for ticks within seconds of the last Sample().
  void Sample();
  // Returns nanoseconds since the Unix epoch, as the wall clock was at the last
  // Sample(). If the wall clock has stepped, earlier ticks are converted by its
  // new time.
  int64_t WallNanos(uint64_t ticks) const;

 private:
  struct Moment {
    uint64_t ticks = 0;
    int64_t monotonic_ns = 0;
    int64_t wall_ns = 0;
  };

  // Reads ticks and times as close together as possible.
  Moment Take() const;

  const Clock& clock_;
  const bool counter_;  // true if ticks are the processor's
  // Keeps the fields that Sample() changes off the cache line that Now() reads.
  [[maybe_unused]] char apart_[ABSL_CACHELINE_SIZE];
  Moment base_, next_base_;  // earlier samples, for the rate
  Moment last_;
  double ns_per_tick_ = 1;
};

}  // namespace sluice

#endif  // SLUICE_LOG_INTERNAL_TICK_CLOCK_H_
