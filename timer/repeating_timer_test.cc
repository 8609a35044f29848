#include "sluice/timer/repeating_timer.h"

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/timer/clock.h"
#include "sluice/timer/timer_wheel.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr absl::Duration kPeriod = absl::Milliseconds(10);

class RepeatingTimerTest : public ::testing::Test {
 protected:
  static MonotonicTime At(absl::Duration since_start) {
    return MonotonicTime::FromNanos(-987'654'321) + since_start;
  }
  // Returns the arguments of the calls within AdvanceTo(At(...)).
  std::vector<uint64_t> Advance(absl::Duration since_start) {
    skipped_.clear();
    wheel_.AdvanceTo(At(since_start));
    return skipped_;
  }

  TimerWheel wheel_{At(absl::ZeroDuration())};
  std::vector<uint64_t> skipped_;
  RepeatingTimer timer_{
      &wheel_, [this](uint64_t skipped) { skipped_.push_back(skipped); }};
};

TEST_F(RepeatingTimerTest, DoesNotRunUntilStarted) {
  EXPECT_FALSE(timer_.running());
  EXPECT_THAT(Advance(absl::Hours(1)), IsEmpty());
}

TEST_F(RepeatingTimerTest, FiresOncePerPeriod) {
  timer_.Start(kPeriod);
  EXPECT_TRUE(timer_.running());
  for (int i = 1; i <= 100; ++i) {
    EXPECT_EQ(timer_.next(), At(i * kPeriod));
    EXPECT_THAT(Advance(i * kPeriod - absl::Nanoseconds(1)), IsEmpty());
    EXPECT_THAT(Advance(i * kPeriod), ElementsAre(0));
  }
}

TEST_F(RepeatingTimerTest, TheFirstTimeNeedNotBeAPeriodAway) {
  timer_.Start(At(absl::Milliseconds(3)), kPeriod);
  EXPECT_THAT(Advance(absl::Milliseconds(3)), ElementsAre(0));
  EXPECT_THAT(Advance(absl::Milliseconds(13)), ElementsAre(0));
}

TEST_F(RepeatingTimerTest, LatenessDoesNotAddUp) {
  timer_.Start(kPeriod);
  for (int i = 1; i <= 100; ++i) {
    EXPECT_THAT(Advance(i * kPeriod + absl::Milliseconds(9)), ElementsAre(0));
  }
  EXPECT_EQ(timer_.next(), At(101 * kPeriod));
}

TEST_F(RepeatingTimerTest, ALateTimerCallsOnceForAllTimesThatHavePassed) {
  timer_.Start(kPeriod);
  EXPECT_THAT(Advance(5 * kPeriod + absl::Milliseconds(1)), ElementsAre(4));
  EXPECT_THAT(Advance(6 * kPeriod - absl::Milliseconds(1)), IsEmpty());
  EXPECT_THAT(Advance(6 * kPeriod), ElementsAre(0));
}

TEST_F(RepeatingTimerTest, FirstTimeInThePastIsDueAtOnceAndSetsTheGrid) {
  Advance(absl::Milliseconds(100));
  timer_.Start(At(absl::Milliseconds(75)), kPeriod);
  EXPECT_THAT(Advance(absl::Milliseconds(100)), ElementsAre(2));
  EXPECT_EQ(timer_.next(), At(absl::Milliseconds(105)));
}

TEST_F(RepeatingTimerTest, APeriodUnderATickHasOneCallPerTick) {
  timer_.Start(absl::Microseconds(300));
  EXPECT_THAT(Advance(absl::Milliseconds(1)), ElementsAre(2));
  EXPECT_THAT(Advance(absl::Milliseconds(2)), ElementsAre(2));
  EXPECT_THAT(Advance(absl::Milliseconds(3)), ElementsAre(3));
}

