#include <cstddef>
#include <cstdint>

#include "benchmark/benchmark.h"
#include "sluice/event/event_queue.h"

namespace sluice {
namespace {

using Queue = EventQueue<uint64_t>;
using PushResult = Queue::PushResult;

constexpr size_t kCapacity = 1'024;

// One thread pushes a batch and drains it; per item.
void BM_PushAndDrain(benchmark::State& state) {
  const int batch = static_cast<int>(state.range(0));
  Queue queue(kCapacity);
  uint64_t sum = 0;
  for (auto _ : state) {
    for (int i = 0; i < batch; ++i) {
      benchmark::DoNotOptimize(queue.TryPush(1));
    }
    queue.Drain(kCapacity, [&sum](uint64_t&& item) { sum += item; });
  }
  benchmark::DoNotOptimize(sum);
  state.SetItemsProcessed(state.iterations() * batch);
}
BENCHMARK(BM_PushAndDrain)->Arg(1)->Arg(16)->Arg(256);

// Thread 0 drains what the others push, without ever sleeping.
void BM_ProducersAndConsumer(benchmark::State& state) {
  static Queue* queue;
  if (state.thread_index() == 0) queue = new Queue(kCapacity);
  const uint64_t producers = state.threads() - 1;
  for (auto _ : state) {
    if (state.thread_index() != 0) {
      PushResult result;
      do {
        result = queue->TryPush(1);
      } while (result == PushResult::kFull);
      continue;
    }
    for (uint64_t seen = 0; seen < producers;) {
      seen += queue->Drain(producers - seen, [](uint64_t&&) {});
    }
  }
  if (state.thread_index() == 0) {
    state.SetItemsProcessed(state.iterations() * producers);
    delete queue;
  }
}
BENCHMARK(BM_ProducersAndConsumer)->Threads(2)->Threads(4)->UseRealTime();

}  // namespace
}  // namespace sluice
