#include "sluice/base/mutex.h"

#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/in_child.h"

namespace sluice {
namespace {

TEST(MutexTest, ExcludesOtherThreads) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 5'000;
  Mutex mutex;
  int count = 0;  // guarded by `mutex`
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kRounds; ++i) {
        MutexLock lock(&mutex);
        ++count;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count, kThreads * kRounds);
}

TEST(MutexTest, TryLockFailsWhileAnotherThreadHasTheMutex) {
  Mutex mutex;
  const auto try_lock = [&] {
    if (!mutex.TryLock()) return false;
    mutex.Unlock();
    return true;
  };
  bool while_held = true;
  {
    MutexLock lock(&mutex);
    std::thread([&] { while_held = try_lock(); }).join();
  }
  EXPECT_FALSE(while_held);
  EXPECT_TRUE(try_lock());
}

TEST(CondVarTest, ASignalEndsAWait) {
  Mutex mutex;
  CondVar changed;
  int moves = 0;  // guarded by `mutex`; the two threads add 1 alternately
  const auto move_on = [&](int mine) {
    for (int i = 0; i < 1'000; ++i) {
      MutexLock lock(&mutex);
      while (moves % 2 != mine) changed.Wait(&mutex);
      ++moves;
      changed.SignalAll();
    }
  };
  std::thread other([&] { move_on(1); });
  move_on(0);
  other.join();
  EXPECT_EQ(moves, 2'000);
}

TEST(CondVarTest, ATimeoutIsNeverEarly) {
  Mutex mutex;
  CondVar never;
  const auto start = std::chrono::steady_clock::now();
  {
    MutexLock lock(&mutex);
    while (!never.WaitWithTimeout(&mutex, absl::Milliseconds(5))) {
    }
  }
  EXPECT_GE(std::chrono::steady_clock::now() - start,
            std::chrono::milliseconds(5));
}

TEST(CondVarTest, ASignalEndsAWaitBeforeALongTimeout) {
  for (const absl::Duration timeout :
       {absl::Minutes(10), absl::Hours(24 * 365 * 1000),
        absl::InfiniteDuration()}) {
    Mutex mutex;
    CondVar changed;
    bool done = false;
    int timed_out = 0;
    mutex.Lock();
    std::thread other([&] {
      MutexLock lock(&mutex);
      done = true;
      changed.Signal();
    });
    while (!done) {
      if (changed.WaitWithTimeout(&mutex, timeout)) ++timed_out;
    }
    mutex.Unlock();
    other.join();
    EXPECT_EQ(timed_out, 0) << timeout;
  }
}

TEST(CondVarTest, ATimeoutThatIsNotPositiveHasExpired) {
  Mutex mutex;
  CondVar never;
  MutexLock lock(&mutex);
  for (const absl::Duration timeout :
       {absl::ZeroDuration(), -absl::Seconds(1), -absl::InfiniteDuration()}) {
    EXPECT_TRUE(never.WaitWithTimeout(&mutex, timeout));
  }
}

// pthread_cond_destroy(3) would wait for a thread that only the parent has.
TEST(CondVarTest, AChildOfForkMayDestroyACondVarWithWaiters) {
  Mutex mutex;
  auto changed = std::make_unique<CondVar>();
  bool waiting = false;
  bool done = false;
  std::thread other([&] {
    MutexLock lock(&mutex);
    waiting = true;
    while (!done) changed->Wait(&mutex);
  });
  const auto is_waiting = [&] {
    MutexLock lock(&mutex);
    return waiting;
  };
  while (!is_waiting()) std::this_thread::yield();
  EXPECT_EQ(InChild([&] { changed.reset(); }), 0);
  mutex.Lock();
  done = true;
  changed->Signal();
  mutex.Unlock();
  other.join();
}

}  // namespace
}  // namespace sluice
