#ifndef SLUICE_BENCH_REPORT_TICK_COUNTER_H_
#define SLUICE_BENCH_REPORT_TICK_COUNTER_H_

#include <cstdint>

#if !defined(__x86_64__)
#include "sluice/timer/clock.h"
#endif

// For what takes nanoseconds, where reading a clock twice costs more than what
// is between: the processor's time stamp counter, or the monotonic clock where
// we know of none. Thread-safe.
namespace sluice {

// Whatever the program has before it is done by then, stores on their way to
// memory excepted, and nothing after it has begun. 15 to 25 ns.
inline uint64_t TicksNow() {
#if defined(__x86_64__)
  __builtin_ia32_lfence();
  const uint64_t ticks = __builtin_ia32_rdtsc();
  __builtin_ia32_lfence();
  return ticks;
#else
  return static_cast<uint64_t>(Clock::Real()->Now().nanos());
#endif
}

// What a tick takes, found in 20 ms.
double NanosPerTick();

}  // namespace sluice

#endif  // SLUICE_BENCH_REPORT_TICK_COUNTER_H_
