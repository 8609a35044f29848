#include <array>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include "absl/types/span.h"
#include "benchmark/benchmark.h"
#include "sluice/event/event_queue.h"

namespace sluice {
namespace {

constexpr size_t kCapacity = 4'096;
constexpr size_t kAll = SIZE_MAX;

template <size_t kBytes>
using Item = std::array<uint64_t, kBytes / 8>;

// One thread pushes items and drains them. Measures one item.
template <size_t kBytes>
void BM_PushAndDrain(benchmark::State& state) {
  const int64_t items = state.range(0);
  EventQueue<Item<kBytes>> queue(kCapacity);
  uint64_t sum = 0;
  for (auto _ : state) {
    for (int64_t i = 0; i < items; ++i) {
      benchmark::DoNotOptimize(queue.TryPush({1}));
    }
    queue.Drain(kAll, [&sum](const Item<kBytes>& item) { sum += item[0]; });
  }
  benchmark::DoNotOptimize(sum);
  state.SetItemsProcessed(state.iterations() * items);
}
BENCHMARK_TEMPLATE(BM_PushAndDrain, 16)->Arg(1)->Arg(16)->Arg(256);
BENCHMARK_TEMPLATE(BM_PushAndDrain, 64)->Arg(16);

// Does the same with one batch.
void BM_PushBatchAndDrain(benchmark::State& state) {
  EventQueue<Item<16>> queue(kCapacity);
  std::vector<Item<16>> items(state.range(0), Item<16>{1});
  uint64_t sum = 0;
  for (auto _ : state) {
    absl::Span<Item<16>> batch = absl::MakeSpan(items);
    benchmark::DoNotOptimize(queue.TryPushBatch(&batch));
    queue.Drain(kAll, [&sum](const Item<16>& item) { sum += item[0]; });
  }
  benchmark::DoNotOptimize(sum);
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_PushBatchAndDrain)->Arg(1)->Arg(16)->Arg(256);

// Measures the additional cost of PrepareToSleep() after each item.
void BM_PushDrainAndMaySleep(benchmark::State& state) {
  EventQueue<Item<16>> queue(kCapacity);
  uint64_t sum = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(queue.TryPush({1}));
    queue.Drain(kAll, [&sum](const Item<16>& item) { sum += item[0]; });
    benchmark::DoNotOptimize(queue.PrepareToSleep());
  }
  benchmark::DoNotOptimize(sum);
}
BENCHMARK(BM_PushDrainAndMaySleep);

// Thread 0 drains the items that the others push, and never sleeps.
void BM_ProducersAndConsumer(benchmark::State& state) {
  static EventQueue<Item<16>>* queue;
  if (state.thread_index() == 0) queue = new EventQueue<Item<16>>(kCapacity);
  const uint64_t producers = state.threads() - 1;
  uint64_t owed = 0;
  for (auto _ : state) {
    if (state.thread_index() != 0) {
      while (queue->TryPush({1}) == EventQueue<Item<16>>::PushResult::kFull) {
        std::this_thread::yield();
      }
      continue;
    }
    // Lets the consumer fall behind by half of the queue at most.
    for (owed += producers; owed > kCapacity / 2;) {
      const size_t drained = queue->Drain(owed, [](const Item<16>&) {});
      if (drained == 0) std::this_thread::yield();
      owed -= drained;
    }
  }
  if (state.thread_index() == 0) {
    state.SetItemsProcessed(state.iterations() * producers);
    delete queue;
  }
}
BENCHMARK(BM_ProducersAndConsumer)
    ->Threads(2)
    ->Threads(3)
    ->Threads(5)
    ->UseRealTime();

}  // namespace
}  // namespace sluice