TEST_F(RepeatingTimerTest, StopsAndStartsAgain) {
  timer_.Start(kPeriod);
  EXPECT_THAT(Advance(kPeriod), ElementsAre(0));
  timer_.Stop();
  EXPECT_FALSE(timer_.running());
  EXPECT_THAT(Advance(5 * kPeriod), IsEmpty());
  timer_.Start(2 * kPeriod);
  EXPECT_THAT(Advance(6 * kPeriod), IsEmpty());
  EXPECT_THAT(Advance(7 * kPeriod), ElementsAre(0));
}

TEST_F(RepeatingTimerTest, DoesNotFireAfterTheEndOfTime) {
  const MonotonicTime last = MonotonicTime::FromNanos(INT64_MAX - 1);
  timer_.Start(last + absl::Milliseconds(-15), kPeriod);
  wheel_.AdvanceTo(last + absl::Milliseconds(-14));
  EXPECT_EQ(timer_.next(), last + absl::Milliseconds(-5));
  wheel_.AdvanceTo(last + absl::Milliseconds(-4));
  EXPECT_EQ(timer_.next(), MonotonicTime::InfiniteFuture());
  wheel_.AdvanceTo(last);
  EXPECT_THAT(skipped_, ElementsAre(0, 0));
}

TEST_F(RepeatingTimerTest, AnInfinitePeriodFiresAtItsFirstTimeOnly) {
  timer_.Start(At(kPeriod), absl::InfiniteDuration());
  EXPECT_THAT(Advance(kPeriod), ElementsAre(0));
  EXPECT_THAT(Advance(absl::Hours(24 * 365 * 200)), IsEmpty());
}

TEST_F(RepeatingTimerTest, APeriodWithAFractionOfANanosecondIsRoundedUp) {
  timer_.Start(At(absl::ZeroDuration()), absl::Nanoseconds(1.5));
  EXPECT_THAT(Advance(absl::ZeroDuration()), ElementsAre(0));
  EXPECT_EQ(timer_.next(), At(absl::Nanoseconds(2)));
}

TEST_F(RepeatingTimerTest, AnInfinitePeriodWithoutAFirstTimeNeverFires) {
  timer_.Start(absl::InfiniteDuration());
  EXPECT_TRUE(timer_.running());
  EXPECT_THAT(Advance(absl::Hours(24 * 365 * 100)), IsEmpty());
}

TEST_F(RepeatingTimerTest, CallbackMayStopItsTimer) {
  RepeatingTimer* self = nullptr;
  RepeatingTimer timer(&wheel_, [&](uint64_t) { self->Stop(); });
  self = &timer;
  timer.Start(kPeriod);
  Advance(kPeriod);
  EXPECT_FALSE(timer.running());
}

TEST_F(RepeatingTimerTest, CallbackMayRestartItsTimer) {
  RepeatingTimer* self = nullptr;
  RepeatingTimer timer(&wheel_, [&](uint64_t) { self->Start(3 * kPeriod); });
  self = &timer;
  timer.Start(kPeriod);
  Advance(kPeriod);
  EXPECT_EQ(timer.next(), At(4 * kPeriod));
}

TEST_F(RepeatingTimerTest, CallbackMayDestroyItsTimerAndOutlivesTheCall) {
  auto token = std::make_shared<int>(7);
  std::unique_ptr<RepeatingTimer> timer;
  int seen = 0;
  timer = std::make_unique<RepeatingTimer>(&wheel_, [&, token](uint64_t) {
    timer.reset();
    seen = *token;
  });
  timer->Start(kPeriod);
  Advance(kPeriod);
  EXPECT_EQ(seen, 7);
  EXPECT_EQ(token.use_count(), 1);
  EXPECT_EQ(wheel_.size(), 0u);
}

using RepeatingTimerDeathTest = RepeatingTimerTest;

TEST_F(RepeatingTimerDeathTest, PeriodMustBePositive) {
  for (const absl::Duration bad :
       {absl::ZeroDuration(), -absl::InfiniteDuration(),
        absl::Nanoseconds(0.5)}) {
    EXPECT_DEATH(timer_.Start(bad), "SLUICE_CHECK failed");
  }
}

}  // namespace
}  // namespace sluice
