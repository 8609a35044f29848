#include "sluice/threadpool/worker_pool.h"

#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/cpu_count.h"
#include "sluice/base/executor.h"
#include "sluice/base/strand.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/timer/sim_clock.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using OnShutdown = WorkerPool::OnShutdown;

struct TestTask : Task {
  explicit TestTask(std::function<void()> f = [] {}) : run(std::move(f)) {}
  void Run() override {
    run();
    ran.store(true);
  }
  void Abandon() override { abandoned.store(true); }
  std::function<void()> run;
  std::atomic<bool> ran{false};
  std::atomic<bool> abandoned{false};
};

// Polls until `condition` holds, and sometimes yields to the thread that makes
// it hold. Has no timeout.
template <typename Condition>
void AwaitThat(Condition condition) {
  for (int polls = 1; !condition(); ++polls) {
    if (polls % 100 == 0) std::this_thread::yield();
  }
}
void Await(const std::atomic<bool>& flag) {
  AwaitThat([&] { return flag.load(); });
}

// Makes pools with a clock that stands still.
class WorkerPoolTest : public ::testing::Test {
 protected:
  std::unique_ptr<WorkerPool> NewPool(int threads, size_t max_posted = 100) {
    return *WorkerPool::Create(
        {.clock = &clock_, .num_threads = threads, .max_posted = max_posted});
  }
  // Returns tasks that call `run` with their number.
  static std::vector<std::unique_ptr<TestTask>> NewTasks(
      int count, const std::function<void(int)>& run = [](int) {}) {
    std::vector<std::unique_ptr<TestTask>> tasks;
    for (int i = 0; i < count; ++i) {
      tasks.push_back(std::make_unique<TestTask>([run, i] { run(i); }));
    }
    return tasks;
  }
  static void AwaitSleep(const WorkerPool& pool, size_t workers) {
    AwaitThat([&] { return pool.stats().asleep == workers; });
  }

  SimClock clock_;
};

// Keeps a worker busy until released.
class Gate {
 public:
  explicit Gate(Executor* executor)
      : task_([this] {
          entered_.store(true);
          Await(open_);
        }) {
    executor->Schedule(&task_);
    Await(entered_);
  }
  void Open() {
    open_.store(true);
    Await(task_.ran);
  }

 private:
  std::atomic<bool> entered_{false};
  std::atomic<bool> open_{false};
  TestTask task_;
};

TEST_F(WorkerPoolTest, RefusesEachOptionOutOfRange) {
  EXPECT_THAT(WorkerPool::Create({.num_threads = 1}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("clock")));
  for (const int bad : {INT_MIN, -1, 4097, INT_MAX}) {
    EXPECT_THAT(
        WorkerPool::Create({.clock = &clock_, .num_threads = bad}),
        StatusIs(absl::StatusCode::kInvalidArgument,
                 HasSubstr(absl::StrCat("WorkerPool: num_threads is ", bad,
                                        ", and must be 0 to 4096"))));
  }
}

TEST_F(WorkerPoolTest, LimitsMayBeAsLargeAsTheyGet) {
  for (const size_t most : {size_t{0}, SIZE_MAX}) {
    auto pool = WorkerPool::Create(
        {.clock = &clock_, .num_threads = 1, .max_posted = most});
    SLUICE_ASSERT_OK(pool);
    EXPECT_EQ((*pool)->Post([] {}).ok(), most > 0);
    (*pool)->Shutdown(OnShutdown::kDrain, nullptr, absl::InfiniteDuration());
    SLUICE_EXPECT_OK((*pool)->TryJoin(absl::InfiniteDuration()));
  }
}

