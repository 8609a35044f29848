#include "sluice/timer/timer_wheel.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <limits>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr absl::Duration kTick = absl::Milliseconds(1);
constexpr MonotonicTime kNever = MonotonicTime::InfiniteFuture();
constexpr size_t kNoLimit = std::numeric_limits<size_t>::max();

// Has a wheel that starts at an odd time, and timers that log their names.
class TimerWheelTest : public ::testing::Test {
 protected:
  class LogTimer final : public Timer {
   public:
    LogTimer(TimerWheelTest* test, std::string name)
        : test_(test), name_(std::move(name)) {}
    // Called after the name is logged.
    absl::AnyInvocable<void()> then;

   private:
    void Fire() override {
      EXPECT_FALSE(armed());
      test_->fired_.push_back(name_);
      if (then) then();
    }

    TimerWheelTest* const test_;
    const std::string name_;
  };

  static MonotonicTime At(absl::Duration since_start) {
    return MonotonicTime::FromNanos(123'456'789) + since_start;
  }
  static MonotonicTime AtTick(int64_t tick) { return At(tick * kTick); }

  // Returns the names of the timers that fire in AdvanceTo(now).
  std::vector<std::string> Advance(MonotonicTime now,
                                   size_t max_fires = kNoLimit) {
    fired_.clear();
    const size_t count = wheel_.AdvanceTo(now, max_fires);
    EXPECT_EQ(count, fired_.size());
    return std::move(fired_);
  }

  std::vector<std::string> fired_;
  TimerWheel wheel_{At(absl::ZeroDuration())};
  LogTimer a_{this, "a"}, b_{this, "b"}, c_{this, "c"}, d_{this, "d"};
};

TEST_F(TimerWheelTest, StartsEmptyAtTheGivenTime) {
  EXPECT_EQ(wheel_.now(), AtTick(0));
  EXPECT_EQ(wheel_.tick(), kTick);
  EXPECT_EQ(wheel_.size(), 0u);
  EXPECT_EQ(wheel_.NextDeadline(), kNever);
  EXPECT_FALSE(a_.armed());
  EXPECT_THAT(Advance(AtTick(1)), IsEmpty());
  EXPECT_EQ(wheel_.now(), AtTick(1));
}

TEST_F(TimerWheelTest, FiresOncePerArming) {
  wheel_.Arm(&a_, AtTick(5));
  EXPECT_TRUE(a_.armed());
  EXPECT_EQ(wheel_.size(), 1u);
  EXPECT_THAT(Advance(AtTick(5)), ElementsAre("a"));
  EXPECT_FALSE(a_.armed());
  EXPECT_EQ(wheel_.size(), 0u);
  EXPECT_THAT(Advance(AtTick(100)), IsEmpty());
  wheel_.Arm(&a_, AtTick(105));
  EXPECT_THAT(Advance(AtTick(200)), ElementsAre("a"));
}

TEST_F(TimerWheelTest, NeverFiresEarly) {
  for (absl::Duration wait :
       {absl::Nanoseconds(1), kTick, kTick + absl::Nanoseconds(1), 63 * kTick,
        64 * kTick, 64 * kTick + absl::Nanoseconds(1), 4096 * kTick,
        absl::Hours(30), absl::Hours(24 * 365 * 3)}) {
    SCOPED_TRACE(wait);
    const MonotonicTime deadline = wheel_.now() + wait;
    wheel_.Arm(&a_, deadline);
    EXPECT_THAT(Advance(deadline + absl::Nanoseconds(-1)), IsEmpty());
    EXPECT_THAT(Advance(deadline + kTick), ElementsAre("a"));
  }
}

TEST_F(TimerWheelTest, FiresLessThanATickLate) {
  wheel_.Arm(&a_, At(kTick + absl::Nanoseconds(1)));
  wheel_.Arm(&b_, At(2 * kTick));
  EXPECT_THAT(Advance(At(2 * kTick + absl::Nanoseconds(-1))), IsEmpty());
  EXPECT_THAT(Advance(AtTick(2)), ElementsAre("a", "b"));
}

