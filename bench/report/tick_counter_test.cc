#include "sluice/bench/report/tick_counter.h"

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

TEST(TickCounterTest, NeverGoesBack) {
  uint64_t last = TicksNow();
  for (int i = 0; i < 10'000; ++i) {
    const uint64_t now = TicksNow();
    ASSERT_GE(now, last);
    last = now;
  }
}

// The test holds even if the machine does not run this thread for a long time,
// because an inner interval is never longer than the outer one.
TEST(TickCounterTest, TicksTimesTheirLengthAgreeWithTheClock) {
  const double nanos_per_tick = NanosPerTick();
  const Clock& clock = *Clock::Real();
  const uint64_t outer_begin = TicksNow();
  const MonotonicTime begin = clock.Now();
  const uint64_t inner_begin = TicksNow();
  while (clock.Now() - begin < absl::Milliseconds(5)) {
  }
  const uint64_t inner_end = TicksNow();
  const MonotonicTime end = clock.Now();
  const uint64_t outer_end = TicksNow();
  const double nanos = absl::ToDoubleNanoseconds(end - begin);
  const double inner =
      static_cast<double>(inner_end - inner_begin) * nanos_per_tick;
  const double outer =
      static_cast<double>(outer_end - outer_begin) * nanos_per_tick;
  EXPECT_LE(inner, nanos * 1.01);
  EXPECT_GE(outer, nanos * 0.99);
}

TEST(TickCounterTest, TwoFindingsOfATicksLengthAgree) {
  const double once = NanosPerTick();
  EXPECT_NEAR(NanosPerTick() / once, 1, 0.01);
}

}  // namespace
}  // namespace sluice
