#include "sluice/event/poller/wait_timeout.h"

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace sluice {
namespace {

TEST(WaitTimeoutTest, IsExactToTheNanosecond) {
  const WaitTimeout timeout(absl::Seconds(3) + absl::Nanoseconds(7));
  EXPECT_EQ(timeout.get()->tv_sec, 3);
  EXPECT_EQ(timeout.get()->tv_nsec, 7);
}

TEST(WaitTimeoutTest, RoundsUp) {
  EXPECT_EQ(WaitTimeout(absl::Nanoseconds(1) / 4).get()->tv_nsec, 1);
  const WaitTimeout carried(absl::Seconds(1) - absl::Nanoseconds(1) / 4);
  EXPECT_EQ(carried.get()->tv_sec, 1);
  EXPECT_EQ(carried.get()->tv_nsec, 0);
}

TEST(WaitTimeoutTest, ANegativeOneIsZero) {
  for (const absl::Duration timeout :
       {-absl::Nanoseconds(1), -absl::InfiniteDuration()}) {
    const WaitTimeout none(timeout);
    EXPECT_EQ(none.get()->tv_sec, 0);
    EXPECT_EQ(none.get()->tv_nsec, 0);
  }
}

TEST(WaitTimeoutTest, AnInfiniteOneIsNone) {
  EXPECT_EQ(WaitTimeout(absl::InfiniteDuration()).get(), nullptr);
}

}  // namespace
}  // namespace sluice
