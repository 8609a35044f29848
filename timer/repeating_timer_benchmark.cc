#include <cstdint>

#include "absl/time/time.h"
#include "benchmark/benchmark.h"
#include "sluice/timer/clock.h"
#include "sluice/timer/repeating_timer.h"
#include "sluice/timer/timer_wheel.h"

namespace sluice {
namespace {

// Fires one timer every 10 ticks. The time includes the AdvanceTo().
void BM_Fire(benchmark::State& state) {
  constexpr int64_t kPeriodNanos = 10'000'000;
  TimerWheel wheel(MonotonicTime::FromNanos(0));
  uint64_t fired = 0;
  RepeatingTimer timer(&wheel, [&](uint64_t) { ++fired; });
  timer.Start(absl::Nanoseconds(kPeriodNanos));
  int64_t now = 0;
  for (auto _ : state) {
    now += kPeriodNanos;
    wheel.AdvanceTo(MonotonicTime::FromNanos(now));
  }
  if (fired != static_cast<uint64_t>(state.iterations())) {
    state.SkipWithError("the timer did not fire in each period");
  }
}
BENCHMARK(BM_Fire);

}  // namespace
}  // namespace sluice
