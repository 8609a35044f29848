#include <cstddef>
#include <memory>
#include <vector>

#include "benchmark/benchmark.h"
#include "sluice/base/executor.h"
#include "sluice/base/strand.h"
#include "sluice/base/task_queue.h"

namespace sluice {
namespace {

// Runs tasks on this thread, so that the benchmark measures only what a strand
// adds to an executor.
class ThisThread final : public Executor {
 public:
  bool Schedule(Task* task) override { return tasks_.PushRemote(task); }
  void RunAll() {
    while (Task* const task = tasks_.Pop()) task->Run();
  }

 private:
  TaskQueue tasks_;
};

class EmptyTask final : public Task {
 public:
  void Run() override {}
  void Abandon() override {}
};

constexpr size_t kTasks = 1'024;

void BM_WithoutAStrand(benchmark::State& state) {
  ThisThread executor;
  const std::unique_ptr<EmptyTask[]> tasks(new EmptyTask[kTasks]);
  for (auto _ : state) {
    for (size_t i = 0; i < kTasks; ++i) executor.Schedule(&tasks[i]);
    executor.RunAll();
  }
  state.SetItemsProcessed(state.iterations() * kTasks);
}
BENCHMARK(BM_WithoutAStrand);

// Uses `range` strands in turn. With as many strands as tasks, each task costs
// a Schedule() on the executor.
void BM_OnStrands(benchmark::State& state) {
  const auto count = static_cast<size_t>(state.range(0));
  ThisThread executor;
  std::vector<std::unique_ptr<Strand>> strands;
  for (size_t i = 0; i < count; ++i) {
    strands.push_back(std::make_unique<Strand>(&executor));
  }
  const std::unique_ptr<EmptyTask[]> tasks(new EmptyTask[kTasks]);
  for (auto _ : state) {
    for (size_t i = 0; i < kTasks; ++i) strands[i % count]->Schedule(&tasks[i]);
    executor.RunAll();
  }
  state.SetItemsProcessed(state.iterations() * kTasks);
}
BENCHMARK(BM_OnStrands)->Arg(1)->Arg(64)->Arg(kTasks);

}  // namespace
}  // namespace sluice
