#include "sluice/event/process_fence.h"

#include <sys/syscall.h>

#include <atomic>
#include <cerrno>
#include <thread>

#include "gtest/gtest.h"
#include "sluice/base/testing/without_system_call.h"

namespace sluice {
namespace {

TEST(ProcessFence, IsAvailable) {
  const ProcessFence fence;
  EXPECT_TRUE(fence.Execute());
  EXPECT_TRUE(ProcessFence().Execute());
}

TEST(ProcessFence, ReportsThatTheKernelHasNoFence) {
  for (const int error : {ENOSYS, EPERM}) {
    WithoutSystemCall(SYS_membarrier, error, [] {
      errno = ENOENT;
      const ProcessFence fence;
      EXPECT_FALSE(fence.Execute());
      EXPECT_EQ(errno, ENOENT);
    });
  }
}

// Two threads each write one variable and read the other's. The fence of one
// thread makes it impossible that both miss the other's write. The other thread
// has no fence.
TEST(ProcessFence, OrdersAStoreBeforeALoadOfAnotherThread) {
  constexpr int kRounds = 20'000;
  const ProcessFence fence;
  std::atomic<int> round{0};
  std::atomic<int> done{0};
  std::atomic<int> ours{0}, theirs{0};
  int seen_by_other = 0;
  std::thread other([&] {
    for (int i = 1; i <= kRounds; ++i) {
      for (int spins = 0; round.load(std::memory_order_acquire) < i; ++spins) {
        if (spins > 1'000) std::this_thread::yield();
      }
      theirs.store(i, std::memory_order_relaxed);
      std::atomic_signal_fence(std::memory_order_seq_cst);
      seen_by_other = ours.load(std::memory_order_relaxed);
      done.store(i, std::memory_order_release);
    }
  });
  int missed = 0;
  for (int i = 1; i <= kRounds; ++i) {
    round.store(i, std::memory_order_release);
    for (volatile int delay = i % 256; delay > 0;) delay = delay - 1;
    ours.store(i, std::memory_order_relaxed);
    ASSERT_TRUE(fence.Execute());
    const int seen = theirs.load(std::memory_order_relaxed);
    for (int spins = 0; done.load(std::memory_order_acquire) < i; ++spins) {
      if (spins > 1'000) std::this_thread::yield();
    }
    if (seen < i && seen_by_other < i) ++missed;
  }
  other.join();
  EXPECT_EQ(missed, 0);
}

}  // namespace
}  // namespace sluice
