#include "sluice/threadpool/task_lane.h"

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/task.h"

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

int IdOf(Task* task) {
  return task == nullptr ? 0 : static_cast<TestTask*>(task)->id;
}

std::vector<int> PopAll(TaskLane& lane) {
  std::vector<int> ids;
  while (Task* const task = lane.Pop()) ids.push_back(IdOf(task));
  return ids;
}

class TaskLaneTest : public ::testing::Test {
 protected:
  // Pushes tasks 1 to `count`.
  void Fill(int count) {
    for (int i = 1; i <= count; ++i) {
      tasks_.push_back(std::make_unique<TestTask>(i));
      EXPECT_TRUE(lane_.Push(tasks_.back().get()));
    }
  }

  std::vector<std::unique_ptr<TestTask>> tasks_;
  TaskLane lane_, other_;
};

TEST_F(TaskLaneTest, IsAFifoThatRefusesQueuedTasks) {
  EXPECT_EQ(lane_.Pop(), nullptr);
  EXPECT_EQ(lane_.PopExactly(), nullptr);
  Fill(3);
  EXPECT_FALSE(lane_.Push(tasks_[1].get()));
  EXPECT_EQ(lane_.Count(), 3u);
  EXPECT_EQ(IdOf(lane_.PopExactly()), 1);
  EXPECT_THAT(PopAll(lane_), ElementsAre(2, 3));
  EXPECT_TRUE(lane_.Push(tasks_[1].get()));
  EXPECT_THAT(PopAll(lane_), ElementsAre(2));
}

TEST_F(TaskLaneTest, StealsTheOldestAndHalfOfTheRest) {
  Fill(6);
  EXPECT_EQ(IdOf(other_.StealFrom(&lane_, 100)), 1);
  EXPECT_FALSE(lane_.Push(tasks_[1].get()))
      << "the task is queued in the other lane";
  EXPECT_EQ(lane_.Count(), 3u);
  EXPECT_THAT(PopAll(other_), ElementsAre(2, 3));
  EXPECT_THAT(PopAll(lane_), ElementsAre(4, 5, 6));
  EXPECT_EQ(other_.StealFrom(&lane_, 100), nullptr);
}

TEST_F(TaskLaneTest, StealsTasksThatWereJustPushedToo) {
  Fill(2);
  EXPECT_EQ(IdOf(lane_.Pop()), 1);
  tasks_.erase(tasks_.begin());
  for (int i = 3; i <= 7; ++i) {
    tasks_.push_back(std::make_unique<TestTask>(i));
    EXPECT_TRUE(lane_.Push(tasks_.back().get()));
  }
  EXPECT_EQ(IdOf(other_.StealFrom(&lane_, 100)), 2);
  EXPECT_THAT(PopAll(other_), ElementsAre(3, 4));
  EXPECT_THAT(PopAll(lane_), ElementsAre(5, 6, 7));
}

TEST_F(TaskLaneTest, StealsNoMoreThanTheLimit) {
  Fill(20);
  EXPECT_EQ(IdOf(other_.StealFrom(&lane_, 0)), 1);
  EXPECT_THAT(PopAll(other_), IsEmpty());
  EXPECT_EQ(IdOf(other_.StealFrom(&lane_, 3)), 2);
  EXPECT_THAT(PopAll(other_), ElementsAre(3, 4, 5));
  EXPECT_EQ(PopAll(lane_).size(), 15u);
}

// Polls, and sometimes yields to the thread that it waits for.
template <typename Condition>
void Await(Condition condition) {
  for (int polls = 1; !condition(); ++polls) {
    if (polls % 1'000 == 0) std::this_thread::yield();
  }
}

// Pushes each task at about the time when the other thread finds nothing.
TEST_F(TaskLaneTest, NoTaskIsOverlookedByAThreadThatFoundNothing) {
  constexpr int kRounds = 50'000;
  TestTask task;
  std::atomic<int> popped{0};
  std::thread popper([&] {
    for (int i = 0; i < kRounds; ++i) {
      Await([&] { return lane_.Pop() != nullptr; });
      popped.fetch_add(1);
    }
  });
  for (int i = 0; i < kRounds; ++i) {
    EXPECT_TRUE(lane_.Push(&task));
    Await([&] { return popped.load() > i; });
    for (std::atomic<int> spin{0}; spin.load() < i % 32; ++spin) {
    }
  }
  popper.join();
}

// Two threads push; two threads take tasks, one of which steals them.
TEST_F(TaskLaneTest, EachTaskIsTakenOnce) {
  constexpr int kPushers = 2;
  constexpr int kTasks = 5'000;
  struct Counted : Task {
    void Run() override { runs.fetch_add(1); }
    void Abandon() override {}
    std::atomic<int> runs{0};
  };
  std::vector<Counted> tasks(kPushers * kTasks);
  std::atomic<int> left{kPushers * kTasks};
  std::vector<std::thread> threads;
  for (int p = 0; p < kPushers; ++p) {
    threads.emplace_back([&, p] {
      for (int i = 0; i < kTasks; ++i) lane_.Push(&tasks[p * kTasks + i]);
    });
  }
  const auto take = [&](auto&& pop) {
    while (left.load() > 0) {
      if (Task* const task = pop()) {
        task->Run();
        left.fetch_sub(1);
      } else {
        std::this_thread::yield();
      }
    }
  };
  threads.emplace_back(take, [&] { return lane_.Pop(); });
  threads.emplace_back(take, [&] {
    Task* const task = other_.Pop();
    return task != nullptr ? task : other_.StealFrom(&lane_, 15);
  });
  for (std::thread& thread : threads) thread.join();
  for (const Counted& task : tasks) ASSERT_EQ(task.runs.load(), 1);
}

}  // namespace
}  // namespace sluice
