#include <cstdint>
#include <memory>
#include <utility>

#include "absl/time/time.h"
#include "benchmark/benchmark.h"
#include "sluice/base/check.h"
#include "sluice/base/task.h"
#include "sluice/event/event_loop.h"
#include "sluice/event/poller/epoll_poller.h"
#include "sluice/timer/clock.h"
#include "sluice/timer/timer_wheel.h"

namespace sluice {
namespace {

std::unique_ptr<EventLoop> NewLoop() {
  EventLoop::Options options;
  options.poller = EpollPoller::Create({}).value();
  options.clock = Clock::Real();
  return EventLoop::Create(std::move(options)).value();
}

void RunIteration(EventLoop* loop) {
  SLUICE_CHECK(loop->RunOnce(absl::ZeroDuration()).ok());
}

// Measures an iteration in which nothing happens: clock, timers and the
// kernel's wait.
void BM_EmptyIteration(benchmark::State& state) {
  const auto loop = NewLoop();
  for (auto _ : state) RunIteration(loop.get());
}
BENCHMARK(BM_EmptyIteration);

struct CountingTask final : Task {
  void Run() override { ++runs; }
  void Abandon() override {}
  uint64_t runs = 0;
};

constexpr int kTasks = 1000;

// Measures one of a thousand tasks in an iteration, scheduled on the loop
// itself.
void BM_Schedule(benchmark::State& state) {
  const auto loop = NewLoop();
  const std::unique_ptr<CountingTask[]> tasks(new CountingTask[kTasks]);
  for (auto _ : state) {
    for (int i = 0; i < kTasks; ++i) loop->ScheduleLocal(&tasks[i]);
    RunIteration(loop.get());
  }
  SLUICE_CHECK(tasks[0].runs == static_cast<uint64_t>(state.iterations()));
  state.SetItemsProcessed(state.iterations() * kTasks);
}
BENCHMARK(BM_Schedule);

// Does the same by Schedule(), the call for other threads.
void BM_ScheduleRemote(benchmark::State& state) {
  const auto loop = NewLoop();
  const std::unique_ptr<CountingTask[]> tasks(new CountingTask[kTasks]);
  for (auto _ : state) {
    for (int i = 0; i < kTasks; ++i) loop->Schedule(&tasks[i]);
    RunIteration(loop.get());
  }
  SLUICE_CHECK(tasks[0].runs == static_cast<uint64_t>(state.iterations()));
  state.SetItemsProcessed(state.iterations() * kTasks);
}
BENCHMARK(BM_ScheduleRemote);

// Does the same with callables.
void BM_Post(benchmark::State& state) {
  const auto loop = NewLoop();
  uint64_t runs = 0;
  for (auto _ : state) {
    for (int i = 0; i < kTasks; ++i) {
      SLUICE_CHECK(loop->Post([&runs] { ++runs; }).ok());
    }
    RunIteration(loop.get());
  }
  SLUICE_CHECK(runs == static_cast<uint64_t>(state.iterations()) * kTasks);
  state.SetItemsProcessed(state.iterations() * kTasks);
}
BENCHMARK(BM_Post);

struct NoTimer final : Timer {
  void Fire() override {}
};

// Measures a timeout that is canceled. Reads the clock, because Arm() counts
// from now.
void BM_ArmAndCancel(benchmark::State& state) {
  const auto loop = NewLoop();
  NoTimer timer;
  for (auto _ : state) {
    loop->Arm(&timer, absl::Seconds(30));
    timer.Cancel();
  }
}
BENCHMARK(BM_ArmAndCancel);

}  // namespace
}  // namespace sluice
