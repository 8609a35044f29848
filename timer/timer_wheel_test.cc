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

// A wheel whose time starts at an odd place, and timers that log their names.
class TimerWheelTest : public ::testing::Test {
 protected:
  class LogTimer final : public Timer {
   public:
    LogTimer(TimerWheelTest* test, std::string name)
        : test_(test), name_(std::move(name)) {}
    // Runs after the log entry is made.
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

  // What fires in AdvanceTo(now).
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

TEST_F(TimerWheelTest, FiresInTheOrderOfArmingWithinATick) {
  wheel_.Arm(&a_, At(3 * kTick));
  wheel_.Arm(&b_, At(2.5 * kTick));
  wheel_.Arm(&c_, At(2.1 * kTick));
  wheel_.Arm(&d_, At(2.9 * kTick));
  wheel_.Arm(&b_, At(2.5 * kTick));  // again: last now
  EXPECT_THAT(Advance(AtTick(3)), ElementsAre("a", "c", "d", "b"));
}

TEST_F(TimerWheelTest, KeepsTheOrderOfArmingAcrossLevels) {
  // The first tick of a level-3 slot, one in its middle, one of a later span.
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

TEST_F(TimerWheelTest, DeadlineOfThePastIsDueAtOnceButNotInsideArm) {
  Advance(AtTick(50));
  wheel_.Arm(&a_, At(49.5 * kTick));
  wheel_.Arm(&b_, AtTick(50));
  wheel_.Arm(&c_, MonotonicTime::FromNanos(INT64_MIN));
  EXPECT_THAT(fired_, IsEmpty());
  EXPECT_EQ(wheel_.NextDeadline(), AtTick(50));
  EXPECT_THAT(Advance(AtTick(50)), ElementsAre("a", "b", "c"));
}

TEST_F(TimerWheelTest, DeadlineOfThePastComesBehindWhatWasDueBefore) {
  wheel_.Arm(&a_, AtTick(1));
  wheel_.Arm(&b_, AtTick(2));
  EXPECT_THAT(Advance(AtTick(3), 1), ElementsAre("a"));
  wheel_.Arm(&c_, AtTick(0));
  wheel_.Arm(&d_, AtTick(4));
  EXPECT_THAT(Advance(AtTick(4)), ElementsAre("b", "c", "d"));
}

TEST_F(TimerWheelTest, DeadlineWithinTheCurrentTickIsDueAtOnceWhenPassed) {
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

TEST_F(TimerWheelTest, ArmingOnAnotherWheelLeavesTheFirst) {
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

TEST_F(TimerWheelTest, CancelledTimerDoesNotFire) {
  for (int64_t tick : {0, 5, 500, 50'000}) {
    wheel_.Arm(&a_, AtTick(tick));
    a_.Cancel();
    EXPECT_FALSE(a_.armed());
    EXPECT_EQ(wheel_.size(), 0u);
    a_.Cancel();  // no-op
  }
  EXPECT_EQ(wheel_.size(), 0u);
  EXPECT_THAT(Advance(AtTick(100'000)), IsEmpty());
}

TEST_F(TimerWheelTest, DestroyedTimerDoesNotFire) {
  auto timer = std::make_unique<LogTimer>(this, "gone");
  wheel_.Arm(timer.get(), AtTick(5));
  timer.reset();
  EXPECT_EQ(wheel_.size(), 0u);
  EXPECT_THAT(Advance(AtTick(10)), IsEmpty());
}

TEST_F(TimerWheelTest, DestroyedWheelDisarmsItsTimersAndFiresNone) {
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

TEST_F(TimerWheelTest, TimerForInfiniteFutureNeverFires) {
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

TEST_F(TimerWheelTest, ReachesFromTheFirstNanosecondToTheLast) {
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

TEST_F(TimerWheelTest, TickThatTheEndOfTimeCutsOffNeverCoversAnything) {
  const absl::Duration tick = absl::Hours(24 * 365 * 200);
  // In nanoseconds, where the cut tick begins fits no int64_t, or no uint64_t.
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
  // 300 years of nanoseconds, with timers here and there.
  TimerWheel wheel(MonotonicTime(), {.tick = absl::Nanoseconds(1)});
  wheel.Arm(&a_, MonotonicTime() + absl::Hours(24 * 365 * 200));
  wheel.Arm(&b_, MonotonicTime() + absl::Seconds(1));
  wheel.Arm(&c_, MonotonicTime() + absl::Hours(24 * 365 * 280));
  wheel.AdvanceTo(MonotonicTime() + absl::Hours(24 * 365 * 290));
  EXPECT_THAT(fired_, ElementsAre("b", "a", "c"));
}

TEST_F(TimerWheelTest, FiresAtMostMaxFiresAndGoesOnInTheNextCall) {
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

TEST_F(TimerWheelTest, WhatIsDueMayStillBeCancelledOrMoved) {
  wheel_.Arm(&a_, AtTick(1));
  wheel_.Arm(&b_, AtTick(1));
  wheel_.Arm(&c_, AtTick(1));
  Advance(AtTick(2), 0);
  a_.Cancel();
  wheel_.Arm(&b_, AtTick(5));
  EXPECT_THAT(Advance(AtTick(2)), ElementsAre("c"));
  EXPECT_THAT(Advance(AtTick(5)), ElementsAre("b"));
}

TEST_F(TimerWheelTest, WhatACallbackArmsForThePastWaitsForTheNextCall) {
  a_.then = [this] { wheel_.Arm(&a_, AtTick(0)); };
  b_.then = [this] { wheel_.Arm(&b_, wheel_.now()); };
  wheel_.Arm(&a_, AtTick(1));
  wheel_.Arm(&b_, AtTick(2));
  EXPECT_THAT(Advance(AtTick(10)), ElementsAre("a", "b"));
  EXPECT_EQ(wheel_.NextDeadline(), AtTick(10));
  EXPECT_THAT(Advance(AtTick(10)), ElementsAre("a", "b"));
}

TEST_F(TimerWheelTest, CallbackSeesTheTimeOfTheCallAndWhatIsDueStill) {
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

TEST_F(TimerWheelTest, CallbackMayCancelWhatIsDueInTheSameTick) {
  a_.then = [this] { b_.Cancel(); };
  c_.then = [this] { a_.Cancel(); };
  for (LogTimer* timer : {&a_, &b_, &c_}) wheel_.Arm(timer, AtTick(1));
  EXPECT_THAT(Advance(AtTick(1)), ElementsAre("a", "c"));
}

TEST_F(TimerWheelTest, CallbackMayPostponeWhatIsDueInTheSameTick) {
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
  struct Suicide final : Timer {
    void Fire() override { owner->reset(); }
    std::unique_ptr<Suicide>* owner;
  };
  auto timer = std::make_unique<Suicide>();
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

TEST_F(TimerWheelTest, NextDeadlineIsALowerBoundBeyond) {
  Advance(AtTick(63));
  wheel_.Arm(&a_, AtTick(100));
  EXPECT_EQ(wheel_.NextDeadline(), AtTick(64));
  EXPECT_THAT(Advance(AtTick(64)), IsEmpty());
  EXPECT_EQ(wheel_.NextDeadline(), AtTick(100));
}

TEST_F(TimerWheelTest, NextDeadlineForgetsWhatWasCancelled) {
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
  wheel_.Arm(&a_, AtTick(3));  // in a slot that was forgotten
  EXPECT_EQ(wheel_.NextDeadline(), AtTick(3));
}

TEST_F(TimerWheelTest, NextDeadlineAwakensAtMostFiveTimesForNothing) {
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

TEST_F(CallbackTimerTest, KeepsItsCallableFromOneFiringToTheNext) {
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

TEST_F(CallbackTimerTest, MayDestroyItselfAndEndsAfterItHasReturned) {
  auto token = std::make_shared<int>(7);
  const std::weak_ptr<int> watch = token;
  std::unique_ptr<CallbackTimer> timer;
  int after = 0;
  timer = std::make_unique<CallbackTimer>([&, token = std::move(token)] {
    timer.reset();
    EXPECT_FALSE(watch.expired());
    after = *token;  // still ours
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

// Drives a wheel with random calls, beside a model that says which timer must
// fire next: the timers by (tick, order of arming).
class RandomRun {
 public:
  explicit RandomRun(uint64_t seed) : random_(seed) {
    constexpr int64_t kTicks[] = {1, 1, 7, 1'000, 1'000'000};
    tick_ns_ = kTicks[Below(std::size(kTicks))];
    // Anywhere, but so that some time is left.
    origin_ns_ = static_cast<int64_t>(random_()) >> Below(63);
    origin_ns_ = std::min(origin_ns_, INT64_MAX - (int64_t{1} << 62));
    now_ns_ = origin_ns_;
    wheel_ = std::make_unique<TimerWheel>(
        MonotonicTime::FromNanos(origin_ns_),
        TimerWheel::Options{.tick = absl::Nanoseconds(tick_ns_)});
    timers_.resize(1 + Below(200));
  }

  // Until there are failures, or time is up.
  void Run(int operations) {
    while (operations_ < operations && now_ns_ < INT64_MAX / 8 * 7) {
      if (Below(4) == 0) {
        Advance();
      } else {
        ChangeSomeTimer();
      }
      CheckWhatTheWheelSays();
      if (::testing::Test::HasFailure()) return;
    }
  }

  int operations() const { return operations_; }

 private:
  class ModelTimer final : public Timer {
   public:
    ModelTimer(RandomRun* run, size_t index) : run_(run), index_(index) {}

   private:
    void Fire() override { run_->OnFire(index_); }

    RandomRun* const run_;
    const size_t index_;
  };

  // By (tick, order of arming); 128 bits hold every tick without care.
  using Key = std::pair<__int128, int64_t>;
  struct Entry {
    std::unique_ptr<ModelTimer> timer;
    std::optional<Key> key;  // while armed
    int64_t deadline = 0;
  };

  uint64_t Below(uint64_t bound) { return random_() % bound; }

  int64_t NearZero() { return static_cast<int64_t>(Below(3)) - 1; }

  // Of any magnitude.
  int64_t RandomNanos() {
    return static_cast<int64_t>(random_() >> (2 + Below(62)));
  }

  __int128 NowTick() const {
    return (__int128{now_ns_} - origin_ns_) / tick_ns_;
  }

  int64_t RandomDeadline() {
    __int128 deadline = now_ns_;
    switch (Below(6)) {
      case 0:  // the past, or now
        deadline -= Below(2) * RandomNanos();
        break;
      case 1:  // soon
        deadline += Below(100 * tick_ns_);
        break;
      case 2: {  // beside another, or never
        const Entry& other = timers_[Below(timers_.size())];
        if (other.key) {
          deadline = other.deadline;
          deadline += NearZero();
        }
        break;
      }
      case 3: {  // around a boundary of some level
        const int shift = 6 * Below(7);
        const __int128 tick = ((NowTick() >> shift) + 1 + Below(3)) << shift;
        deadline = origin_ns_ + tick * tick_ns_ + NearZero();
        break;
      }
      default:
        deadline += RandomNanos();
    }
    if (Below(50) == 0) deadline = INT64_MAX;
    deadline = std::min<__int128>(deadline, INT64_MAX);
    return static_cast<int64_t>(std::max<__int128>(deadline, INT64_MIN));
  }

  void Disarm(Entry& entry) {
    if (entry.key) model_.erase(*entry.key);
    entry.key.reset();
  }

  void Arm(size_t index) {
    Entry& entry = timers_[index];
    if (entry.timer == nullptr) {
      entry.timer = std::make_unique<ModelTimer>(this, index);
    }
    Disarm(entry);
    const int64_t deadline = RandomDeadline();
    entry.deadline = deadline;
    __int128 tick;
    if (deadline == INT64_MAX) {
      tick = __int128{1} << 100;
    } else if (deadline <= now_ns_) {
      tick = NowTick();
    } else {
      tick = (__int128{deadline} - origin_ns_ + tick_ns_ - 1) / tick_ns_;
    }
    entry.key = Key(tick, ++arming_);
    model_[*entry.key] = index;
    wheel_->Arm(entry.timer.get(), MonotonicTime::FromNanos(deadline));
    EXPECT_EQ(entry.timer->deadline().nanos(), deadline);
  }

  void ChangeSomeTimer() {
    ++operations_;
    const size_t index = Below(timers_.size());
    Entry& entry = timers_[index];
    switch (Below(8)) {
      case 0:
      case 1:
        Disarm(entry);
        if (entry.timer != nullptr) entry.timer->Cancel();
        break;
      case 2:
        Disarm(entry);
        entry.timer.reset();
        break;
      default:
        Arm(index);
    }
  }

  void Advance() {
    ++operations_;
    __int128 now = now_ns_;
    switch (Below(8)) {
      case 0:
        break;
      case 1:
      case 2:
        now += Below(3 * tick_ns_ + 1);
        break;
      case 3:
        now += RandomNanos();
        break;
      case 4:  // right before a firing, right at it, right after it
        if (!model_.empty()) {
          now =
              origin_ns_ + model_.begin()->first.first * tick_ns_ + NearZero();
        }
        break;
      default:  // as a loop would
        now = std::max(wheel_->NextDeadline().nanos(), now_ns_);
    }
    // Mostly not too far, lest the time there is be over soon.
    const __int128 farthest =
        now_ns_ + (__int128{1} << (Below(100) == 0 ? 60 : 50));
    now_ns_ = static_cast<int64_t>(
        std::max<__int128>(now_ns_, std::min(now, farthest)));

    const int64_t fired_before = fired_;
    const size_t max_fires = Below(3) == 0 ? Below(5) : kNoLimit;
    last_arming_ = arming_;
    const size_t fired =
        wheel_->AdvanceTo(MonotonicTime::FromNanos(now_ns_), max_fires);
    EXPECT_EQ(fired, static_cast<size_t>(fired_ - fired_before));
    EXPECT_LE(fired, max_fires);
    if (fired < max_fires) {
      EXPECT_FALSE(IsDue()) << "left one out";
    }
  }

  // Whether the first of the model is to fire in the AdvanceTo() under way.
  bool IsDue() const {
    if (model_.empty()) return false;
    const Key& key = model_.begin()->first;
    return key.first <= NowTick() && key.second <= last_arming_;
  }

  void OnFire(size_t index) {
    ++fired_;
    ASSERT_TRUE(IsDue()) << "none is due, but " << index << " fires";
    ASSERT_EQ(model_.begin()->second, index) << "fires before its turn";
    Entry& entry = timers_[index];
    EXPECT_FALSE(entry.timer->armed());
    EXPECT_LE(entry.deadline, now_ns_) << "fires early";
    Disarm(entry);
    switch (Below(4)) {
      case 0:
        entry.timer.reset();
        break;
      case 1:
        Arm(index);
        break;
      default:
        break;
    }
    for (uint64_t i = Below(4); i > 0; --i) ChangeSomeTimer();
  }

  void CheckWhatTheWheelSays() {
    EXPECT_EQ(wheel_->size(), model_.size());
    EXPECT_EQ(wheel_->now().nanos(), now_ns_);
    const MonotonicTime next = wheel_->NextDeadline();
    if (model_.empty()) {
      EXPECT_EQ(next, kNever);
      return;
    }
    const __int128 tick = model_.begin()->first.first;
    if (tick <= NowTick()) {
      EXPECT_EQ(next.nanos(), now_ns_);
      return;
    }
    const __int128 fires_at =
        std::min<__int128>(origin_ns_ + tick * tick_ns_, INT64_MAX);
    EXPECT_GT(next.nanos(), now_ns_);
    EXPECT_LE(next.nanos(), fires_at);
    if (tick >> 6 == NowTick() >> 6) {
      EXPECT_EQ(next.nanos(), fires_at);
    }
  }

  std::mt19937_64 random_;
  int64_t tick_ns_;
  int64_t origin_ns_;
  int64_t now_ns_;
  std::unique_ptr<TimerWheel> wheel_;
  std::vector<Entry> timers_;
  std::map<Key, size_t> model_;  // index of the timer
  int64_t arming_ = 0;
  int64_t last_arming_ = 0;  // when AdvanceTo() was called last
  int operations_ = 0;
  int64_t fired_ = 0;
};

// The runs are as the seed says; SLUICE_SEED in the environment runs that one.
std::vector<uint64_t> Seeds() {
  if (const char* seed = std::getenv("SLUICE_SEED")) {
    return {std::strtoull(seed, nullptr, 0)};
  }
  std::vector<uint64_t> seeds(60);
  std::iota(seeds.begin(), seeds.end(), 1);
  return seeds;
}

TEST(TimerWheelRandomTest, FiresAsASortedMapWould) {
  for (uint64_t seed : Seeds()) {
    SCOPED_TRACE(absl::StrCat("SLUICE_SEED=", seed));
    RandomRun run(seed);
    run.Run(20'000);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace sluice