TEST_F(TimerWheelTest, FiresInTheOrderOfTicks) {
  wheel_.Arm(&a_, AtTick(70'000));
  wheel_.Arm(&b_, AtTick(3));
  wheel_.Arm(&c_, AtTick(100));
  wheel_.Arm(&d_, AtTick(5'000));
  EXPECT_THAT(Advance(AtTick(70'000)), ElementsAre("b", "c", "d", "a"));
}

TEST_F(TimerWheelTest, FiresInTheOrderOfArmingInOneTick) {
  wheel_.Arm(&a_, At(3 * kTick));
  wheel_.Arm(&b_, At(2.5 * kTick));
  wheel_.Arm(&c_, At(2.1 * kTick));
  wheel_.Arm(&d_, At(2.9 * kTick));
  wheel_.Arm(&b_, At(2.5 * kTick));  // again: b is the last one
  EXPECT_THAT(Advance(AtTick(3)), ElementsAre("a", "c", "d", "b"));
}

TEST_F(TimerWheelTest, KeepsTheOrderOfArmingAcrossLevels) {
  // The first tick of a level-3 slot, a tick in its middle, and a tick of a
  // later span.
  for (int64_t tick : {int64_t{1} << 18, (int64_t{1} << 18) + 4'242,
                       (int64_t{5} << 36) + 12'345'678}) {
    SCOPED_TRACE(tick);
    TimerWheel wheel(AtTick(0));
    wheel.Arm(&a_, AtTick(tick));
    wheel.AdvanceTo(AtTick(tick - 4'200));
    wheel.Arm(&b_, AtTick(tick));
    wheel.AdvanceTo(AtTick(tick - 70));
    wheel.Arm(&c_, AtTick(tick));
    wheel.AdvanceTo(AtTick(tick - 1));
    wheel.Arm(&d_, AtTick(tick));
    EXPECT_THAT(fired_, IsEmpty());
    wheel.AdvanceTo(AtTick(tick));
    EXPECT_THAT(std::exchange(fired_, {}), ElementsAre("a", "b", "c", "d"));
  }
}

TEST_F(TimerWheelTest, APastDeadlineIsDueAtOnceButNotInsideArm) {
  Advance(AtTick(50));
  wheel_.Arm(&a_, At(49.5 * kTick));
  wheel_.Arm(&b_, AtTick(50));
  wheel_.Arm(&c_, MonotonicTime::FromNanos(INT64_MIN));
  EXPECT_THAT(fired_, IsEmpty());
  EXPECT_EQ(wheel_.NextDeadline(), AtTick(50));
  EXPECT_THAT(Advance(AtTick(50)), ElementsAre("a", "b", "c"));
}

TEST_F(TimerWheelTest, APastDeadlineFiresAfterTimersThatWereDue) {
  wheel_.Arm(&a_, AtTick(1));
  wheel_.Arm(&b_, AtTick(2));
  EXPECT_THAT(Advance(AtTick(3), 1), ElementsAre("a"));
  wheel_.Arm(&c_, AtTick(0));
  wheel_.Arm(&d_, AtTick(4));
  EXPECT_THAT(Advance(AtTick(4)), ElementsAre("b", "c", "d"));
}

TEST_F(TimerWheelTest, APastDeadlineInTheCurrentTickIsDueAtOnce) {
  Advance(At(10.5 * kTick));
  wheel_.Arm(&a_, At(10.4 * kTick));
  wheel_.Arm(&b_, At(10.6 * kTick));
  EXPECT_THAT(Advance(At(10.5 * kTick)), ElementsAre("a"));
  EXPECT_THAT(Advance(At(10.9 * kTick)), IsEmpty());
  EXPECT_THAT(Advance(AtTick(11)), ElementsAre("b"));
}

TEST_F(TimerWheelTest, ArmingAgainMovesTheTimer) {
  wheel_.Arm(&a_, AtTick(5));
  wheel_.Arm(&a_, AtTick(9));
  EXPECT_EQ(wheel_.size(), 1u);
  EXPECT_EQ(a_.deadline(), AtTick(9));
  EXPECT_THAT(Advance(AtTick(8)), IsEmpty());
  wheel_.Arm(&a_, AtTick(20));
  wheel_.Arm(&a_, AtTick(10));
  EXPECT_THAT(Advance(AtTick(10)), ElementsAre("a"));
}

TEST_F(TimerWheelTest, ArmingOnAnotherWheelCancelsOnTheFirst) {
  TimerWheel other(AtTick(0));
  wheel_.Arm(&a_, AtTick(5));
  other.Arm(&a_, AtTick(6));
  EXPECT_EQ(wheel_.size(), 0u);
  EXPECT_EQ(other.size(), 1u);
  EXPECT_THAT(Advance(AtTick(10)), IsEmpty());
  EXPECT_EQ(other.AdvanceTo(AtTick(10)), 1u);
}

TEST_F(TimerWheelTest, KeepsTheDeadlineAsArmed) {
  wheel_.Arm(&a_, At(absl::Nanoseconds(1)));
  EXPECT_EQ(a_.deadline(), At(absl::Nanoseconds(1)));
}

TEST_F(TimerWheelTest, ACancelledTimerDoesNotFire) {
  for (int64_t tick : {0, 5, 500, 50'000}) {
    wheel_.Arm(&a_, AtTick(tick));
    a_.Cancel();
    EXPECT_FALSE(a_.armed());
    EXPECT_EQ(wheel_.size(), 0u);
    a_.Cancel();  // does nothing
  }
  EXPECT_EQ(wheel_.size(), 0u);
  EXPECT_THAT(Advance(AtTick(100'000)), IsEmpty());
}

TEST_F(TimerWheelTest, ADestroyedTimerDoesNotFire) {
  auto timer = std::make_unique<LogTimer>(this, "gone");
  wheel_.Arm(timer.get(), AtTick(5));
  timer.reset();
  EXPECT_EQ(wheel_.size(), 0u);
  EXPECT_THAT(Advance(AtTick(10)), IsEmpty());
}

TEST_F(TimerWheelTest, TheDestructorDisarmsTimersAndFiresNone) {
  {
    TimerWheel wheel(AtTick(0));
    wheel.Arm(&a_, AtTick(0));
    wheel.Arm(&b_, AtTick(1));
    wheel.AdvanceTo(AtTick(1), 0);  // both due
    wheel.Arm(&c_, AtTick(1'000));
    wheel.Arm(&d_, kNever);
    EXPECT_EQ(wheel.size(), 4u);
  }
  for (Timer* timer : {&a_, &b_, &c_, &d_}) EXPECT_FALSE(timer->armed());
  EXPECT_THAT(fired_, IsEmpty());
}

TEST_F(TimerWheelTest, ATimerForInfiniteFutureNeverFires) {
  wheel_.Arm(&a_, kNever);
  EXPECT_TRUE(a_.armed());
  EXPECT_EQ(wheel_.size(), 1u);
  EXPECT_EQ(wheel_.NextDeadline(), kNever);
  EXPECT_THAT(Advance(MonotonicTime::FromNanos(INT64_MAX - 1)), IsEmpty());
  EXPECT_THAT(Advance(kNever), IsEmpty());
  wheel_.Arm(&b_, kNever);
  EXPECT_THAT(Advance(kNever), IsEmpty());
  EXPECT_EQ(wheel_.size(), 2u);
}

TEST_F(TimerWheelTest, WorksFromTheFirstNanosecondToTheLast) {
  const MonotonicTime first = MonotonicTime::FromNanos(INT64_MIN);
  const MonotonicTime last = MonotonicTime::FromNanos(INT64_MAX - 1);
  TimerWheel wheel(first, {.tick = absl::Nanoseconds(1)});
  wheel.Arm(&a_, last);
  wheel.Arm(&b_, kNever);
  wheel.Arm(&c_, first + absl::Nanoseconds(1));
  wheel.AdvanceTo(MonotonicTime::FromNanos(INT64_MAX - 2));
  EXPECT_THAT(std::exchange(fired_, {}), ElementsAre("c"));
  EXPECT_EQ(wheel.NextDeadline(), last);
  wheel.AdvanceTo(last);
  EXPECT_THAT(std::exchange(fired_, {}), ElementsAre("a"));
  wheel.AdvanceTo(kNever);
  EXPECT_THAT(fired_, IsEmpty());
  EXPECT_TRUE(b_.armed());
}

TEST_F(TimerWheelTest, ATimerInAnIncompleteLastTickNeverFires) {
  const absl::Duration tick = absl::Hours(24 * 365 * 200);
  // The end of the last tick, in nanoseconds, exceeds int64_t, or uint64_t.
  for (MonotonicTime start : {AtTick(0), MonotonicTime::FromNanos(INT64_MIN)}) {
    TimerWheel wheel(start, {.tick = tick});
    wheel.Arm(&a_, start + kTick);
    wheel.Arm(&b_, MonotonicTime::FromNanos(INT64_MAX - 1));
    EXPECT_EQ(wheel.NextDeadline(), start + tick);
    wheel.AdvanceTo(kNever);
    EXPECT_THAT(std::exchange(fired_, {}), ElementsAre("a"));
    EXPECT_EQ(wheel.NextDeadline(), kNever);
  }
}

TEST_F(TimerWheelTest, SkipsStretchesWithoutTimers) {
  // 290 years of ticks of 1 ns, with three timers.
  TimerWheel wheel(MonotonicTime(), {.tick = absl::Nanoseconds(1)});
  wheel.Arm(&a_, MonotonicTime() + absl::Hours(24 * 365 * 200));
  wheel.Arm(&b_, MonotonicTime() + absl::Seconds(1));
  wheel.Arm(&c_, MonotonicTime() + absl::Hours(24 * 365 * 280));
  wheel.AdvanceTo(MonotonicTime() + absl::Hours(24 * 365 * 290));
  EXPECT_THAT(fired_, ElementsAre("b", "a", "c"));
}

TEST_F(TimerWheelTest, FiresAtMostMaxFiresAndTheRestInTheNextCall) {
  wheel_.Arm(&a_, AtTick(1));
  wheel_.Arm(&b_, AtTick(2));
  wheel_.Arm(&c_, AtTick(2));
  wheel_.Arm(&d_, AtTick(100));
  EXPECT_THAT(Advance(AtTick(200), 0), IsEmpty());
  EXPECT_EQ(wheel_.now(), AtTick(200));
  EXPECT_LE(wheel_.NextDeadline(), AtTick(200));
  EXPECT_THAT(Advance(AtTick(200), 2), ElementsAre("a", "b"));
  EXPECT_LE(wheel_.NextDeadline(), AtTick(200));
  EXPECT_THAT(Advance(AtTick(300)), ElementsAre("c", "d"));
  EXPECT_EQ(wheel_.NextDeadline(), kNever);
}

TEST_F(TimerWheelTest, ATimerThatIsDueMayBeCancelledOrArmedAgain) {
  wheel_.Arm(&a_, AtTick(1));
  wheel_.Arm(&b_, AtTick(1));
  wheel_.Arm(&c_, AtTick(1));
  Advance(AtTick(2), 0);
  a_.Cancel();
  wheel_.Arm(&b_, AtTick(5));
  EXPECT_THAT(Advance(AtTick(2)), ElementsAre("c"));
  EXPECT_THAT(Advance(AtTick(5)), ElementsAre("b"));
}

TEST_F(TimerWheelTest, ATimerThatACallbackArmsForThePastFiresInTheNextCall) {
  a_.then = [this] { wheel_.Arm(&a_, AtTick(0)); };
  b_.then = [this] { wheel_.Arm(&b_, wheel_.now()); };
  wheel_.Arm(&a_, AtTick(1));
  wheel_.Arm(&b_, AtTick(2));
  EXPECT_THAT(Advance(AtTick(10)), ElementsAre("a", "b"));
  EXPECT_EQ(wheel_.NextDeadline(), AtTick(10));
  EXPECT_THAT(Advance(AtTick(10)), ElementsAre("a", "b"));
}

TEST_F(TimerWheelTest, SetNowFiresNothingAndChangesNoDeadline) {
  wheel_.Arm(&a_, AtTick(5));
  wheel_.SetNow(AtTick(300));
  EXPECT_EQ(wheel_.now(), AtTick(300));
  EXPECT_EQ(wheel_.NextDeadline(), AtTick(5));
  // These deadlines are before now(), but after the last AdvanceTo().
  wheel_.Arm(&b_, AtTick(7));
  wheel_.Arm(&c_, AtTick(200));
  a_.then = [&] { EXPECT_EQ(wheel_.now(), AtTick(300)); };
  EXPECT_THAT(Advance(AtTick(6)), ElementsAre("a"));
  EXPECT_EQ(wheel_.now(), AtTick(300));
  EXPECT_THAT(Advance(AtTick(199)), ElementsAre("b"));
  EXPECT_THAT(Advance(AtTick(400)), ElementsAre("c"));
  EXPECT_EQ(wheel_.now(), AtTick(400));
}

TEST_F(TimerWheelTest, ACallbackSeesTheTimeOfTheCallAndTheTimersThatAreDue) {
  a_.then = [this] {
    EXPECT_EQ(wheel_.now(), AtTick(10));
    EXPECT_EQ(wheel_.size(), 1u);
    EXPECT_EQ(wheel_.NextDeadline(), AtTick(10));
  };
  wheel_.Arm(&a_, AtTick(1));
  wheel_.Arm(&b_, AtTick(1));
  EXPECT_THAT(Advance(AtTick(10)), ElementsAre("a", "b"));
}

TEST_F(TimerWheelTest, CallbackMayArmForLater) {
  a_.then = [this] { wheel_.Arm(&b_, AtTick(11)); };
  wheel_.Arm(&a_, AtTick(1));
  EXPECT_THAT(Advance(AtTick(10)), ElementsAre("a"));
  EXPECT_THAT(Advance(AtTick(11)), ElementsAre("b"));
}

TEST_F(TimerWheelTest, CallbackMayCancelATimerOfTheSameTick) {
  a_.then = [this] { b_.Cancel(); };
  c_.then = [this] { a_.Cancel(); };
  for (LogTimer* timer : {&a_, &b_, &c_}) wheel_.Arm(timer, AtTick(1));
  EXPECT_THAT(Advance(AtTick(1)), ElementsAre("a", "c"));
}

TEST_F(TimerWheelTest, CallbackMayPostponeATimerOfTheSameTick) {
  a_.then = [this] { wheel_.Arm(&b_, AtTick(0)); };
  for (LogTimer* timer : {&a_, &b_, &c_}) wheel_.Arm(timer, AtTick(1));
  EXPECT_THAT(Advance(AtTick(1)), ElementsAre("a", "c"));
  EXPECT_THAT(Advance(AtTick(1)), ElementsAre("b"));
}

TEST_F(TimerWheelTest, CallbackMayDestroyOtherTimers) {
  auto next = std::make_unique<LogTimer>(this, "next");
  auto later = std::make_unique<LogTimer>(this, "later");
  a_.then = [&] {
    next.reset();
    later.reset();
  };
  wheel_.Arm(&a_, AtTick(1));
  wheel_.Arm(next.get(), AtTick(1));
  wheel_.Arm(&b_, AtTick(1));
  wheel_.Arm(later.get(), AtTick(2));
  EXPECT_THAT(Advance(AtTick(5)), ElementsAre("a", "b"));
}

TEST_F(TimerWheelTest, CallbackMayDestroyItsOwnTimer) {
  struct DestroysItself final : Timer {
    void Fire() override { owner->reset(); }
    std::unique_ptr<DestroysItself>* owner;
  };
  auto timer = std::make_unique<DestroysItself>();
  timer->owner = &timer;
  wheel_.Arm(timer.get(), AtTick(1));
  wheel_.Arm(&a_, AtTick(1));
  EXPECT_EQ(wheel_.AdvanceTo(AtTick(1)), 2u);
  EXPECT_EQ(timer, nullptr);
  EXPECT_THAT(fired_, ElementsAre("a"));
}

TEST_F(TimerWheelTest, NextDeadlineIsExactWithinTheBlockOf64Ticks) {
  Advance(AtTick(64));
  wheel_.Arm(&a_, AtTick(127));
  EXPECT_EQ(wheel_.NextDeadline(), AtTick(127));
  wheel_.Arm(&b_, At(64.1 * kTick));
  EXPECT_EQ(wheel_.NextDeadline(), AtTick(65));
}

TEST_F(TimerWheelTest, NextDeadlineIsALowerBoundBeyondTheBlock) {
  Advance(AtTick(63));
  wheel_.Arm(&a_, AtTick(100));
  EXPECT_EQ(wheel_.NextDeadline(), AtTick(64));
  EXPECT_THAT(Advance(AtTick(64)), IsEmpty());
  EXPECT_EQ(wheel_.NextDeadline(), AtTick(100));
}

TEST_F(TimerWheelTest, NextDeadlineIgnoresCancelledTimers) {
  wheel_.Arm(&a_, AtTick(3));
  wheel_.Arm(&b_, AtTick(40));
  wheel_.Arm(&c_, AtTick(4'100));
  wheel_.Arm(&d_, AtTick(int64_t{1} << 40));
  a_.Cancel();
  EXPECT_EQ(wheel_.NextDeadline(), AtTick(40));
  b_.Cancel();
  EXPECT_EQ(wheel_.NextDeadline(), AtTick(4'096));
  c_.Cancel();
  EXPECT_EQ(wheel_.NextDeadline(), AtTick(int64_t{1} << 40));
  d_.Cancel();
  EXPECT_EQ(wheel_.NextDeadline(), kNever);
  wheel_.Arm(&a_, AtTick(3));  // in a slot that the wheel forgot
  EXPECT_EQ(wheel_.NextDeadline(), AtTick(3));
}

TEST_F(TimerWheelTest, AtMostFiveCallsAtNextDeadlineFireNothing) {
  const int64_t tick = 0x9'2345'6789;  // a digit in each of the six levels
  wheel_.Arm(&a_, AtTick(tick));
  int calls = 0;
  while (a_.armed()) {
    const MonotonicTime next = wheel_.NextDeadline();
    ASSERT_LE(next, AtTick(tick));
    ASSERT_GT(next, wheel_.now());
    wheel_.AdvanceTo(next);
    ASSERT_LE(++calls, 6);
  }
  EXPECT_EQ(wheel_.now(), AtTick(tick));
}

// Thousands of timers in the same slots.
class TimerWheelCrowdTest : public ::testing::Test {
 protected:
  class NumberedTimer final : public Timer {
   public:
    void Fire() override { fired->push_back(number); }
    int number = 0;
    std::vector<int>* fired = nullptr;
  };

  static constexpr int kMost = 100'000;

  static MonotonicTime AtTick(int64_t tick) {
    return MonotonicTime::FromNanos(123'456'789) + tick * kTick;
  }

  // Arms the next timer for `tick`.
  void Arm(int64_t tick) {
    ASSERT_LT(armed_, kMost);
    NumberedTimer& timer = timers_[armed_];
    timer.number = armed_++;
    timer.fired = &fired_;
    wheel_.Arm(&timer, AtTick(tick));
  }
  void AdvanceTo(MonotonicTime now) {
    const uint64_t moves = wheel_.moves();
    wheel_.AdvanceTo(now);
    most_moves_ = std::max(most_moves_, wheel_.moves() - moves);
  }
  std::vector<int> AllInOrder() const {
    std::vector<int> all(armed_);
    std::iota(all.begin(), all.end(), 0);
    return all;
  }

  TimerWheel wheel_{AtTick(0)};
  std::vector<int> fired_;
  uint64_t most_moves_ = 0;  // the most moves in one call
  int armed_ = 0;
  std::unique_ptr<NumberedTimer[]> timers_{new NumberedTimer[kMost]};
};

TEST_F(TimerWheelCrowdTest, NoTickMovesMany) {
  // Spreads timers over a minute: 6,800 in 4,096 ticks, and 107 in 64 ticks.
  for (int i = 0; i < 100'000; ++i) Arm(1 + i * 7'919 % 60'000);
  for (int64_t tick = 1; tick <= 60'000; ++tick) AdvanceTo(AtTick(tick));
  EXPECT_EQ(fired_.size(), 100'000u);
  EXPECT_GT(wheel_.moves(), 150'000u);
  EXPECT_LE(most_moves_, 200u);
}

TEST_F(TimerWheelCrowdTest, NoCallMovesManyWithOneCallInTenTicks) {
  for (int i = 0; i < 100'000; ++i) Arm(1 + i * 7'919 % 60'000);
  for (int64_t tick = 10; tick <= 60'000; tick += 10) AdvanceTo(AtTick(tick));
  EXPECT_EQ(fired_.size(), 100'000u);
  EXPECT_LE(most_moves_, 2'000u);
}

TEST_F(TimerWheelCrowdTest, NoCallMovesManyWithCallsAtNextDeadline) {
  for (int i = 0; i < 6'000; ++i) Arm(20'000 + i % 4'000);
  int calls = 0;
  while (wheel_.size() != 0) {
    ++calls;
    const MonotonicTime next = wheel_.NextDeadline();
    ASSERT_GT(next, wheel_.now());
    AdvanceTo(next);
  }
  EXPECT_EQ(wheel_.now(), AtTick(23'999));
  EXPECT_LE(most_moves_, 300u);
  // 4,000 calls fire. There is one call for each 64 moves, at two levels, and
  // one for each slot that begins.
  EXPECT_LE(calls, 4'000 + 2 * 6'000 / 64 + 64 + 2);
}

TEST_F(TimerWheelCrowdTest, ManyForOneTickMoveInEqualPortions) {
  for (int i = 0; i < 20'000; ++i) Arm(50'000);
  NumberedTimer other;
  for (int64_t tick = 1; tick < 50'000; ++tick) {
    AdvanceTo(AtTick(tick));
    // A cancelled timer makes the wheel search for the earliest timer again.
    wheel_.Arm(&other, AtTick(50'000));
    other.Cancel();
  }
  EXPECT_THAT(fired_, IsEmpty());
  // The last 64 ticks move all of them into a slot of one tick.
  EXPECT_LE(most_moves_, 2u * 20'000 / 64);
  AdvanceTo(AtTick(50'000));
  EXPECT_EQ(fired_, AllInOrder());
}

TEST_F(TimerWheelCrowdTest, ATimerArmedWhileOthersMoveAheadFiresAfterThem) {
  for (int i = 0; i < 1'000; ++i) Arm(4'096);
  for (int64_t tick = 1; tick < 4'096; ++tick) {
    AdvanceTo(AtTick(tick));
    if (tick > 4'000) Arm(4'096);
  }
  AdvanceTo(AtTick(4'096));
  EXPECT_EQ(fired_, AllInOrder());
}

TEST_F(TimerWheelCrowdTest, ATimerThatMovedAheadMayBeCancelledOrArmedAgain) {
  for (int i = 0; i < 1'000; ++i) Arm(4'100);
  AdvanceTo(AtTick(4'090));
  for (int i = 0; i < 1'000; i += 2) timers_[i].Cancel();
  for (int i = 1; i < 1'000; i += 4) wheel_.Arm(&timers_[i], AtTick(4'099));
  AdvanceTo(AtTick(4'099));
  EXPECT_EQ(fired_.size(), 250u);
  EXPECT_EQ(fired_.front(), 1);
  AdvanceTo(AtTick(4'100));
  EXPECT_EQ(fired_.size(), 500u);
  EXPECT_EQ(fired_[250], 3);
  EXPECT_EQ(wheel_.size(), 0u);
}

TEST_F(TimerWheelCrowdTest, TimersThatMovedAheadFireWithoutTheRestOfTheirSlot) {
  for (int i = 0; i < 1'000; ++i) Arm(4'100);
  AdvanceTo(AtTick(4'090));
  ASSERT_GE(wheel_.moves(), 64u);
  ASSERT_LT(wheel_.moves(), 1'000u);
  for (int i = 64; i < 1'000; ++i) timers_[i].Cancel();
  while (wheel_.size() != 0) {
    const MonotonicTime next = wheel_.NextDeadline();
    ASSERT_LE(next, AtTick(4'100));
    AdvanceTo(next);
  }
  EXPECT_EQ(fired_.size(), 64u);
  EXPECT_EQ(wheel_.now(), AtTick(4'100));
}

TEST_F(TimerWheelCrowdTest, NextDeadlineIsEarlierByATickForEach64Timers) {
  for (int i = 0; i < 640; ++i) Arm(4'096 + 100);
  EXPECT_EQ(wheel_.NextDeadline(), AtTick(4'096 - 10));
  AdvanceTo(AtTick(4'096 - 10));
  EXPECT_EQ(wheel_.NextDeadline(), AtTick(4'096 - 9));
}

TEST_F(TimerWheelCrowdTest, CancelledTimersCauseNoMoves) {
  for (int i = 0; i < 50'000; ++i) {
    Arm(5'000);
    timers_[i].Cancel();
  }
  Arm(5'000);
  EXPECT_EQ(wheel_.NextDeadline(), AtTick(4'096));
  int calls = 0;
  while (wheel_.size() != 0) {
    ++calls;
    AdvanceTo(wheel_.NextDeadline());
  }
  EXPECT_LE(calls, 4);
  EXPECT_LE(wheel_.moves(), 2u);
}

using TimerWheelDeathTest = TimerWheelTest;

TEST_F(TimerWheelDeathTest, AdvancingInACallbackIsAnError) {
  a_.then = [this] { wheel_.AdvanceTo(AtTick(2)); };
  wheel_.Arm(&a_, AtTick(1));
  EXPECT_DEATH(wheel_.AdvanceTo(AtTick(1)), "SLUICE_CHECK failed");
}

TEST_F(TimerWheelDeathTest, TimeThatGoesBackIsAnError) {
  Advance(AtTick(5));
  EXPECT_DEATH(wheel_.AdvanceTo(AtTick(4)), "SLUICE_CHECK failed");
}

TEST_F(TimerWheelDeathTest, DestroyingTheWheelInACallbackIsAnError) {
  auto wheel = std::make_unique<TimerWheel>(AtTick(0));
  a_.then = [&wheel] { wheel.reset(); };
  wheel->Arm(&a_, AtTick(1));
  EXPECT_DEATH(wheel->AdvanceTo(AtTick(1)), "SLUICE_CHECK failed");
}

TEST_F(TimerWheelDeathTest, TickMustBeAPositiveNumberOfNanoseconds) {
  for (absl::Duration tick :
       {absl::ZeroDuration(), absl::Milliseconds(-1), absl::Nanoseconds(0.5),
        absl::Nanoseconds(1.5), absl::InfiniteDuration()}) {
    EXPECT_DEATH(TimerWheel(AtTick(0), {.tick = tick}), "SLUICE_CHECK failed")
        << tick;
  }
}

class CallbackTimerTest : public ::testing::Test {
 protected:
  static MonotonicTime AtTick(int64_t tick) {
    return MonotonicTime() + tick * kTick;
  }

  TimerWheel wheel_{AtTick(0)};
};

TEST_F(CallbackTimerTest, KeepsItsCallableBetweenFirings) {
  int fired = 0;
  CallbackTimer timer([&fired, count = 0]() mutable { fired = ++count; });
  for (int i = 1; i <= 3; ++i) {
    wheel_.Arm(&timer, AtTick(i));
    wheel_.AdvanceTo(AtTick(i));
    EXPECT_EQ(fired, i);
  }
}

TEST_F(CallbackTimerTest, MayArmItself) {
  int fired = 0;
  CallbackTimer timer([&] {
    if (++fired < 3) wheel_.Arm(&timer, wheel_.now() + kTick);
  });
  wheel_.Arm(&timer, AtTick(1));
  for (int i = 1; i <= 5; ++i) wheel_.AdvanceTo(AtTick(i));
  EXPECT_EQ(fired, 3);
}

TEST_F(CallbackTimerTest, ACallableThatDestroysItsTimerOutlivesTheCall) {
  auto token = std::make_shared<int>(7);
  const std::weak_ptr<int> watch = token;
  std::unique_ptr<CallbackTimer> timer;
  int after = 0;
  timer = std::make_unique<CallbackTimer>([&, token = std::move(token)] {
    timer.reset();
    EXPECT_FALSE(watch.expired());
    after = *token;  // not destroyed yet
  });
  wheel_.Arm(timer.get(), AtTick(1));
  EXPECT_EQ(wheel_.AdvanceTo(AtTick(1)), 1u);
  EXPECT_EQ(after, 7);
  EXPECT_TRUE(watch.expired());
}

TEST_F(CallbackTimerTest, DestroysItsCallableWithItself) {
  auto token = std::make_shared<int>(7);
  const std::weak_ptr<int> watch = token;
  auto timer = std::make_unique<CallbackTimer>([token = std::move(token)] {});
  wheel_.Arm(timer.get(), AtTick(1));
  EXPECT_FALSE(watch.expired());
  timer.reset();
  EXPECT_TRUE(watch.expired());
  EXPECT_EQ(wheel_.AdvanceTo(AtTick(1)), 0u);
}

using CallbackTimerDeathTest = CallbackTimerTest;

TEST_F(CallbackTimerDeathTest, FiringInsideItsOwnCallableIsAnError) {
  TimerWheel other(AtTick(0));
  CallbackTimer timer([&] {
    other.Arm(&timer, AtTick(0));
    other.AdvanceTo(AtTick(0));
  });
  wheel_.Arm(&timer, AtTick(0));
  EXPECT_DEATH(wheel_.AdvanceTo(AtTick(0)), "SLUICE_CHECK failed");
}

}  // namespace
}  // namespace sluice
