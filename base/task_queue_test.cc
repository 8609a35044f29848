#include "sluice/base/task_queue.h"

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct TestTask : Task {
  explicit TestTask(int i = 0) : id(i) {}
  void Run() override {}
  void Abandon() override {}
  int id;
};

std::vector<int> PopAll(TaskQueue& queue) {
  std::vector<int> ids;
  while (Task* task = queue.Pop())
    ids.push_back(static_cast<TestTask*>(task)->id);
  return ids;
}

class TaskQueueTest : public ::testing::Test {
 protected:
  TestTask one_{1}, two_{2}, three_{3};
  TaskQueue queue_;
};

TEST_F(TaskQueueTest, StartsEmpty) {
  EXPECT_TRUE(queue_.empty());
  EXPECT_EQ(queue_.Pop(), nullptr);
  EXPECT_EQ(queue_.Count(), 0u);
}

TEST_F(TaskQueueTest, KeepsTheOrderAcrossPushAndPushRemote) {
  EXPECT_TRUE(queue_.PushRemote(&one_));
  EXPECT_TRUE(queue_.Push(&two_));
  EXPECT_TRUE(queue_.PushRemote(&three_));
  EXPECT_EQ(queue_.Count(), 3u);
  EXPECT_THAT(PopAll(queue_), ElementsAre(1, 2, 3));
  EXPECT_TRUE(queue_.empty());
}

TEST_F(TaskQueueTest, MovesTheOldestTasksWhichStayQueued) {
  TaskQueue other;
  TestTask four(4);
  EXPECT_TRUE(queue_.Push(&one_));
  EXPECT_TRUE(queue_.PushRemote(&two_));
  EXPECT_TRUE(queue_.PushRemote(&three_));
  EXPECT_TRUE(other.PushRemote(&four));
  queue_.MoveTo(&other, 2);
  EXPECT_FALSE(queue_.Push(&two_));
  EXPECT_EQ(queue_.Count(), 1u);
  EXPECT_EQ(other.Count(), 3u);
  queue_.MoveTo(&other, 2);  // more than there are
  EXPECT_TRUE(queue_.empty());
  EXPECT_THAT(PopAll(other), ElementsAre(4, 1, 2, 3));
}

TEST_F(TaskQueueTest, RemovesTasksThatWereMovedAndTasksThatWereNot) {
  TaskQueue other;
  TestTask four(4), five(5);
  for (TestTask* task : {&one_, &two_, &three_, &four}) queue_.PushRemote(task);
  EXPECT_TRUE(other.Push(&five));
  queue_.MoveTo(&other, 2);
  queue_.Remove(&three_);  // the first
  EXPECT_THAT(PopAll(queue_), ElementsAre(4));
  other.Remove(&two_);  // the last
  other.Remove(&one_);
  EXPECT_THAT(PopAll(other), ElementsAre(5));
}

TEST_F(TaskQueueTest, RefusesATaskThatIsQueued) {
  EXPECT_TRUE(queue_.Push(&one_));
  EXPECT_FALSE(queue_.Push(&one_));
  EXPECT_FALSE(queue_.PushRemote(&one_));
  EXPECT_TRUE(queue_.PushRemote(&two_));
  EXPECT_FALSE(queue_.PushRemote(&two_));
  EXPECT_THAT(PopAll(queue_), ElementsAre(1, 2));
  EXPECT_TRUE(queue_.Push(&one_));
  EXPECT_THAT(PopAll(queue_), ElementsAre(1));
}

TEST_F(TaskQueueTest, PoppedTaskIsNotQueued) {
  queue_.Push(&one_);
  EXPECT_TRUE(one_.queued());
  EXPECT_EQ(queue_.Pop(), &one_);
  EXPECT_FALSE(one_.queued());
}

TEST_F(TaskQueueTest, RemovesFromAnyPlace) {
  for (TestTask* victim : {&one_, &two_, &three_}) {
    queue_.Push(&one_);
    queue_.PushRemote(&two_);
    queue_.PushRemote(&three_);
    queue_.Remove(victim);
    EXPECT_FALSE(victim->queued());
    EXPECT_EQ(queue_.Count(), 2u);
    queue_.Remove(victim);  // does nothing
    queue_.Push(victim);    // comes last
    const std::vector<int> ids = PopAll(queue_);
    ASSERT_EQ(ids.size(), 3u);
    EXPECT_EQ(ids.back(), victim->id);
  }
}

TEST_F(TaskQueueTest, RemovingTheOnlyTaskLeavesAWorkingQueue) {
  queue_.PushRemote(&one_);
  queue_.Remove(&one_);
  EXPECT_TRUE(queue_.empty());
  EXPECT_THAT(PopAll(queue_), IsEmpty());
  queue_.Push(&two_);
  EXPECT_THAT(PopAll(queue_), ElementsAre(2));
}

TEST(TaskQueueDeathTest, DestroyingAQueuedTaskIsAnError) {
  EXPECT_DEATH(
      {
        TaskQueue queue;
        TestTask task;
        queue.Push(&task);
      },
      "SLUICE_CHECK failed");
}

// Each task of a producer arrives once, in the producer's order. tsan finds
// races.
TEST(TaskQueueThreadsTest, TasksOfManyProducersArriveOnceAndInOrder) {
  constexpr int kProducers = 4;
  constexpr int kTasks = 20'000;
  TaskQueue queue;
  std::vector<std::vector<std::unique_ptr<TestTask>>> tasks(kProducers);
  for (auto& of_one : tasks) {
    for (int i = 0; i < kTasks; ++i)
      of_one.push_back(std::make_unique<TestTask>());
  }
  std::vector<std::thread> threads;
  for (int p = 0; p < kProducers; ++p) {
    threads.emplace_back([&, p] {
      for (int i = 0; i < kTasks; ++i) {
        tasks[p][i]->id = p * kTasks + i;  // the push publishes it
        ASSERT_TRUE(queue.PushRemote(tasks[p][i].get()));
      }
    });
  }
  std::vector<int> next(kProducers, 0);
  for (int seen = 0; seen < kProducers * kTasks;) {
    Task* const task = queue.Pop();
    if (task == nullptr) {
      std::this_thread::yield();
      continue;
    }
    const int id = static_cast<TestTask*>(task)->id;
    ASSERT_EQ(id % kTasks, next[id / kTasks]++);
    ++seen;
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(queue.empty());
}

// Several threads push the same task. Each counts before it pushes. The next
// run of the task sees the count, also if the push was refused.
TEST(TaskQueueThreadsTest, TheQueuedRunSeesWritesBeforeARefusedPush) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 20'000;
  TaskQueue queue;
  TestTask task;
  std::atomic<int> wanted{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kRounds; ++i) {
        wanted.fetch_add(1);
        queue.PushRemote(&task);
      }
    });
  }
  int done = 0;
  bool joined = false;
  while (true) {
    if (queue.Pop() != nullptr) {
      done = wanted.load();
    } else if (joined) {
      break;
    } else if (done == kThreads * kRounds) {
      for (std::thread& thread : threads) thread.join();
      joined = true;
    }
  }
  EXPECT_EQ(done, kThreads * kRounds);
}

}  // namespace
}  // namespace sluice
