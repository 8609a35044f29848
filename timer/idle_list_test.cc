#include "sluice/timer/idle_list.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/test_seed.h"
#include "sluice/timer/clock.h"
#include "sluice/timer/timer_wheel.h"

namespace sluice {
namespace {

constexpr absl::Duration kTick = absl::Milliseconds(1);
constexpr absl::Duration kTimeout = absl::Milliseconds(160);
// The latest report of an entry, counted from its last touch, if the wheel is
// advanced in time.
constexpr absl::Duration kLatest = absl::Milliseconds(160 + 20 + 1);

struct Entry : IdleEntry {
  MonotonicTime touched;
  int reported = 0;
};

class IdleListTest : public ::testing::Test {
 protected:
  void Add(Entry& entry) {
    list_->Add(&entry);
    entry.touched = wheel_.now();
  }
  void Touch(Entry& entry) {
    list_->Touch(&entry);
    entry.touched = wheel_.now();
  }

  // Advances by a tick at a time.
  void Pass(absl::Duration time) {
    const MonotonicTime end = wheel_.now() + time;
    while (wheel_.now() < end) wheel_.AdvanceTo(wheel_.now() + kTick);
  }

  void MakeList(IdleList::Options options) {
    list_ = std::make_unique<IdleList>(&wheel_, options, [this](IdleEntry* e) {
      Entry* const entry = static_cast<Entry*>(e);
      EXPECT_FALSE(entry->linked());
      const absl::Duration idle = wheel_.now() - entry->touched;
      EXPECT_GE(idle, timeout_) << "early";
      EXPECT_LE(idle, latest_) << "late";
      ++entry->reported;
      ++reports_;
      if (on_idle_) on_idle_(entry);
    });
  }

  static constexpr MonotonicTime kStart = MonotonicTime::FromNanos(987'654'321);

