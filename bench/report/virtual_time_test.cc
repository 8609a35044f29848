#include "sluice/bench/report/virtual_time.h"

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <vector>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/bench/report/isolated.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

double NowSeconds() { return 1e-9 * Clock::Real()->Now().nanos(); }

// Runs in a process of its own, because virtual time cannot become real again.
TEST(VirtualTimeTest, ClocksStandWhereTheyAreSet) {
  const auto seconds = MeasureIsolated(
      [] {
        SetVirtualTime(absl::Seconds(5));
        const double first = NowSeconds();
        SetVirtualTime(absl::Seconds(5) + absl::Milliseconds(1));
        return std::vector<double>{
            first, NowSeconds(),
            absl::ToDoubleSeconds(Clock::Real()->WallNow() -
                                  absl::UnixEpoch())};
      },
      absl::Seconds(30));
  SLUICE_ASSERT_OK(seconds);
  EXPECT_THAT(*seconds, ::testing::ElementsAre(86405, 86405.001, 86405.001));
}

TEST(VirtualTimeTest, NoCallWaits) {
  const auto results = MeasureIsolated(
      [] {
        const int epoll = epoll_create1(0);
        SetVirtualTime(absl::ZeroDuration());
        epoll_event event;
        return std::vector<double>{
            static_cast<double>(epoll_wait(epoll, &event, 1, -1)),
            static_cast<double>(timerfd_create(CLOCK_MONOTONIC, 0))};
      },
      absl::Seconds(30));
  SLUICE_ASSERT_OK(results);
  EXPECT_THAT(*results, ::testing::ElementsAre(0, -1));
}

TEST(VirtualTimeTest, CallsAreRealBeforeTheTimeIsSet) {
  const MonotonicTime begin = Clock::Real()->Now();
  EXPECT_GT(begin.nanos(), 0);
  const int epoll = epoll_create1(0);
  epoll_event event;
  EXPECT_EQ(epoll_wait(epoll, &event, 1, 1), 0);
  EXPECT_GE(Clock::Real()->Now() - begin, absl::Milliseconds(1));
  const int timer = timerfd_create(CLOCK_MONOTONIC, 0);
  EXPECT_GE(timer, 0);
  close(timer);
  close(epoll);
}

}  // namespace
}  // namespace sluice
