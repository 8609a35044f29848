#include "sluice/timer/clock.h"

#include <time.h>

#include <cstdint>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace sluice {
namespace {

constexpr MonotonicTime kEarliest = MonotonicTime::FromNanos(INT64_MIN);
constexpr MonotonicTime kLatest = MonotonicTime::FromNanos(INT64_MAX - 1);
constexpr MonotonicTime kNever = MonotonicTime::InfiniteFuture();
constexpr MonotonicTime kSome = MonotonicTime::FromNanos(5'000);

TEST(MonotonicTime, IsOrdered) {
  EXPECT_LT(kEarliest, MonotonicTime());
  EXPECT_LT(MonotonicTime(), kSome);
  EXPECT_LT(kLatest, kNever);
  EXPECT_EQ(MonotonicTime(), MonotonicTime::FromNanos(0));
}

TEST(MonotonicTime, AddsAndSubtractsExactly) {
  EXPECT_EQ((kSome + absl::Nanoseconds(7)).nanos(), 5'007);
  EXPECT_EQ((kSome + absl::Microseconds(-7)).nanos(), -2'000);
  EXPECT_EQ(kSome - MonotonicTime::FromNanos(6'000), absl::Microseconds(-1));
  EXPECT_EQ(kEarliest + (kLatest - kEarliest), kLatest);
  EXPECT_EQ(kLatest - kEarliest,
            absl::Nanoseconds(INT64_MAX) + absl::Nanoseconds(INT64_MAX));
}

TEST(MonotonicTime, AdditionSaturatesAtBothEnds) {
  EXPECT_EQ(kLatest + absl::Nanoseconds(1), kNever);
  EXPECT_EQ(kLatest + absl::Hours(1), kNever);
  EXPECT_EQ(kSome + absl::InfiniteDuration(), kNever);
  EXPECT_EQ(kEarliest + absl::InfiniteDuration(), kNever);
  EXPECT_EQ(kEarliest + absl::Nanoseconds(-1), kEarliest);
  EXPECT_EQ(kEarliest + absl::Hours(-1), kEarliest);
  EXPECT_EQ(kSome + -absl::InfiniteDuration(), kEarliest);
}

TEST(MonotonicTime, InfiniteFuturePlusAnyDurationIsInfiniteFuture) {
  for (absl::Duration d :
       {absl::ZeroDuration(), absl::Hours(1), absl::Hours(-1),
        absl::InfiniteDuration(), -absl::InfiniteDuration()}) {
    EXPECT_EQ(kNever + d, kNever) << d;
  }
}

TEST(MonotonicTime, FractionOfANanosecondRoundsUp) {
  const absl::Duration quarter = absl::Nanoseconds(1) / 4;
  EXPECT_EQ((kSome + quarter).nanos(), 5'001);
  EXPECT_EQ((kSome + (absl::Seconds(1) + quarter)).nanos(), 1'000'005'001);
  EXPECT_EQ(kSome + -quarter, kSome);
}

TEST(MonotonicTime, InfiniteFutureIsInfinitelyFar) {
  EXPECT_EQ(kNever - kSome, absl::InfiniteDuration());
  EXPECT_EQ(kNever - kNever, absl::InfiniteDuration());
  EXPECT_EQ(kSome - kNever, -absl::InfiniteDuration());
}

TEST(RealClock, IsClockMonotonic) {
  const auto kernel_now = [] {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return MonotonicTime() + absl::DurationFromTimespec(now);
  };
  const MonotonicTime before = kernel_now();
  const MonotonicTime now = Clock::Real()->Now();
  EXPECT_LE(before, now);
  EXPECT_LE(now, kernel_now());
}

TEST(RealClock, NeverGoesBack) {
  MonotonicTime last = Clock::Real()->Now();
  for (int i = 0; i < 10'000; ++i) {
    const MonotonicTime now = Clock::Real()->Now();
    ASSERT_LE(last, now);
    last = now;
  }
}

TEST(RealClock, WallNowIsTheWallTime) {
  EXPECT_LT(absl::AbsDuration(Clock::Real()->WallNow() - absl::Now()),
            absl::Hours(1));  // allows a step of the wall clock
}

TEST(RealClock, IsOneObject) { EXPECT_EQ(Clock::Real(), Clock::Real()); }

}  // namespace
}  // namespace sluice
