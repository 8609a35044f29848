#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "benchmark/benchmark.h"
#include "sluice/base/strand.h"
#include "sluice/base/task.h"
#include "sluice/threadpool/worker_pool.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

constexpr int kWorkers = 2;
constexpr size_t kTasks = 10'000;

// Tasks that only count down.
class Tasks {
 public:
  Tasks() : tasks_(new TestTask[kTasks]) {
    for (size_t i = 0; i < kTasks; ++i) tasks_[i].left = &left_;
  }
  template <typename Schedule>
  void RunAll(Schedule schedule) {
    left_.store(kTasks);
    for (size_t i = 0; i < kTasks; ++i) schedule(i, &tasks_[i]);
    while (left_.load(std::memory_order_acquire) > 0) {
      std::this_thread::yield();
    }
  }

 private:
  struct TestTask final : Task {
    void Run() override { left->fetch_sub(1, std::memory_order_release); }
    void Abandon() override {}
    std::atomic<size_t>* left = nullptr;
  };

  const std::unique_ptr<TestTask[]> tasks_;
  alignas(64) std::atomic<size_t> left_{0};
};

std::unique_ptr<WorkerPool> NewPool() {
  return *WorkerPool::Create({.clock = Clock::Real(), .num_threads = kWorkers});
}

// One thread schedules tasks. The time is per task, until all tasks have run.
void BM_EmptyTasks(benchmark::State& state) {
  const auto pool = NewPool();
  Tasks tasks;
  for (auto _ : state) {
    tasks.RunAll([&](size_t, Task* task) { pool->Schedule(task); });
  }
  state.SetItemsProcessed(state.iterations() * kTasks);
}
BENCHMARK(BM_EmptyTasks)->UseRealTime();

// Does not count callables that the pool refused because too many wait.
void BM_EmptyCallables(benchmark::State& state) {
  const auto pool = NewPool();
  int64_t accepted = 0;
  for (auto _ : state) {
    if (pool->Post([] {}).ok()) {
      ++accepted;
    } else {
      std::this_thread::yield();
    }
  }
  state.SetItemsProcessed(accepted);
}
BENCHMARK(BM_EmptyCallables)->UseRealTime();

// A task schedules itself, in the lane of its worker.
void BM_ScheduleOnAWorker(benchmark::State& state) {
  struct Repeating final : Task {
    void Run() override {
      if (left.fetch_sub(1, std::memory_order_release) > 1)
        pool->Schedule(this);
    }
    void Abandon() override {}
    WorkerPool* pool = nullptr;
    std::atomic<size_t> left{0};
  } task;
  const auto pool = NewPool();
  task.pool = pool.get();
  for (auto _ : state) {
    task.left.store(kTasks);
    pool->Schedule(&task);
    while (task.left.load(std::memory_order_acquire) > 0) {
      std::this_thread::yield();
    }
  }
  state.SetItemsProcessed(state.iterations() * kTasks);
}
BENCHMARK(BM_ScheduleOnAWorker)->UseRealTime();

// Measures from Schedule() to the start of the task, in a pool that sleeps.
void BM_ScheduleToStart(benchmark::State& state) {
  struct Stamp final : Task {
    void Run() override { started.store(Clock::Real()->Now().nanos()); }
    void Abandon() override {}
    std::atomic<int64_t> started{0};
  } task;
  const auto pool = NewPool();
  for (auto _ : state) {
    while (pool->stats().asleep < kWorkers) std::this_thread::yield();
    task.started.store(0);
    const int64_t scheduled = Clock::Real()->Now().nanos();
    pool->Schedule(&task);
    while (task.started.load() == 0) {
    }
    state.SetIterationTime(
        static_cast<double>(task.started.load() - scheduled) / 1e9);
  }
}
BENCHMARK(BM_ScheduleToStart)->UseManualTime();

// Uses `range` strands in turn.
void BM_Strands(benchmark::State& state) {
  const auto count = static_cast<size_t>(state.range(0));
  const auto pool = NewPool();
  std::vector<std::unique_ptr<Strand>> strands;
  for (size_t i = 0; i < count; ++i) {
    strands.push_back(std::make_unique<Strand>(pool.get()));
  }
  Tasks tasks;
  for (auto _ : state) {
    tasks.RunAll(
        [&](size_t i, Task* task) { strands[i % count]->Schedule(task); });
  }
  // The last tasks may still use the strands.
  pool->Shutdown(WorkerPool::OnShutdown::kDrain, nullptr);
  pool->Join();
  state.SetItemsProcessed(state.iterations() * kTasks);
}
BENCHMARK(BM_Strands)->Arg(1)->Arg(64)->UseRealTime();

}  // namespace
}  // namespace sluice
