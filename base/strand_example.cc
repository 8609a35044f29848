// Uses two strands on one executor: each strand runs its own tasks in order.
// Here the executor is a queue that main() empties; strands on a WorkerPool or
// an EventLoop are used in the same way.

#include <cstdio>

#include "sluice/base/executor.h"
#include "sluice/base/standard_descriptors.h"
#include "sluice/base/strand.h"
#include "sluice/base/task_queue.h"

namespace {

class QueueOfMain final : public sluice::Executor {
 public:
  bool Schedule(sluice::Task* task) override { return tasks_.PushRemote(task); }
  void RunAll() {
    while (sluice::Task* const task = tasks_.Pop()) task->Run();
  }

 private:
  sluice::TaskQueue tasks_;
};

// Changes an account. It needs no lock, because the strand of the account runs
// one task at a time.
class Deposit final : public sluice::Task {
 public:
  Deposit(const char* name, int* balance, int amount)
      : name_(name), balance_(balance), amount_(amount) {}

  void Run() override {
    *balance_ += amount_;
    std::printf("%s: %+d, balance %d\n", name_, amount_, *balance_);
  }
  void Abandon() override {}

 private:
  const char* const name_;
  int* const balance_;
  const int amount_;
};

}  // namespace

int main() {
  sluice::FillStandardDescriptors();
  QueueOfMain executor;
  sluice::Strand alices(&executor), bobs(&executor);
  int alice = 0, bob = 0;
  Deposit first("Alice", &alice, 100), second("Bob", &bob, 5),
      third("Alice", &alice, -30);

  alices.Schedule(&first);
  bobs.Schedule(&second);
  alices.Schedule(&third);
  executor.RunAll();
  return sluice::FinishStandardOutput("strand_example",
                                      alice == 70 && bob == 5 ? 0 : 1);
}
