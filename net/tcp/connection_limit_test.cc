#include "sluice/net/tcp/connection_limit.h"

#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "sluice/base/executor.h"

namespace sluice {
namespace {

// An executor that counts its tasks, and runs none.
class CountingExecutor : public Executor {
 public:
  bool Schedule(Task*) override {
    scheduled_.fetch_add(1);
    return true;
  }
  int scheduled() const { return scheduled_.load(); }

 private:
  std::atomic<int> scheduled_{0};
};

struct NoTask : Task {
  void Run() override {}
  void Abandon() override {}
};

TEST(ConnectionLimitTest, SaysWhenThereIsNoRoomForAnother) {
  ConnectionLimit limit(3);
  EXPECT_TRUE(limit.Add());
  EXPECT_TRUE(limit.Add());
  EXPECT_FALSE(limit.Add());
  limit.Remove();
  EXPECT_FALSE(limit.Add()) << "three again";
  limit.Remove();
  limit.Remove();
  EXPECT_TRUE(limit.Add());
}

TEST(ConnectionLimitTest, AllWaitersAreScheduledOnceOnRoom) {
  ConnectionLimit limit(1);
  CountingExecutor first;
  CountingExecutor second;
  NoTask task;
  NoTask other;
  limit.Add();
  limit.AwaitRoom(&first, &task);
  limit.AwaitRoom(&second, &other);
  EXPECT_EQ(first.scheduled() + second.scheduled(), 0);
  limit.Remove();
  EXPECT_EQ(first.scheduled(), 1);
  EXPECT_EQ(second.scheduled(), 1);
  limit.Add();
  limit.Remove();
  EXPECT_EQ(first.scheduled(), 1) << "no task waits any more";
}

TEST(ConnectionLimitTest, AWaiterIsScheduledAtOnceIfThereIsRoom) {
  ConnectionLimit limit(2);
  CountingExecutor executor;
  NoTask task;
  limit.Add();
  limit.AwaitRoom(&executor, &task);
  EXPECT_EQ(executor.scheduled(), 1);
}

TEST(ConnectionLimitTest, AWaiterIsNotScheduledWhileTheLimitIsExceeded) {
  ConnectionLimit limit(1);
  CountingExecutor executor;
  NoTask task;
  limit.Add();
  limit.Add();
  limit.AwaitRoom(&executor, &task);
  limit.Remove();
  EXPECT_EQ(executor.scheduled(), 0);
  limit.Remove();
  EXPECT_EQ(executor.scheduled(), 1);
}

TEST(ConnectionLimitTest, AWaiterThatHasStoppedIsNotScheduled) {
  ConnectionLimit limit(1);
  CountingExecutor executor;
  NoTask task;
  limit.Add();
  limit.AwaitRoom(&executor, &task);
  limit.StopWaiting(&task);
  limit.StopWaiting(&task);
  limit.Remove();
  EXPECT_EQ(executor.scheduled(), 0);
}

// Each thread takes a place when there is room, and waits otherwise.
TEST(ConnectionLimitTest, NoWaiterIsForgotten) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 20'000;
  ConnectionLimit limit(2);
  std::atomic<size_t> open{0};
  std::atomic<size_t> most{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      CountingExecutor executor;
      NoTask task;
      int waits = 0;
      for (int i = 0; i < kRounds; ++i) {
        const bool room = limit.Add();
        const size_t now = open.fetch_add(1) + 1;
        for (size_t m = most.load(); m < now;)
          most.compare_exchange_weak(m, now);
        open.fetch_sub(1);
        limit.Remove();
        if (room) continue;
        limit.AwaitRoom(&executor, &task);
        ++waits;
        while (executor.scheduled() < waits) std::this_thread::yield();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(most.load(), size_t{2 + kThreads - 1});
}

}  // namespace
}  // namespace sluice
