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

// Runs tasks when told to, one at a time; counts submissions.
class ManualExecutor : public Executor {
 public:
  bool Schedule(Task* task) override {
    if (!tasks_.PushRemote(task)) return false;
    submissions_.fetch_add(1, std::memory_order_relaxed);
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
  int submissions() const { return submissions_.load(); }

 private:
  TaskQueue tasks_;
  std::atomic<int> submissions_{0};
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

TEST_F(StrandTest, RunsInOrderForOneSubmissionBelow) {
  Strand strand(&executor_);
  TestTask one = Append(1), two = Append(2), three = Append(3);
  EXPECT_TRUE(strand.Schedule(&one));
  EXPECT_TRUE(strand.Schedule(&two));
  EXPECT_TRUE(strand.Schedule(&three));
  EXPECT_FALSE(strand.Schedule(&three));
  EXPECT_EQ(executor_.submissions(), 1);
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

TEST_F(StrandTest, GivesWayAfterABatch) {
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

TEST_F(StrandTest, ATaskMaySubmitItselfAnew) {
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

TEST_F(StrandTest, ItsLastTaskMayDestroyIt) {
  auto strand = std::make_unique<Strand>(&executor_);
  TestTask last([&] { strand.reset(); });
  strand->Schedule(&last);
  EXPECT_TRUE(executor_.RunOne());
  EXPECT_EQ(strand, nullptr);
  EXPECT_FALSE(SequenceRole::OnAny());
}

TEST_F(StrandTest, AbandonsWhatIsQueuedWhenItsExecutorEnds) {
  Strand strand(&executor_);
  TestTask one = Append(1), two = Append(2);
  strand.Schedule(&one);
  strand.Schedule(&two);
  executor_.AbandonAll();
  EXPECT_TRUE(one.abandoned);
  EXPECT_TRUE(two.abandoned);
  EXPECT_THAT(order_, ElementsAre());
}

// Submitters on several threads, runs on two: one at a time, each once, in its
// submitter's order. The unguarded state is what tsan watches.
TEST_F(StrandTest, ExcludesAndKeepsOrderAcrossThreads) {
  constexpr int kSubmitters = 3;
  constexpr int kTasks = 5'000;
  struct Numbered : Task {
    void Run() override { on_run(submitter, number); }
    void Abandon() override {}
    std::function<void(int, int)> on_run;
    int submitter = 0, number = 0;
  };
  // Hands each submission to the next of two threads.
  class TwoThreads : public Executor {
   public:
    bool Schedule(Task* task) override {
      return lanes_[turn_.fetch_add(1) % 2].PushRemote(task);
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
    std::atomic<unsigned> turn_{0};
  } executor;
  Strand strand(&executor, /*max_tasks_per_run=*/3);
  std::vector<int> next(kSubmitters, 0);
  int total = 0;
  std::atomic<int> finished{0};
  std::deque<Numbered> tasks(kSubmitters * kTasks);
  for (int i = 0; i < kSubmitters * kTasks; ++i) {
    tasks[i].submitter = i / kTasks;
    tasks[i].number = i % kTasks;
    tasks[i].on_run = [&](int submitter, int number) {
      EXPECT_EQ(number, next[submitter]++);
      ++total;
      finished.fetch_add(1);
    };
  }
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int lane = 0; lane < 2; ++lane) {
    threads.emplace_back([&, lane] { executor.RunLane(lane, stop); });
  }
  for (int s = 0; s < kSubmitters; ++s) {
    threads.emplace_back([&, s] {
      for (int i = 0; i < kTasks; ++i) strand.Schedule(&tasks[s * kTasks + i]);
    });
  }
  while (finished.load() < kSubmitters * kTasks) std::this_thread::yield();
  stop.store(true);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(total, kSubmitters * kTasks);
}

}  // namespace
}  // namespace sluice