// The limit has expired before the call.
TEST_F(WorkerPoolTest, ANegativeLimitAbandonsQueuedTasks) {
  auto pool = NewPool(1);
  Gate gate(pool.get());
  TestTask queued;
  pool->Schedule(&queued);
  pool->Shutdown(OnShutdown::kDrain, nullptr, -absl::InfiniteDuration());
  EXPECT_THAT(pool->TryJoin(-absl::InfiniteDuration()),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  gate.Open();
  pool->Join();
  EXPECT_TRUE(queued.abandoned);
}

TEST_F(WorkerPoolTest, HasAWorkerForEachCpuByDefault) {
  auto pool = NewPool(0);
  AwaitSleep(*pool, static_cast<size_t>(CpuCount()));
}

TEST_F(WorkerPoolTest, RunsTasksAndCallablesOnNamedThreads) {
  auto pool = NewPool(1);
  std::string name;
  TestTask task([&] {
    char buffer[16];
    pthread_getname_np(pthread_self(), buffer, sizeof(buffer));
    name = buffer;
  });
  EXPECT_TRUE(pool->Schedule(&task));
  Await(task.ran);
  EXPECT_EQ(name, "worker/0");
  std::atomic<bool> ran{false};
  SLUICE_ASSERT_OK(pool->Post([&] { ran.store(true); }));
  Await(ran);
}

TEST_F(WorkerPoolTest, AWorkerOfAnotherPoolIsAThreadOutside) {
  auto pool = NewPool(1);
  auto other = *WorkerPool::Create(
      {.clock = &clock_, .name = "other", .num_threads = 1});
  TestTask task;
  TestTask parent([&] {
    other->Schedule(&task);
    Await(task.ran);
  });
  pool->Schedule(&parent);
  Await(parent.ran);
}

// Schedules each task at about the time when the worker goes to sleep.
TEST_F(WorkerPoolTest, NoTaskIsOverlookedByAWorkerThatGoesToSleep) {
  auto pool = NewPool(1);
  for (int i = 0; i < 20'000; ++i) {
    TestTask task;
    pool->Schedule(&task);
    Await(task.ran);
    for (std::atomic<int> spin{0}; spin.load() < i % 200; ++spin) {
    }
  }
}

TEST_F(WorkerPoolTest, WorkersRunAtTheSameTime) {
  auto pool = NewPool(2);
  Gate one(pool.get()), two(pool.get());  // each gate needs a worker
  two.Open();
  one.Open();
}

// ---------------------------------------------------------------------------
// Order
// ---------------------------------------------------------------------------

TEST_F(WorkerPoolTest, TasksStartInTheOrderInWhichTheyWereScheduled) {
  auto pool = NewPool(2);
  Gate other(pool.get()), gate(pool.get());
  std::vector<int> order;
  auto tasks = NewTasks(100, [&](int i) { order.push_back(i); });
  for (auto& task : tasks) {
    EXPECT_TRUE(pool->Schedule(task.get()));
    EXPECT_FALSE(pool->Schedule(task.get()));  // queued already
  }
  gate.Open();
  Await(tasks.back()->ran);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[i], i);
  other.Open();
}

TEST_F(WorkerPoolTest, TasksOfATaskStartInTheOrderInWhichItScheduledThem) {
  auto pool = NewPool(1);
  std::vector<int> order;
  auto tasks = NewTasks(100, [&](int i) { order.push_back(i); });
  TestTask parent([&] {
    for (auto& task : tasks) pool->Schedule(task.get());
  });
  pool->Schedule(&parent);
  Await(tasks.back()->ran);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[i], i);
}

TEST_F(WorkerPoolTest, IdleWorkersTakeTasksThatAnotherWorkerScheduled) {
  auto pool = NewPool(2);
  AwaitSleep(*pool, 2);
  auto children = NewTasks(50);
  TestTask parent([&] {
    for (auto& child : children) pool->Schedule(child.get());
    for (auto& child : children) Await(child->ran);
  });
  pool->Schedule(&parent);
  Await(parent.ran);
}

TEST_F(WorkerPoolTest, AThirdWorkerTakesTasksThatTheSecondTookFromTheFirst) {
  auto pool = NewPool(3);
  AwaitSleep(*pool, 3);
  // The second worker takes several tasks of the first. The oldest of them
  // keeps the second worker busy.
  std::atomic<bool> open{false};
  auto children = NewTasks(20, [&](int i) {
    if (i == 0) Await(open);
  });
  TestTask parent([&] {
    for (auto& child : children) pool->Schedule(child.get());
    Await(open);
  });
  pool->Schedule(&parent);
  for (int i = 1; i < 20; ++i) Await(children[i]->ran);
  open.store(true);
  Await(children[0]->ran);
  Await(parent.ran);
}