  TimerWheel wheel_{kStart, {.tick = kTick}};
  absl::Duration timeout_ = kTimeout;
  absl::Duration latest_ = kLatest;
  std::function<void(Entry*)> on_idle_;
  int reports_ = 0;
  std::unique_ptr<IdleList> list_;
};

// The callback checks both bounds, in all tests.
TEST_F(IdleListTest, ReportsAnIdleEntryOnce) {
  MakeList({.timeout = kTimeout});
  Entry entry;
  Add(entry);
  EXPECT_TRUE(entry.linked());
  Pass(kTimeout - kTick);
  EXPECT_EQ(entry.reported, 0);
  Pass(kTimeout);
  EXPECT_EQ(entry.reported, 1);
  Pass(3 * kTimeout);
  EXPECT_EQ(entry.reported, 1);
}

TEST_F(IdleListTest, IsNeverEarlyAndAtMostAnEighthLateAfterATouch) {
  MakeList({.timeout = kTimeout});
  Entry other;  // keeps the steps going, so that touches fall anywhere in them
  on_idle_ = [&](Entry* entry) {
    if (entry == &other) Add(other);
  };
  Add(other);
  for (int ticks = 0; ticks < 200; ++ticks) {
    SCOPED_TRACE(ticks);
    Entry entry;
    Add(entry);
    Pass(ticks % 40 * kTick);
    Touch(entry);
    Pass(kLatest);
    ASSERT_EQ(entry.reported, 1);
    Pass(ticks % 7 * kTick);
  }
}

TEST_F(IdleListTest, AMemberThatIsTouchedInTimeIsNotReported) {
  MakeList({.timeout = kTimeout});
  Entry entry;
  Add(entry);
  for (int i = 0; i < 100; ++i) {
    Pass(kTimeout - kTick);
    Touch(entry);
  }
  EXPECT_EQ(entry.reported, 0);
  Pass(kLatest);
  EXPECT_EQ(entry.reported, 1);
}

TEST_F(IdleListTest, IsNeverEarlyWhenTheWheelIsAdvancedLate) {
  MakeList({.timeout = kTimeout});
  latest_ = absl::InfiniteDuration();
  for (int stall = 1; stall < 400; stall += 3) {
    Entry entry;
    Add(entry);
    Pass(stall % 23 * kTick);
    // Touches just before a stall, after which the wheel is several steps late.
    Touch(entry);
    wheel_.AdvanceTo(wheel_.now() + stall * kTick);
    Touch(entry);
    Pass(kTimeout - kTick);
    EXPECT_EQ(entry.reported, 0);
    Pass(kTimeout);
    EXPECT_EQ(entry.reported, 1);
  }
}

TEST_F(IdleListTest, IsNeverEarlyWhenALateCallTouchesBeforeTheStep) {
  MakeList({.timeout = kTimeout});
  Entry entry;
  Add(entry);
  CallbackTimer toucher([&] { Touch(entry); });
  wheel_.Arm(&toucher, kStart + absl::Milliseconds(9));
  // A step should have begun 9 ms ago. The touch falls into the step before it.
  wheel_.AdvanceTo(kStart + absl::Milliseconds(19));
  EXPECT_EQ(entry.touched, kStart + absl::Milliseconds(19));
  Pass(kLatest);
  EXPECT_EQ(entry.reported, 1);
}

TEST_F(IdleListTest, LateTicksDoNotAddUp) {
  // A step of 10.0625 ticks would take 11 if each began when the last one
  // ended.
  timeout_ = absl::Milliseconds(161);
  latest_ = timeout_ + timeout_ / 8 + kTick;
  MakeList({.timeout = timeout_});
  Entry entry;
  Add(entry);
  Pass(latest_);
  EXPECT_EQ(entry.reported, 1);
}

TEST_F(IdleListTest, ATimeoutBelow32TicksIsAtMostAsLateAsOneOf32Ticks) {
  for (absl::Duration timeout :
       {absl::Nanoseconds(1), absl::Microseconds(300), absl::Milliseconds(7),
        absl::Milliseconds(15.5), absl::Milliseconds(24)}) {
    SCOPED_TRACE(timeout);
    timeout_ = timeout;
    // The last tick is the lateness with which the test advances the wheel.
    latest_ = (32 + 4 + 1 + 1) * kTick;
    MakeList({.timeout = timeout});
    for (int phase = 0; phase < 10; ++phase) {
      wheel_.AdvanceTo(wheel_.now() + 0.1 * kTick);
      Entry entry;
      Add(entry);
      Pass(latest_);
      EXPECT_EQ(entry.reported, 1);
    }
  }
}

TEST_F(IdleListTest, AnInfiniteTimeoutReportsNoEntry) {
  MakeList({.timeout = absl::InfiniteDuration()});
  Entry entry;
  Add(entry);
  wheel_.AdvanceTo(MonotonicTime::InfiniteFuture());
  EXPECT_EQ(entry.reported, 0);
}

TEST_F(IdleListTest, AnUnlinkedOrDestroyedEntryIsNotReported) {
  MakeList({.timeout = kTimeout});
  Entry stays, leaves;
  auto dies = std::make_unique<Entry>();
  Add(stays);
  Add(leaves);
  Add(*dies);
  Pass(kTimeout / 2);
  leaves.Unlink();
  dies.reset();
  Pass(kTimeout);
  EXPECT_EQ(stays.reported, 1);
  EXPECT_EQ(reports_, 1);
}

TEST_F(IdleListTest, HasOneTimerIfThereAreMembersAndElseNone) {
  MakeList({.timeout = kTimeout});
  EXPECT_EQ(wheel_.size(), 0u);
  std::vector<Entry> entries(1'000);
  for (Entry& entry : entries) Add(entry);
  EXPECT_EQ(wheel_.size(), 1u);
  Pass(kLatest);
  EXPECT_EQ(reports_, 1'000);
  EXPECT_EQ(wheel_.size(), 0u);
}

TEST_F(IdleListTest, FiresOnceMoreAfterTheLastMemberHasLeft) {
  MakeList({.timeout = kTimeout});
  Entry entry;
  Add(entry);
  Pass(kTimeout / 2);
  entry.Unlink();
  Pass(kTimeout / 16 + kTick);
  EXPECT_EQ(wheel_.size(), 0u);
  Add(entry);  // starts the steps again
  EXPECT_EQ(wheel_.size(), 1u);
  entry.Unlink();
  Pass(10 * kTimeout);
  Add(entry);
  Pass(kLatest);
  EXPECT_EQ(entry.reported, 1);
}

TEST_F(IdleListTest, AFiringVisitsMaxVisitsMembersAndTheNextTicksVisitMore) {
  constexpr int kVisits = 10;
  MakeList({.timeout = kTimeout, .max_visits = kVisits});
  latest_ = kLatest + 20 * kTick;
  std::vector<Entry> touched(100), idle(100);
  for (Entry& entry : touched) Add(entry);
  for (Entry& entry : idle) Add(entry);
  Pass(kTimeout / 2);
  for (Entry& entry : touched) Touch(entry);
  // The touched entries are visited first, and count as visits.
  Pass(kTimeout / 2 + kTimeout / 8);
  EXPECT_EQ(reports_, 0);
  Pass(9 * kTick);
  EXPECT_EQ(reports_, 0);
  for (int i = 1; i <= 10; ++i) {
    Pass(kTick);
    wheel_.AdvanceTo(wheel_.now());  // the same tick: no more visits
    EXPECT_EQ(reports_, i * kVisits);
  }
  Pass(kLatest);
  EXPECT_EQ(reports_, 200);
  EXPECT_EQ(wheel_.size(), 0u);
}

TEST_F(IdleListTest, StepsContinueWhileVisitsAreLate) {
  // One visit per tick is 160 visits per timeout, for 300 members.
  MakeList({.timeout = kTimeout, .max_visits = 1});
  latest_ = kLatest + 300 * kTick;
  std::vector<Entry> entries(300);
  for (Entry& entry : entries) {
    Add(entry);
    Pass(kTick / 4);
  }
  Pass(latest_);
  for (const Entry& entry : entries) EXPECT_EQ(entry.reported, 1);
}

TEST_F(IdleListTest, CallbackMayDestroyOrUnlinkAnyEntry) {
  MakeList({.timeout = kTimeout});
  std::vector<std::unique_ptr<Entry>> entries;
  for (int i = 0; i < 30; ++i) {
    entries.push_back(std::make_unique<Entry>());
    Add(*entries.back());
  }
  Entry unlinked;
  Add(unlinked);
  // The first report destroys or unlinks all entries, its own included.
  on_idle_ = [&](Entry*) {
    entries.clear();
    unlinked.Unlink();
  };
  Pass(2 * kTimeout);
  EXPECT_EQ(reports_, 1);
  EXPECT_EQ(wheel_.size(), 0u);
}

TEST_F(IdleListTest, CallbackMayAddTheEntryAgain) {
  MakeList({.timeout = kTimeout});
  Entry entry;
  on_idle_ = [&](Entry* idle) { Add(*idle); };
  Add(entry);
  Pass(10 * kLatest);
  EXPECT_GE(entry.reported, 10);
  EXPECT_TRUE(entry.linked());
}

TEST_F(IdleListTest, TheDestructorUnlinksMembersAndReportsNone) {
  MakeList({.timeout = kTimeout, .max_visits = 1});
  std::vector<Entry> entries(3);
  for (Entry& entry : entries) Add(entry);
  while (reports_ == 0) Pass(kTick);  // until one of three is reported
  Entry later;
  Add(later);
  list_.reset();
  for (const Entry& entry : entries) EXPECT_FALSE(entry.linked());
  EXPECT_FALSE(later.linked());
  EXPECT_EQ(wheel_.size(), 0u);
  Pass(2 * kTimeout);
  EXPECT_EQ(reports_, 1);
}

TEST_F(IdleListTest, WorksAtAllTimesOfTheClock) {
  for (int64_t start : {INT64_MIN, int64_t{-1}, int64_t{0},
                        INT64_MAX - absl::ToInt64Nanoseconds(3 * kTimeout)}) {
    SCOPED_TRACE(start);
    TimerWheel wheel(MonotonicTime::FromNanos(start));
    int reports = 0;
    IdleList list(&wheel, {.timeout = kTimeout},
                  [&](IdleEntry*) { ++reports; });
    Entry entry;
    list.Add(&entry);
    wheel.AdvanceTo(wheel.now() + (kTimeout - kTick));
    EXPECT_EQ(reports, 0);
    // The wheel was advanced late, so the entry may need another timeout.
    for (int i = 0; i < 200; ++i) wheel.AdvanceTo(wheel.now() + kTick);
    EXPECT_EQ(reports, 1);
  }
}

TEST_F(IdleListTest, KeepsBothBoundsWithRandomTouches) {
  for (int run = 0; run < 10; ++run) {
    const uint64_t seed = TestSeed();
    SCOPED_TRACE(absl::StrCat("SLUICE_SEED=", seed));
    std::mt19937_64 random(seed);
    MakeList({.timeout = kTimeout});
    std::vector<std::unique_ptr<Entry>> entries;
    for (int i = 0; i < 50; ++i) entries.push_back(std::make_unique<Entry>());
    for (int i = 0; i < 10'000 && !HasFailure(); ++i) {
      // Chooses entries at the end less often.
      std::unique_ptr<Entry>& entry =
          entries[random() % (1 + random() % entries.size())];
      if (!entry->linked()) {
        if (random() % 2 == 0) Add(*entry);
      } else if (random() % 20 == 0) {
        entry = std::make_unique<Entry>();
      } else if (random() % 2 == 0) {
        Touch(*entry);
      }
      // Stops at each tick, and in its middle.
      if (random() % 4 != 0) wheel_.AdvanceTo(wheel_.now() + kTick / 2);
      for (const auto& each : entries) {
        if (!each->linked()) continue;
        ASSERT_LE(wheel_.now() - each->touched, latest_) << "not reported";
      }
    }
    if (HasFailure()) return;
  }
  EXPECT_GT(reports_, 0);
}

using IdleListDeathTest = IdleListTest;

TEST_F(IdleListDeathTest, DestroyingTheListInItsCallbackIsAnError) {
  MakeList({.timeout = kTimeout});
  Entry entry;
  Add(entry);
  on_idle_ = [this](Entry*) { list_.reset(); };
  EXPECT_DEATH(Pass(2 * kTimeout), "SLUICE_CHECK failed");
}

TEST_F(IdleListDeathTest, OptionsMustBePositive) {
  EXPECT_DEATH(MakeList({.timeout = absl::ZeroDuration()}),
               "SLUICE_CHECK failed");
  EXPECT_DEATH(MakeList({.timeout = kTimeout, .max_visits = 0}),
               "SLUICE_CHECK failed");
}

}  // namespace
}  // namespace sluice
