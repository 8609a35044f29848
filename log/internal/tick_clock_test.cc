#include "sluice/log/internal/tick_clock.h"

#include <algorithm>
#include <cstdint>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "sluice/timer/clock.h"
#include "sluice/timer/sim_clock.h"

namespace sluice {
namespace {

TEST(TickClockTest, ATickOfASimulatedClockIsANanosecond) {
  SimClock clock;
  TickClock ticks(&clock);
  const uint64_t begin = ticks.Now();
  EXPECT_EQ(begin, static_cast<uint64_t>(clock.Now().nanos()));
  clock.Advance(absl::Nanoseconds(123'456'789));
  EXPECT_EQ(ticks.Now() - begin, 123'456'789u);
  ticks.Sample();
  const int64_t wall = absl::ToUnixNanos(clock.WallNow());
  EXPECT_EQ(ticks.WallNanos(ticks.Now()), wall);
  EXPECT_EQ(ticks.WallNanos(begin), wall - 123'456'789);
  EXPECT_EQ(ticks.WallNanos(ticks.Now() + 5), wall + 5);
}

TEST(TickClockTest, UsesTheWallClockOfTheLastSample) {
  SimClock clock;
  TickClock ticks(&clock);
  const uint64_t before = ticks.Now();
  const int64_t wall = ticks.WallNanos(before);
  clock.StepWall(absl::Hours(-1));
  EXPECT_EQ(ticks.WallNanos(before), wall);
  ticks.Sample();
  EXPECT_EQ(ticks.WallNanos(before), wall - int64_t{3600} * 1'000'000'000);
}

// Real time passes here while the processor works; the test does not sleep.
TEST(TickClockTest, AgreesWithTheWallClock) {
  const Clock& clock = *Clock::Real();
  TickClock ticks(&clock);
  int64_t best = INT64_MAX;
  for (int i = 0; i < 200; ++i) {
    const absl::Time before = clock.WallNow();
    const uint64_t now = ticks.Now();
    const absl::Time after = clock.WallNow();
    for (int spin = 0; spin < 500; ++spin) (void)clock.Now();
    ticks.Sample();
    const int64_t early = absl::ToUnixNanos(before) - ticks.WallNanos(now);
    const int64_t late = ticks.WallNanos(now) - absl::ToUnixNanos(after);
    // A few samples may have been interrupted.
    best = std::min(best, std::max(early, late));
  }
  EXPECT_LT(best, 2'000);
}

TEST(TickClockTest, NeverGoesBack) {
  TickClock ticks(Clock::Real());
  uint64_t last = 0;
  for (int i = 0; i < 100'000; ++i) {
    const uint64_t now = ticks.Now();
    ASSERT_GE(now, last);
    last = now;
  }
}

}  // namespace
}  // namespace sluice
