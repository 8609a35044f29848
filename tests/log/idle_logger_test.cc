// Tests the cost of a logger's thread while no thread logs.

#include <sys/resource.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "sluice/base/mutex.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/log/async_logger.h"
#include "sluice/log/log.h"
#include "sluice/log/logger_thread.h"
#include "sluice/log/memory_log.h"
#include "sluice/tests/support/test_environment.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

// Returns how often threads of this process have gone to sleep.
long Sleeps() {
  rusage usage;
  EXPECT_EQ(getrusage(RUSAGE_SELF, &usage), 0);
  return usage.ru_nvcsw;
}

TEST(IdleLoggerTest, WakesAtMostTenTimesASecondWhileIdle) {
  if (kSanitized) GTEST_SKIP() << "sanitizers have threads of their own";
  MemoryLog log;
  AsyncLogger logger(log.NewWriter(), {.clock = Clock::Real()});
  const auto thread = LoggerThread::Start(&logger);
  SLUICE_ASSERT_OK(thread.status());
  // The thread must become idle again after it has worked.
  SLUICE_LOG(&logger, kInfo, "one");
  SLUICE_EXPECT_OK(logger.FlushAndWait(absl::InfiniteDuration()));
  Mutex mutex;
  CondVar nothing;
  MutexLock lock(&mutex);
  // The thread sleeps longer and longer.
  nothing.WaitWithTimeout(&mutex, absl::Milliseconds(500));
  const long before = Sleeps();
  nothing.WaitWithTimeout(&mutex, absl::Seconds(1));
  // One of the sleeps is by this thread.
  EXPECT_LE(Sleeps() - before - 1, 10);
}

// The idle thread would otherwise look for lines only after 125 ms.
TEST(IdleLoggerTest, AHalfFullRingWakesTheThread) {
  MemoryLog log;
  constexpr size_t kRing = 16 * 1024;
  AsyncLogger logger(log.NewWriter(),
                     {.clock = Clock::Real(), .ring_bytes = kRing});
  const auto thread = LoggerThread::Start(&logger);
  SLUICE_ASSERT_OK(thread.status());
  const std::string line(100, 'x');
  Mutex mutex;
  CondVar nothing;
  int in_time = 0;
  for (int attempt = 0; attempt < 5; ++attempt) {
    {
      MutexLock lock(&mutex);
      nothing.WaitWithTimeout(&mutex, absl::Milliseconds(400));
    }
    const uint64_t before = logger.stats().lines;
    // More than half of the ring, and less than all of it.
    for (size_t bytes = 0; bytes < kRing * 2 / 3; bytes += 128) {
      SLUICE_LOG(&logger, kInfo, "{}", line);
    }
    const MonotonicTime start = Clock::Real()->Now();
    while (logger.stats().lines == before) std::this_thread::yield();
    if (Clock::Real()->Now() - start < absl::Milliseconds(20)) ++in_time;
  }
  EXPECT_EQ(logger.stats().dropped, 0u);
  // Without the wake-up, one attempt in six would succeed by chance. On a busy
  // machine, not all attempts succeed.
  EXPECT_GE(in_time, 3);
}

}  // namespace
}  // namespace sluice
