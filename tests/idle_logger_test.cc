// What a logger's thread costs while nobody logs.

#include <sys/resource.h>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "sluice/base/mutex.h"
#include "sluice/base/status_matchers.h"
#include "sluice/log/async_logger.h"
#include "sluice/log/log.h"
#include "sluice/log/logger_thread.h"
#include "sluice/log/memory_log.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

// How often threads of this process have gone to sleep.
long Sleeps() {
  rusage usage;
  EXPECT_EQ(getrusage(RUSAGE_SELF, &usage), 0);
  return usage.ru_nvcsw;
}

TEST(IdleLoggerTest, WakesAtMostTenTimesASecond) {
  MemoryLog log;
  AsyncLogger logger(log.NewWriter(), {.clock = Clock::Real()});
  const auto thread = LoggerThread::Start(&logger);
  SLUICE_ASSERT_OK(thread.status());
  // Once it has worked, too.
  SLUICE_LOG(&logger, kInfo, "one");
  SLUICE_EXPECT_OK(logger.FlushAndWait(absl::InfiniteDuration()));
  Mutex mutex;
  CondVar nothing;
  MutexLock lock(&mutex);
  // Its naps become longer.
  nothing.WaitWithTimeout(&mutex, absl::Milliseconds(500));
  const long before = Sleeps();
  nothing.WaitWithTimeout(&mutex, absl::Seconds(1));
  // This thread has slept once.
  EXPECT_LE(Sleeps() - before - 1, 10);
}

}  // namespace
}  // namespace sluice