TEST_F(WorkerPoolTest, ATaskThatAlwaysSchedulesItselfDelaysNoOther) {
  auto pool = NewPool(1);
  std::atomic<bool> stop{false};
  std::atomic<int> runs{0};
  std::unique_ptr<TestTask> forever;
  forever = std::make_unique<TestTask>([&] {
    ++runs;
    if (!stop.load()) pool->Schedule(forever.get());
  });
  pool->Schedule(forever.get());
  AwaitThat([&] { return runs.load() > 100; });
  TestTask other;
  pool->Schedule(&other);
  Await(other.ran);
  stop.store(true);
  pool->Shutdown(OnShutdown::kDrain, nullptr);
  pool->Join();
}

TEST_F(WorkerPoolTest, ALongQueueDoesNotDelayTasksOfATask) {
  auto pool = NewPool(1);
  int before = 0;
  int before_child = -1;
  TestTask child([&] { before_child = before; });
  TestTask parent([&] { pool->Schedule(&child); });
  auto tasks = NewTasks(100, [&](int) { ++before; });
  Gate gate(pool.get());
  pool->Schedule(&parent);
  for (auto& task : tasks) pool->Schedule(task.get());
  gate.Open();
  Await(tasks.back()->ran);
  EXPECT_GE(before_child, 0);
  EXPECT_LE(before_child, 2);
}

TEST_F(WorkerPoolTest, ALongTaskDoesNotDelayTasksThatItScheduled) {
  auto pool = NewPool(2);
  std::atomic<int> before{0};
  int before_child = -1;
  TestTask child([&] { before_child = before.load(); });
  std::atomic<bool> scheduled{false}, end{false};
  TestTask parent([&] {
    pool->Schedule(&child);
    scheduled.store(true);
    Await(end);
  });
  // The other worker has many tasks.
  Gate gate(pool.get());
  auto tasks = NewTasks(200, [&](int) { ++before; });
  pool->Schedule(&parent);
  Await(scheduled);
  for (auto& task : tasks) pool->Schedule(task.get());
  gate.Open();
  Await(tasks.back()->ran);
  EXPECT_GE(before_child, 0);
  EXPECT_LE(before_child, 64);
  end.store(true);
  Await(parent.ran);
}

