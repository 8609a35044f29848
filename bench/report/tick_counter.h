#ifndef SLUICE_BENCH_REPORT_TICK_COUNTER_H_
#define SLUICE_BENCH_REPORT_TICK_COUNTER_H_

#include <cstdint>

#if !defined(__x86_64__)
#include "sluice/timer/clock.h"
#endif

// A counter for measuring operations that take nanoseconds, if two readings of
// a clock cost more than the operation. The counter is the time stamp counter
// of the processor, or the monotonic clock if this file supports no counter of
// the processor. Thread-safe.
namespace sluice {

// Returns the counter. All instructions before the call are done by then,
// except stores on their way to memory, and no instruction after the call has
// begun. Costs 15 to 25 ns.
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

// Returns the length of a tick in nanoseconds. Takes 20 ms to find it.
double NanosPerTick();

}  // namespace sluice

#endif  // SLUICE_BENCH_REPORT_TICK_COUNTER_H_
