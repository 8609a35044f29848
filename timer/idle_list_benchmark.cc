#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <vector>

#include "absl/time/time.h"
#include "benchmark/benchmark.h"
#include "sluice/timer/clock.h"
#include "sluice/timer/idle_list.h"
#include "sluice/timer/timer_wheel.h"

namespace sluice {
namespace {

struct Connection : IdleEntry {};

constexpr MonotonicTime kStart = MonotonicTime::FromNanos(1'000'000'000);

// `range` entries that are touched in random order, as connections are.
class Load {
 public:
  explicit Load(size_t size)
      : wheel_(kStart),
        entries_(new Connection[size]),
        list_(&wheel_, {.timeout = absl::Seconds(60)}, [](IdleEntry*) {}) {
    std::mt19937_64 random(1);
    for (size_t i = 0; i < size; ++i) {
      list_.Add(&entries_[i]);
      order_.push_back(&entries_[random() % size]);
    }
  }
  TimerWheel& wheel() { return wheel_; }
  IdleList& list() { return list_; }
  Connection* Next() {
    if (++next_ == order_.size()) next_ = 0;
    return order_[next_];
  }

 private:
  TimerWheel wheel_;
  const std::unique_ptr<Connection[]> entries_;
  IdleList list_;
  std::vector<Connection*> order_;
  size_t next_ = 0;
};

void BM_Touch(benchmark::State& state) {
  Load load(state.range(0));
  for (auto _ : state) load.list().Touch(load.Next());
}
BENCHMARK(BM_Touch)->Arg(1'000)->Arg(1'000'000);

// Measures a store in the same order: the lower bound for BM_Touch.
void BM_Store(benchmark::State& state) {
  const size_t size = state.range(0);
  struct alignas(8) Object {
    uint32_t value[6] = {};
  };
  const std::unique_ptr<Object[]> objects(new Object[size]);
  std::vector<Object*> order;
  std::mt19937_64 random(1);
  for (size_t i = 0; i < size; ++i) order.push_back(&objects[random() % size]);
  size_t next = 0;
  uint32_t now = 1;
  for (auto _ : state) {
    benchmark::DoNotOptimize(now);
    if (++next == size) next = 0;
    order[next]->value[4] = now;
  }
}
BENCHMARK(BM_Store)->Arg(1'000)->Arg(1'000'000);

// Re-arms a timer of each object in place of a touch.
void BM_ArmAgain(benchmark::State& state) {
  const size_t size = state.range(0);
  TimerWheel wheel(kStart);
  struct NoTimer final : Timer {
    void Fire() override {}
  };
  const std::unique_ptr<NoTimer[]> timers(new NoTimer[size]);
  std::vector<NoTimer*> order;
  std::mt19937_64 random(1);
  for (size_t i = 0; i < size; ++i) order.push_back(&timers[random() % size]);
  const MonotonicTime deadline = kStart + absl::Seconds(60);
  size_t next = 0;
  for (auto _ : state) {
    if (++next == size) next = 0;
    wheel.Arm(order[next], deadline);
  }
}
BENCHMARK(BM_ArmAgain)->Arg(1'000)->Arg(1'000'000);

// Passes a whole timeout of virtual time. The list visits each of `range`
// entries once, and moves it on, because it was touched. The time is per entry.
void BM_Visit(benchmark::State& state) {
  const size_t size = state.range(0);
  Load load(size);
  MonotonicTime now = kStart;
  for (auto _ : state) {
    for (int i = 0; i < 60'000; ++i) {
      now = now + absl::Milliseconds(1);
      if (i % 10'000 == 0) {
        state.PauseTiming();
        for (size_t j = 0; j < size; ++j) load.list().Touch(load.Next());
        state.ResumeTiming();
      }
      load.wheel().AdvanceTo(now);
    }
  }
  state.SetItemsProcessed(state.iterations() * size);
}
BENCHMARK(BM_Visit)->Arg(1'000'000)->Iterations(3)->Unit(
    benchmark::kMillisecond);

}  // namespace
}  // namespace sluice
