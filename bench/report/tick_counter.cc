#include "sluice/bench/report/tick_counter.h"

#include "absl/time/time.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

struct Reading {
  MonotonicTime time;
  uint64_t ticks;
};

// Returns the quickest of ten readings, because other readings may have been
// interrupted in the middle.
Reading ReadBoth() {
  Reading best{};
  uint64_t least = UINT64_MAX;
  for (int i = 0; i < 10; ++i) {
    const uint64_t begin = TicksNow();
    const MonotonicTime time = Clock::Real()->Now();
    const uint64_t ticks = TicksNow() - begin;
    if (ticks >= least) continue;
    least = ticks;
    best = {time, begin + ticks / 2};
  }
  return best;
}

}  // namespace

double NanosPerTick() {
  const Reading begin = ReadBoth();
  while (Clock::Real()->Now() - begin.time < absl::Milliseconds(20)) {
  }
  const Reading end = ReadBoth();
  return absl::ToDoubleNanoseconds(end.time - begin.time) /
         static_cast<double>(end.ticks - begin.ticks);
}

}  // namespace sluice
