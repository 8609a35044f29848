#include "sluice/base/strand.h"

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;

// Runs one task at each RunOne(), and counts the tasks that were scheduled.
class ManualExecutor : public Executor {
 public:
  bool Schedule(Task* task) override {
    if (!tasks_.PushRemote(task)) return false;
    scheduled_.fetch_add(1, std::memory_order_relaxed);
    return true;
  }
  bool RunOne() {
    Task* const task = tasks_.Pop();
    if (task != nullptr) task->Run();
    return task != nullptr;
  }
  void AbandonAll() {
    while (Task* task = tasks_.Pop()) task->Abandon();
  }
  int scheduled() const { return scheduled_.load(); }

 private:
  TaskQueue tasks_;
  std::atomic<int> scheduled_{0};
};

struct TestTask : Task {
  explicit TestTask(std::function<void()> f) : run(std::move(f)) {}
  void Run() override { run(); }
  void Abandon() override { abandoned = true; }
  std::function<void()> run;
  bool abandoned = false;
};

class StrandTest : public ::testing::Test {
 protected:
  TestTask Append(int i) {
    return TestTask([this, i] { order_.push_back(i); });
  }
  ManualExecutor executor_;
  std::vector<int> order_;
};

TEST_F(StrandTest, RunsInOrderAsOneTaskOfItsExecutor) {
  Strand strand(&executor_);
  TestTask one = Append(1), two = Append(2), three = Append(3);
  EXPECT_TRUE(strand.Schedule(&one));
  EXPECT_TRUE(strand.Schedule(&two));
  EXPECT_TRUE(strand.Schedule(&three));
  EXPECT_FALSE(strand.Schedule(&three));
  EXPECT_EQ(executor_.scheduled(), 1);
  EXPECT_TRUE(executor_.RunOne());
  EXPECT_THAT(order_, ElementsAre(1, 2, 3));
  EXPECT_FALSE(executor_.RunOne());
}

TEST_F(StrandTest, RunsInsideItsRole) {
  Strand strand(&executor_);
  bool inside = false;
  TestTask task(
      [&] { inside = SequenceRole::OnAny() && strand.role().IsCurrent(); });
  strand.Schedule(&task);
  executor_.RunOne();
  EXPECT_TRUE(inside);
}

TEST_F(StrandTest, LetsOtherTasksRunAfterABatch) {
  Strand strand(&executor_, /*max_tasks_per_run=*/2);
  TestTask one = Append(1), two = Append(2), three = Append(3),
           other = Append(9);
  strand.Schedule(&one);
  strand.Schedule(&two);
  strand.Schedule(&three);
  executor_.Schedule(&other);
  while (executor_.RunOne()) {
  }
  EXPECT_THAT(order_, ElementsAre(1, 2, 9, 3));
}

TEST_F(StrandTest, ATaskMayScheduleItselfAgain) {
  Strand strand(&executor_, /*max_tasks_per_run=*/1);
  int left = 3;
  std::optional<TestTask> task;
  task.emplace([&] {
    if (--left > 0) strand.Schedule(&*task);
  });
  strand.Schedule(&*task);
  while (executor_.RunOne()) {
  }
  EXPECT_EQ(left, 0);
}

TEST_F(StrandTest, TheLastTaskMayDestroyTheStrand) {
  auto strand = std::make_unique<Strand>(&executor_);
  TestTask last([&] { strand.reset(); });
  strand->Schedule(&last);
  EXPECT_TRUE(executor_.RunOne());
  EXPECT_EQ(strand, nullptr);
  EXPECT_FALSE(SequenceRole::OnAny());
}

TEST_F(StrandTest, AbandonsItsTasksWhenItsExecutorEnds) {
  Strand strand(&executor_);
  TestTask one = Append(1), two = Append(2);
  strand.Schedule(&one);
  strand.Schedule(&two);
  executor_.AbandonAll();
  EXPECT_TRUE(one.abandoned);
  EXPECT_TRUE(two.abandoned);
  EXPECT_THAT(order_, ElementsAre());
}

// Several threads schedule tasks, and two threads run them: one at a time, each
// once, in the order of the thread that scheduled them. tsan watches the state
// that has no lock.
TEST_F(StrandTest, ExcludesAndKeepsOrderAcrossThreads) {
  constexpr int kProducers = 3;
  constexpr int kTasks = 5'000;
  struct Numbered : Task {
    void Run() override { on_run(producer, number); }
    void Abandon() override {}
    std::function<void(int, int)> on_run;
    int producer = 0, number = 0;
  };
  // Gives tasks to two threads alternately.
  class TwoThreads : public Executor {
   public:
    bool Schedule(Task* task) override {
      return lanes_[scheduled_.fetch_add(1) % 2].PushRemote(task);
    }
    void RunLane(int lane, const std::atomic<bool>& stop) {
      while (true) {
        const bool stopping = stop.load();
        if (Task* task = lanes_[lane].Pop()) {
          task->Run();
        } else if (stopping) {
          return;
        } else {
          std::this_thread::yield();
        }
      }
    }

   private:
    TaskQueue lanes_[2];
    std::atomic<unsigned> scheduled_{0};
  } executor;
  Strand strand(&executor, /*max_tasks_per_run=*/3);
  std::vector<int> next(kProducers, 0);
  int total = 0;
  std::atomic<int> finished{0};
  std::deque<Numbered> tasks(kProducers * kTasks);
  for (int i = 0; i < kProducers * kTasks; ++i) {
    tasks[i].producer = i / kTasks;
    tasks[i].number = i % kTasks;
    tasks[i].on_run = [&](int producer, int number) {
      EXPECT_EQ(number, next[producer]++);
      ++total;
      finished.fetch_add(1);
    };
  }
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int lane = 0; lane < 2; ++lane) {
    threads.emplace_back([&, lane] { executor.RunLane(lane, stop); });
  }
  for (int p = 0; p < kProducers; ++p) {
    threads.emplace_back([&, p] {
      for (int i = 0; i < kTasks; ++i) strand.Schedule(&tasks[p * kTasks + i]);
    });
  }
  while (finished.load() < kProducers * kTasks) std::this_thread::yield();
  stop.store(true);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(total, kProducers * kTasks);
}

}  // namespace
}  // namespace sluice
