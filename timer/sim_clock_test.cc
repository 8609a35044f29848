#include "sluice/timer/sim_clock.h"

#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

TEST(SimClock, StartsAwayFromZero) {
  SimClock clock;
  EXPECT_GT(clock.Now(), MonotonicTime() + absl::Seconds(1));
  EXPECT_GT(clock.WallNow(), absl::UnixEpoch() + absl::Seconds(1));
}

TEST(SimClock, StandsStillUntilAdvanced) {
  SimClock clock;
  const MonotonicTime now = clock.Now();
  const absl::Time wall = clock.WallNow();
  EXPECT_EQ(clock.Now(), now);
  EXPECT_EQ(clock.WallNow(), wall);
  clock.Advance(absl::ZeroDuration());
  EXPECT_EQ(clock.Now(), now);
}

TEST(SimClock, AdvanceMovesBothTimes) {
  SimClock clock;
  const MonotonicTime now = clock.Now();
  const absl::Time wall = clock.WallNow();
  clock.Advance(absl::Milliseconds(3));
  EXPECT_EQ(clock.Now() - now, absl::Milliseconds(3));
  EXPECT_EQ(clock.WallNow() - wall, absl::Milliseconds(3));
}

TEST(SimClock, StepWallMovesOnlyTheWallClock) {
  SimClock clock;
  const MonotonicTime now = clock.Now();
  const absl::Time wall = clock.WallNow();
  clock.StepWall(absl::Hours(1));
  EXPECT_EQ(clock.WallNow() - wall, absl::Hours(1));
  clock.StepWall(absl::Hours(-3));
  EXPECT_EQ(clock.WallNow() - wall, absl::Hours(-2));
  EXPECT_EQ(clock.Now(), now);
}

TEST(SimClock, MayBeAdvancedAndReadByManyThreads) {
  SimClock clock;
  const MonotonicTime start = clock.Now();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&clock] {
      for (int i = 0; i < 1'000; ++i) {
        const MonotonicTime before = clock.Now();
        clock.Advance(absl::Nanoseconds(1));
        ASSERT_LT(before, clock.Now());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(clock.Now() - start, absl::Nanoseconds(4'000));
}

TEST(SimClockDeathTest, DoesNotGoBack) {
  SimClock clock;
  EXPECT_DEATH(clock.Advance(absl::Nanoseconds(-1)), "SLUICE_CHECK failed");
}

}  // namespace
}  // namespace sluice