TEST_F(WorkerPoolTest, AStrandKeepsItsTasksInOrderOnManyWorkers) {
  auto pool = NewPool(3);
  Strand strand(pool.get());
  int next = 0;  // guarded by the strand; tsan finds races
  bool ordered = true;
  auto tasks = NewTasks(2'000, [&](int i) { ordered &= next++ == i; });
  for (auto& task : tasks) strand.Schedule(task.get());
  Await(tasks.back()->ran);
  pool->Shutdown(OnShutdown::kDrain, nullptr);
  pool->Join();
  EXPECT_TRUE(ordered);
  EXPECT_EQ(next, 2'000);
}

// ---------------------------------------------------------------------------
// Bounds
// ---------------------------------------------------------------------------

TEST_F(WorkerPoolTest, CallablesAreLimitedAndUnchangedWhenRefused) {
  auto pool = NewPool(1, /*max_posted=*/2);
  Gate gate(pool.get());
  std::atomic<int> ran{0};
  SLUICE_ASSERT_OK(pool->Post([&] { ++ran; }));
  SLUICE_ASSERT_OK(pool->Post([&] { ++ran; }));
  WorkerPool::Callable third = [&] { ++ran; };
  EXPECT_THAT(pool->Post(std::move(third)),
              StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(pool->stats().posts_refused, 1u);
  gate.Open();
  AwaitThat([&] { return ran.load() == 2; });
  SLUICE_ASSERT_OK(pool->Post(std::move(third)));
  AwaitThat([&] { return ran.load() == 3; });
}

TEST_F(WorkerPoolTest, CallablesOfManyThreadsAllRun) {
  constexpr int kProducers = 4;
  constexpr int kTasks = 2'000;
  auto pool = NewPool(2, kProducers * kTasks);
  std::atomic<int> ran{0};
  std::vector<std::thread> producers;
  for (int p = 0; p < kProducers; ++p) {
    producers.emplace_back([&] {
      for (int i = 0; i < kTasks; ++i) {
        SLUICE_EXPECT_OK(pool->Post([&] { ++ran; }));
      }
    });
  }
  for (std::thread& producer : producers) producer.join();
  pool->Shutdown(OnShutdown::kDrain, nullptr);
  pool->Join();
  EXPECT_EQ(ran.load(), kProducers * kTasks);
}

// Runs a tree of tasks, each of which schedules two. No task that workers
// schedule and take from each other is lost, and none runs twice.
TEST_F(WorkerPoolTest, EachTaskOfATreeRunsOnce) {
  constexpr int kDepth = 12;
  struct Node : Task {
    void Run() override {
      sum->fetch_add(1);
      if (depth == 0) return;
      children = std::make_unique<Node[]>(2);
      for (Node* child : {&children[0], &children[1]}) {
        child->executor = executor;
        child->sum = sum;
        child->depth = depth - 1;
        EXPECT_TRUE(executor->Schedule(child));
      }
    }
    void Abandon() override { ADD_FAILURE(); }
    Executor* executor = nullptr;
    std::atomic<int>* sum = nullptr;
    int depth = 0;
    std::unique_ptr<Node[]> children;
  };
  auto pool = NewPool(4);
  std::atomic<int> sum{0};
  Node root;
  root.executor = pool.get();
  root.sum = &sum;
  root.depth = kDepth;
  pool->Schedule(&root);
  pool->Shutdown(OnShutdown::kDrain, nullptr);
  pool->Join();
  EXPECT_EQ(sum.load(), (2 << kDepth) - 1);
}

// ---------------------------------------------------------------------------
// Shutdown
// ---------------------------------------------------------------------------

TEST_F(WorkerPoolTest, DrainRunsQueuedTasksAndThenCallsDone) {
  auto pool = NewPool(2);
  std::atomic<int> ran{0};
  auto tasks = NewTasks(50, [&](int) { ++ran; });
  TestTask earlier;  // not part of the report
  pool->Schedule(&earlier);
  AwaitThat([&] { return pool->stats().completed == 1; });
  Gate one(pool.get()), two(pool.get());
  for (auto& task : tasks) pool->Schedule(task.get());
  int done = 0;
  int ran_at_done = 0;
  WorkerPool::Report report;
  pool->Shutdown(OnShutdown::kDrain, [&](WorkerPool::Report r) {
    ++done;
    ran_at_done = ran.load();
    report = std::move(r);
  });
  one.Open();
  two.Open();
  pool->Join();
  EXPECT_EQ(done, 1);
  EXPECT_EQ(ran_at_done, 50);
  EXPECT_EQ(report.completed, 52u);  // with the two gates
  EXPECT_EQ(report.abandoned, 0u);
  EXPECT_THAT(report.overdue, IsEmpty());
  EXPECT_THAT(report.running, IsEmpty());
  EXPECT_EQ(pool->stats().completed, 53u);
  EXPECT_EQ(pool->stats().queued, 0u);
}

TEST_F(WorkerPoolTest, NoWorkerEndsBeforeTheDrainIsComplete) {
  auto pool = NewPool(2);
  AwaitSleep(*pool, 2);
  TestTask child;
  std::atomic<bool> shut_down{false};
  TestTask parent([&] {
    Await(shut_down);
    AwaitSleep(*pool, 1);
    pool->Schedule(&child);
    Await(child.ran);  // on the other worker
  });
  pool->Schedule(&parent);
  pool->Shutdown(OnShutdown::kDrain, nullptr);
  shut_down.store(true);
  pool->Join();
  EXPECT_TRUE(parent.ran);
}

TEST_F(WorkerPoolTest, DiscardAbandonsTasksAndDestroysCallables) {
  auto pool = NewPool(1);
  TestTask task;
  auto token = std::make_shared<int>(0);
  {
    Gate gate(pool.get());
    pool->Schedule(&task);
    SLUICE_ASSERT_OK(pool->Post([token] {}));
    EXPECT_EQ(pool->stats().queued, 2u);
    EXPECT_EQ(pool->stats().running, 1u);
    pool->Shutdown(OnShutdown::kDiscard, nullptr);
    gate.Open();
  }
  pool->Join();
  EXPECT_TRUE(task.abandoned);
  EXPECT_FALSE(task.ran);
  EXPECT_EQ(token.use_count(), 1);
  EXPECT_EQ(pool->stats().abandoned, 2u);
}

TEST_F(WorkerPoolTest, ADrainAbandonsTasksAfterTheLimit) {
  auto pool = NewPool(1);
  Gate gate(pool.get());
  TestTask in_time([&] { clock_.Advance(absl::Seconds(9)); });
  TestTask overdue([&] { clock_.Advance(absl::Seconds(1)); });
  TestTask late;
  for (TestTask* task : {&in_time, &overdue, &late}) pool->Schedule(task);
  WorkerPool::Report report;
  pool->Shutdown(
      OnShutdown::kDrain, [&](WorkerPool::Report r) { report = std::move(r); },
      absl::Seconds(10));
  gate.Open();
  pool->Join();
  EXPECT_TRUE(in_time.ran);
  EXPECT_TRUE(overdue.ran) << "the task began before the limit";
  EXPECT_TRUE(late.abandoned);
  EXPECT_EQ(report.completed, 3u);
  EXPECT_EQ(report.abandoned, 1u);
  EXPECT_THAT(report.overdue, ElementsAre("worker/0"));
}

TEST_F(WorkerPoolTest, ATaskThatRanBeforeShutdownIsReportedWhenOverdue) {
  auto pool = NewPool(2);
  Gate gate(pool.get());
  AwaitSleep(*pool, 1);
  WorkerPool::Report report;
  pool->Shutdown(
      OnShutdown::kDiscard,
      [&](WorkerPool::Report r) { report = std::move(r); }, absl::Seconds(1));
  clock_.Advance(absl::Seconds(1));
  gate.Open();
  pool->Join();
  EXPECT_EQ(report.overdue.size(), 1u);
  EXPECT_EQ(report.completed, 1u);
}

TEST_F(WorkerPoolTest, TryJoinGivesUpAndMayBeCalledAgain) {
  auto pool = NewPool(2);
  Gate gate(pool.get());
  AwaitSleep(*pool, 1);
  pool->Shutdown(OnShutdown::kDrain, nullptr);
  const std::vector<std::string> running = pool->report().running;
  ASSERT_EQ(running.size(), 1u);
  EXPECT_THAT(pool->TryJoin(absl::ZeroDuration()),
              StatusIs(absl::StatusCode::kDeadlineExceeded,
                       HasSubstr("in a task: " + running[0])));
  gate.Open();
  SLUICE_EXPECT_OK(pool->TryJoin(absl::InfiniteDuration()));
  EXPECT_THAT(pool->report().running, IsEmpty());
}

TEST_F(WorkerPoolTest, AJoinedPoolMayBeDestroyedOnAWorker) {
  auto other = NewPool(1);
  auto pool = NewPool(1);
  pool->Shutdown(OnShutdown::kDrain, nullptr);
  SLUICE_ASSERT_OK(pool->TryJoin(absl::InfiniteDuration()));
  TestTask destroy([&] { pool.reset(); });
  other->Schedule(&destroy);
  Await(destroy.ran);
}

TEST_F(WorkerPoolTest, AfterTheEndTasksAreAbandonedAndCallablesRefused) {
  auto pool = NewPool(1);
  pool->Shutdown(OnShutdown::kDrain, nullptr);
  pool->Join();
  TestTask late;
  EXPECT_TRUE(pool->Schedule(&late));
  EXPECT_TRUE(late.abandoned);
  EXPECT_EQ(pool->report().abandoned, 1u);
  EXPECT_THAT(pool->Post([] {}), StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(WorkerPoolTest, ATaskMayScheduleAndShutDown) {
  auto pool = NewPool(1);
  TestTask second;
  std::atomic<bool> done{false};
  TestTask first([&] {
    pool->Schedule(&second);
    pool->Shutdown(OnShutdown::kDrain,
                   [&](WorkerPool::Report) { done.store(true); });
  });
  pool->Schedule(&first);
  Await(done);
  pool->Join();
  EXPECT_TRUE(second.ran);
}

TEST_F(WorkerPoolTest, ATaskScheduledByTheDoneCallbackIsAbandoned) {
  auto pool = NewPool(1);
  TestTask late;
  pool->Shutdown(OnShutdown::kDrain,
                 [&](WorkerPool::Report) { pool->Schedule(&late); });
  pool->Join();
  EXPECT_TRUE(late.abandoned);
}

TEST_F(WorkerPoolTest, TheDestructorRunsOrAbandonsTasks) {
  TestTask task;
  {
    auto pool = NewPool(2);
    pool->Schedule(&task);
  }
  EXPECT_TRUE(task.ran || task.abandoned);
}

TEST_F(WorkerPoolTest, EachTaskScheduledDuringShutdownIsRunOrAbandonedOnce) {
  constexpr int kProducers = 3;
  constexpr int kTasks = 300;
  struct Counted : Task {
    void Run() override { calls.fetch_add(1); }
    void Abandon() override { calls.fetch_add(1); }
    std::atomic<int> calls{0};
  };
  for (const OnShutdown what : {OnShutdown::kDrain, OnShutdown::kDiscard}) {
    for (int round = 0; round < 20; ++round) {
      auto pool = NewPool(2);
      std::vector<Counted> tasks(kProducers * kTasks);
      std::vector<std::thread> producers;
      std::atomic<int> scheduled{0};
      for (int p = 0; p < kProducers; ++p) {
        producers.emplace_back([&, p] {
          for (int i = 0; i < kTasks; ++i) {
            pool->Schedule(&tasks[p * kTasks + i]);
            scheduled.fetch_add(1);
          }
        });
      }
      AwaitThat([&] { return scheduled.load() > round * kTasks / 10; });
      pool->Shutdown(what, nullptr);
      pool->Join();
      for (std::thread& producer : producers) producer.join();
      for (const Counted& task : tasks) ASSERT_EQ(task.calls.load(), 1);
    }
  }
}

// ---------------------------------------------------------------------------
// Statistics
// ---------------------------------------------------------------------------

TEST_F(WorkerPoolTest, ASleepingWorkerIsSignalledOnceAndABusyOneIsNot) {
  auto pool = NewPool(1);
  AwaitSleep(*pool, 1);
  auto tasks = NewTasks(100);
  const uint64_t before = pool->stats().wakes;
  Gate gate(pool.get());
  for (auto& task : tasks) pool->Schedule(task.get());
  EXPECT_EQ(pool->stats().wakes, before + 1);
  gate.Open();
  Await(tasks.back()->ran);
}

TEST_F(WorkerPoolTest, ABurstSignalsNoWorkerTwice) {
  for (int round = 0; round < 50; ++round) {
    auto pool = NewPool(1);
    AwaitSleep(*pool, 1);
    // The worker does not sleep again before the test opens the gate.
    std::atomic<bool> open{false};
    TestTask first([&] { Await(open); });
    auto tasks = NewTasks(20);
    pool->Schedule(&first);
    for (auto& task : tasks) pool->Schedule(task.get());
    ASSERT_EQ(pool->stats().wakes, 1u);
    open.store(true);
    Await(tasks.back()->ran);
  }
}

TEST_F(WorkerPoolTest, MeasuresHowLongTasksWait) {
  auto pool = NewPool(1);
  Gate gate(pool.get());  // measured, with a delay of 0
  EXPECT_EQ(pool->stats().queue_delay_p99, absl::ZeroDuration());
  // When the second gate is entered, the pool wants another sample.
  auto tasks = NewTasks(64);
  for (auto& task : tasks) pool->Schedule(task.get());
  std::atomic<bool> entered{false}, open{false};
  TestTask second([&] {
    entered.store(true);
    Await(open);
  });
  pool->Schedule(&second);
  gate.Open();
  Await(entered);
  TestTask measured;
  pool->Schedule(&measured);
  clock_.Advance(absl::Seconds(5));
  open.store(true);
  Await(measured.ran);
  EXPECT_EQ(pool->stats().queue_delay_p50, absl::ZeroDuration());
  EXPECT_EQ(pool->stats().queue_delay_p99, absl::Seconds(5));
}

TEST_F(WorkerPoolTest, MeasuresHowBusyItsWorkersAre) {
  auto pool = NewPool(2);
  EXPECT_EQ(pool->stats().busy_ratio(), 0);
  AwaitSleep(*pool, 2);
  clock_.Advance(absl::Seconds(2));
  {
    Gate gate(pool.get());
    AwaitSleep(*pool, 1);
    clock_.Advance(absl::Seconds(3));
    EXPECT_EQ(pool->stats().busy, absl::Seconds(3));
    gate.Open();
  }
  AwaitSleep(*pool, 2);
  clock_.Advance(absl::Seconds(1));
  const WorkerPool::Stats stats = pool->stats();
  EXPECT_EQ(stats.busy, absl::Seconds(3));
  EXPECT_EQ(stats.idle, absl::Seconds(9));
  EXPECT_EQ(stats.busy_ratio(), 0.25);
}

TEST_F(WorkerPoolTest, CountsWorkersThatHaveEndedAsIdle) {
  auto pool = NewPool(2);
  AwaitSleep(*pool, 2);
  pool->Shutdown(OnShutdown::kDrain, nullptr);
  pool->Join();
  clock_.Advance(absl::Seconds(3));
  EXPECT_EQ(pool->stats().busy, absl::ZeroDuration());
}

// ---------------------------------------------------------------------------
// Errors of the programmer
// ---------------------------------------------------------------------------

class WorkerPoolDeathTest : public WorkerPoolTest {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(WorkerPoolDeathTest, JoinOnAWorkerIsAnError) {
  EXPECT_DEATH(
      {
        auto pool = NewPool(1);
        TestTask task([&] { pool->Join(); });
        pool->Schedule(&task);
        Await(task.ran);
      },
      "SLUICE_CHECK failed: !SequenceRole::OnAny");
}

TEST_F(WorkerPoolDeathTest, DestructionOnAWorkerIsAnError) {
  EXPECT_DEATH(
      {
        auto pool = NewPool(1);
        TestTask task([&] { pool.reset(); });
        pool->Schedule(&task);
        Await(task.ran);
      },
      "SLUICE_CHECK failed: !SequenceRole::OnAny");
}

TEST_F(WorkerPoolDeathTest, ShutdownTwiceIsAnError) {
  EXPECT_DEATH(
      {
        auto pool = NewPool(1);
        pool->Shutdown(OnShutdown::kDrain, nullptr);
        pool->Shutdown(OnShutdown::kDrain, nullptr);
      },
      "SLUICE_CHECK failed");
}

// The number of Frames on the stack of this thread.
thread_local int frames = 0;
struct Frame {
  Frame() { ++frames; }
  ~Frame() { --frames; }
};

[[noreturn]] void ThrowInAFrame() {
  const Frame frame;
  throw std::runtime_error("thrown by a task");
}

void PrintWhetherUnwoundOnTerminate() {
  std::set_terminate([] {
    std::fputs(frames > 0 ? "at the throw\n" : "unwound\n", stderr);
    std::abort();
  });
}

TEST_F(WorkerPoolDeathTest, ATaskThatThrowsEndsTheProcessAtTheThrow) {
  EXPECT_DEATH(
      {
        PrintWhetherUnwoundOnTerminate();
        auto pool = NewPool(1);
        TestTask task(ThrowInAFrame);
        pool->Schedule(&task);
        Await(task.ran);
      },
      "at the throw");
}

TEST_F(WorkerPoolDeathTest, ACallableThatThrowsEndsTheProcessAtTheThrow) {
  EXPECT_DEATH(
      {
        PrintWhetherUnwoundOnTerminate();
        auto pool = NewPool(1);
        SLUICE_EXPECT_OK(pool->Post(ThrowInAFrame));
        pool->Shutdown(OnShutdown::kDrain, nullptr);
        pool->Join();
      },
      "at the throw");
}

TEST_F(WorkerPoolDeathTest, AProcessCanEndWhileATaskNeverReturns) {
  EXPECT_EXIT(
      {
        auto pool = NewPool(1);
        static std::atomic<bool> never{false};
        static TestTask* const endless = new TestTask([] { Await(never); });
        pool->Schedule(endless);
        AwaitThat([&] { return pool->stats().running == 1; });
        pool->Shutdown(OnShutdown::kDiscard, nullptr);
        const absl::Status status = pool->TryJoin(absl::Milliseconds(1));
        (void)pool.release();
        _exit(absl::StrContains(status.message(), "worker/0") ? 7 : 1);
      },
      ::testing::ExitedWithCode(7), "");
}

TEST_F(WorkerPoolDeathTest, AThreadThatDoesNotStartIsAStatus) {
  EXPECT_EXIT(
      {
        // A stack that no address space can hold.
        pthread_attr_t attributes;
        pthread_attr_init(&attributes);
        pthread_attr_setstacksize(&attributes, size_t{1} << 60);
        pthread_setattr_default_np(&attributes);
        const auto pool =
            WorkerPool::Create({.clock = &clock_, .num_threads = 2});
        _exit(absl::StrContains(pool.status().message(), "worker/0") ? 7 : 1);
      },
      ::testing::ExitedWithCode(7), "");
}

}  // namespace
}  // namespace sluice
