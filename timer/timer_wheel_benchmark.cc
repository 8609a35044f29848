#include <time.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>

#include "absl/time/time.h"
#include "benchmark/benchmark.h"
#include "sluice/timer/clock.h"
#include "sluice/timer/timer_wheel.h"

namespace sluice {
namespace {

class CountingTimer final : public Timer {
 public:
  void Fire() override { ++fired; }
  uint64_t fired = 0;
};

constexpr MonotonicTime kStart = MonotonicTime::FromNanos(1'000'000'000);
constexpr int64_t kSpreadNanos = 60'000'000'000;

// A wheel whose timers are spread over the next minute.
class Load {
 public:
  explicit Load(size_t size)
      : size_(size), timers_(new CountingTimer[size]), wheel_(kStart) {
    for (size_t i = 0; i < size_; ++i) Arm(i);
  }
  void Arm(size_t i) {
    const auto wait = static_cast<int64_t>(random_() % kSpreadNanos);
    wheel_.Arm(&timers_[i],
               MonotonicTime::FromNanos(wheel_.now().nanos() + wait));
  }
  size_t Any() { return random_() % size_; }
  CountingTimer& timer(size_t i) { return timers_[i]; }
  TimerWheel& wheel() { return wheel_; }

 private:
  const size_t size_;
  std::mt19937_64 random_{1};
  const std::unique_ptr<CountingTimer[]> timers_;
  TimerWheel wheel_;
};

// Arms and cancels one timer, while `range` others stay armed.
void BM_ArmAndCancel(benchmark::State& state) {
  Load load(state.range(0));
  CountingTimer timer;
  const MonotonicTime deadline = kStart + absl::Seconds(30);
  for (auto _ : state) {
    load.wheel().Arm(&timer, deadline);
    timer.Cancel();
  }
}
BENCHMARK(BM_ArmAndCancel)->Arg(1'000)->Arg(100'000)->Arg(1'000'000);

// Cancels a random timer of `range` and arms it for another time.
void BM_RandomCancelAndArm(benchmark::State& state) {
  Load load(state.range(0));
  for (auto _ : state) {
    const size_t i = load.Any();
    load.timer(i).Cancel();
    load.Arm(i);
  }
}
BENCHMARK(BM_RandomCancelAndArm)
    ->Arg(1'000)
    ->Arg(100'000)
    ->Arg(1'000'000)
    ->Arg(10'000'000);

// Returns the CPU time of this thread, to which other processes do not add.
double ThreadMicros() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return absl::ToDoubleMicroseconds(absl::DurationFromTimespec(time));
}

// Returns the time one tick after the last call.
MonotonicTime NextTick(const TimerWheel& wheel) {
  return MonotonicTime::FromNanos(wheel.now().nanos() + 1'000'000);
}

// Fires `range` timers over a minute, with one call per tick. The time is per
// timer.
void BM_FireAll(benchmark::State& state) {
  for (auto _ : state) {
    state.PauseTiming();
    auto load = std::make_unique<Load>(state.range(0));
    state.ResumeTiming();
    TimerWheel& wheel = load->wheel();
    while (wheel.size() != 0) wheel.AdvanceTo(NextTick(wheel));
    state.PauseTiming();
    load.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_FireAll)
    ->Arg(100'000)
    ->Arg(1'000'000)
    ->Iterations(3)
    ->Unit(benchmark::kMillisecond);

// Does the same as BM_FireAll, and measures the longest call in microseconds.
// Ignore the total time: reading the clock costs more than most ticks.
void BM_WorstTick(benchmark::State& state) {
  double worst_us = 0;
  for (auto _ : state) {
    Load load(state.range(0));
    TimerWheel& wheel = load.wheel();
    while (wheel.size() != 0) {
      const double begin_us = ThreadMicros();
      wheel.AdvanceTo(NextTick(wheel));
      worst_us = std::max(worst_us, ThreadMicros() - begin_us);
    }
  }
  state.counters["worst_us"] = worst_us;
}
BENCHMARK(BM_WorstTick)
    ->Arg(100'000)
    ->Arg(1'000'000)
    ->Arg(10'000'000)
    ->Iterations(3)
    ->Unit(benchmark::kMillisecond);

// Advances by a tick without timers. The wheel has one timer, for a late time.
void BM_EmptyTick(benchmark::State& state) {
  TimerWheel wheel(kStart);
  CountingTimer timer;
  wheel.Arm(&timer, MonotonicTime::FromNanos(INT64_MAX - 1));
  for (auto _ : state) {
    wheel.AdvanceTo(NextTick(wheel));
  }
}
BENCHMARK(BM_EmptyTick);

// Arms and cancels a timer between the calls, as a loop does.
void BM_NextDeadline(benchmark::State& state) {
  Load load(state.range(0));
  CountingTimer timer;
  const MonotonicTime deadline = kStart + absl::Milliseconds(20);
  for (auto _ : state) {
    load.wheel().Arm(&timer, deadline);
    timer.Cancel();
    benchmark::DoNotOptimize(load.wheel().NextDeadline());
  }
}
BENCHMARK(BM_NextDeadline)->Arg(1)->Arg(1'000'000);

}  // namespace
}  // namespace sluice
