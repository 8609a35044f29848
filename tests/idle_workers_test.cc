// Tests the CPU time that idle workers cost.

#include <sys/resource.h>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "sluice/base/mutex.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/threadpool/worker_pool.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

// Returns the user and system CPU time of this process.
absl::Duration CpuTime() {
  rusage usage;
  EXPECT_EQ(getrusage(RUSAGE_SELF, &usage), 0);
  return absl::DurationFromTimeval(usage.ru_utime) +
         absl::DurationFromTimeval(usage.ru_stime);
}

TEST(IdleWorkersTest, SixteenCostLessThanOnePercentOfACpu) {
  constexpr absl::Duration kTime = absl::Seconds(1);
  const auto pool =
      WorkerPool::Create({.clock = Clock::Real(), .num_threads = 16});
  SLUICE_ASSERT_OK(pool);
  // The workers must become idle again after they have worked.
  SLUICE_ASSERT_OK((*pool)->Post([] {}));
  Mutex mutex;
  CondVar nothing;
  MutexLock lock(&mutex);
  while ((*pool)->stats().asleep < 16) {
    nothing.WaitWithTimeout(&mutex, absl::Milliseconds(1));
  }
  const absl::Duration before = CpuTime();
  nothing.WaitWithTimeout(&mutex, kTime);
  EXPECT_LT(CpuTime() - before, kTime / 100);
}

}  // namespace
}  // namespace sluice
