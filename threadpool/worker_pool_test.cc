#include "sluice/threadpool/worker_pool.h"

#include <pthread.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/executor.h"
#include "sluice/base/status_matchers.h"
#include "sluice/base/strand.h"

namespace sluice {
namespace {

struct Task : ExecTask {
  explicit Task(std::function<void()> f = [] {}) : run(std::move(f)) {}
  void Run() override {
    run();
    ran.store(true);
  }
  void Abandon() override { abandoned.store(true); }
  std::function<void()> run;
  std::atomic<bool> ran{false};
  std::atomic<bool> abandoned{false};
};

void Await(const std::atomic<bool>& flag) {
  while (!flag.load()) std::this_thread::yield();
}

std::unique_ptr<WorkerPool> NewPool(int threads, size_t max_callables = 100) {
  return *WorkerPool::Create(
      {.num_threads = threads, .max_callables = max_callables});
}

// Keeps a worker busy until released.
class Gate {
 public:
  explicit Gate(WorkerPool* pool)
      : task_([this] {
          entered_.store(true);
          Await(open_);
        }) {
    pool->Submit(&task_);
    Await(entered_);
  }
  void Open() {
    open_.store(true);
    Await(task_.ran);
  }

 private:
  std::atomic<bool> entered_{false};
  std::atomic<bool> open_{false};
  Task task_;
};

TEST(WorkerPoolTest, RefusesANegativeNumberOfThreads) {
  EXPECT_THAT(WorkerPool::Create({.num_threads = -1}),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(WorkerPoolTest, RunsTasksAndCallablesOnNamedThreads) {
  auto pool = NewPool(1);
  std::string name;
  Task task([&] {
    char buffer[16];
    pthread_getname_np(pthread_self(), buffer, sizeof(buffer));
    name = buffer;
  });
  EXPECT_TRUE(pool->Submit(&task));
  Await(task.ran);
  EXPECT_EQ(name, "worker/0");
  std::atomic<bool> ran{false};
  SLUICE_ASSERT_OK(pool->TrySubmit([&] { ran.store(true); }));
  Await(ran);
}

TEST(WorkerPoolTest, StartsInTheOrderSubmitted) {
  auto pool = NewPool(1);
  Gate gate(pool.get());
  std::vector<int> order;
  std::vector<std::unique_ptr<Task>> tasks;
  for (int i = 0; i < 100; ++i) {
    tasks.push_back(std::make_unique<Task>([&, i] { order.push_back(i); }));
    EXPECT_TRUE(pool->Submit(tasks.back().get()));
    EXPECT_FALSE(pool->Submit(tasks.back().get()));  // queued already
  }
  gate.Open();
  Await(tasks.back()->ran);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[i], i);
}

TEST(WorkerPoolTest, WorkersRunAtTheSameTime) {
  auto pool = NewPool(2);
  Gate one(pool.get()), two(pool.get());  // each waits for its own
  two.Open();
  one.Open();
}

TEST(WorkerPoolTest, CallablesAreBoundedAndUntouchedWhenRefused) {
  auto pool = NewPool(1, /*max_callables=*/2);
  Gate gate(pool.get());
  std::atomic<int> ran{0};
  SLUICE_ASSERT_OK(pool->TrySubmit([&] { ++ran; }));
  SLUICE_ASSERT_OK(pool->TrySubmit([&] { ++ran; }));
  WorkerPool::Callable third = [&] { ++ran; };
  EXPECT_THAT(pool->TrySubmit(std::move(third)),
              StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(pool->stats().refused, 1u);
  gate.Open();
  while (ran.load() < 2) std::this_thread::yield();
  SLUICE_ASSERT_OK(pool->TrySubmit(std::move(third)));
  while (ran.load() < 3) std::this_thread::yield();
}

TEST(WorkerPoolTest, DrainRunsWhatIsQueuedAndThenTellsDone) {
  auto pool = NewPool(2);
  std::atomic<int> ran{0};
  std::vector<std::unique_ptr<Task>> tasks;
  for (int i = 0; i < 50; ++i) {
    tasks.push_back(std::make_unique<Task>([&] { ++ran; }));
    pool->Submit(tasks.back().get());
  }
  int done = 0;
  int ran_at_done = 0;
  pool->Shutdown(WorkerPool::OnShutdown::kDrain, [&] {
    ++done;
    ran_at_done = ran.load();
  });
  pool->Join();
  EXPECT_EQ(done, 1);
  EXPECT_EQ(ran_at_done, 50);
  EXPECT_EQ(pool->stats().completed, 50u);
  EXPECT_EQ(pool->stats().queued, 0u);
}

TEST(WorkerPoolTest, DiscardAbandonsWhatIsQueuedAndDestroysCallables) {
  auto pool = NewPool(1);
  Task task;
  auto token = std::make_shared<int>(0);
  {
    Gate gate(pool.get());
    pool->Submit(&task);
    SLUICE_ASSERT_OK(pool->TrySubmit([token] {}));
    EXPECT_EQ(pool->stats().queued, 2u);
    EXPECT_EQ(pool->stats().running, 1u);
    pool->Shutdown(WorkerPool::OnShutdown::kDiscard, [] {});
    gate.Open();
  }
  pool->Join();
  EXPECT_TRUE(task.abandoned);
  EXPECT_FALSE(task.ran);
  EXPECT_EQ(token.use_count(), 1);
  EXPECT_EQ(pool->stats().abandoned, 2u);
}

TEST(WorkerPoolTest, AfterTheEndTasksAreAbandonedAndCallablesRefused) {
  auto pool = NewPool(1);
  pool->Shutdown(WorkerPool::OnShutdown::kDrain, [] {});
  pool->Join();
  Task late;
  EXPECT_TRUE(pool->Submit(&late));
  EXPECT_TRUE(late.abandoned);
  EXPECT_THAT(pool->TrySubmit([] {}),
              StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST(WorkerPoolTest, ATaskMaySubmitAndShutDown) {
  auto pool = NewPool(1);
  Task second;
  std::atomic<bool> done{false};
  Task first([&] {
    pool->Submit(&second);
    pool->Shutdown(WorkerPool::OnShutdown::kDrain, [&] { done.store(true); });
  });
  pool->Submit(&first);
  pool->Join();
  EXPECT_TRUE(second.ran);
  EXPECT_TRUE(done);
}

TEST(WorkerPoolTest, DestructionEndsIt) {
  Task task;
  {
    auto pool = NewPool(2);
    pool->Submit(&task);
  }
  EXPECT_TRUE(task.ran || task.abandoned);
}

TEST(WorkerPoolTest, AStrandKeepsItsTasksInOrderOnManyWorkers) {
  auto pool = NewPool(3);
  Strand strand(pool.get());
  int next = 0;  // guarded by the strand: tsan looks on
  bool ordered = true;
  std::vector<std::unique_ptr<Task>> tasks;
  for (int i = 0; i < 2'000; ++i) {
    tasks.push_back(std::make_unique<Task>([&, i] { ordered &= next++ == i; }));
  }
  for (auto& task : tasks) strand.Submit(task.get());
  Await(tasks.back()->ran);
  pool->Shutdown(WorkerPool::OnShutdown::kDrain, [] {});
  pool->Join();
  EXPECT_TRUE(ordered);
  EXPECT_EQ(next, 2'000);
}

TEST(WorkerPoolTest, ManySubmittersLoseNothing) {
  constexpr int kSubmitters = 4;
  constexpr int kTasks = 2'000;
  auto pool = NewPool(2, kSubmitters * kTasks);
  std::atomic<int> ran{0};
  std::vector<std::thread> submitters;
  for (int s = 0; s < kSubmitters; ++s) {
    submitters.emplace_back([&] {
      for (int i = 0; i < kTasks; ++i) {
        SLUICE_EXPECT_OK(pool->TrySubmit([&] { ++ran; }));
      }
    });
  }
  for (std::thread& submitter : submitters) submitter.join();
  pool->Shutdown(WorkerPool::OnShutdown::kDrain, [] {});
  pool->Join();
  EXPECT_EQ(ran.load(), kSubmitters * kTasks);
}

TEST(WorkerPoolDeathTest, JoinOnAWorkerIsAnError) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        auto pool = NewPool(1);
        Task task([&] { pool->Join(); });
        pool->Submit(&task);
        Await(task.ran);
      },
      "SLUICE_CHECK failed: !SequenceRole::OnAny");
}

}  // namespace
}  // namespace sluice
