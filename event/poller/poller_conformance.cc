#include "sluice/event/poller/poller_conformance.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "gmock/gmock.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/base/testing/test_seed.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

// A timeout so long that a Wait() which ends earlier has another reason.
constexpr absl::Duration kForever = absl::Seconds(30);

// The report of one Wait(): conditions by token. A repeated token is a failure.
using Ready = std::map<uint64_t, IoEvents>;

Ready Wait(Poller& poller, absl::Duration timeout = absl::ZeroDuration()) {
  const auto events = poller.Wait(timeout);
  EXPECT_THAT(events, IsOk());
  Ready ready;
  if (!events.ok()) return ready;
  for (const IoEvent& event : *events) {
    EXPECT_EQ(event.result, 0);
    EXPECT_NE(event.flags, 0u);
    EXPECT_TRUE(
        ready.emplace(event.token, static_cast<IoEvents>(event.flags)).second)
        << "token " << event.token << " twice in one Wait()";
  }
  return ready;
}

// Returns the conditions of `token` in one Wait(), 0 if it is not reported.
// Repeats Wait() while it returns no events, as the contract allows.
IoEvents WaitFor(Poller& poller, uint64_t token) {
  for (int i = 0; i < 10; ++i) {
    const Ready ready = Wait(poller, kForever);
    const auto it = ready.find(token);
    if (it != ready.end()) return it->second;
  }
  return 0;
}

}  // namespace

void PollerConformanceTest::NewPoller(size_t max_events) {
  auto poller = world_->NewPoller(max_events);
  SLUICE_ASSERT_OK(poller);
  poller_ = *std::move(poller);
}

TEST_P(PollerConformanceTest, HasTheNameOfItsBackend) {
  EXPECT_EQ(poller_->name(), GetParam().name);
}

TEST_P(PollerConformanceTest, ReportsNothingWhenNothingIsReady) {
  const auto [a, b] = world_->NewPair();
  SLUICE_ASSERT_OK(poller_->Add(a, kReadable, 1, AddHint::kNone));
  EXPECT_THAT(Wait(*poller_), IsEmpty());
}

TEST_P(PollerConformanceTest, ReportsWatchedConditionsThatHold) {
  const auto [a, b] = world_->NewPair();
  SLUICE_ASSERT_OK(poller_->Add(a, kReadable | kWritable, 7, AddHint::kNone));
  EXPECT_THAT(Wait(*poller_), ElementsAre(Pair(7, kWritable)));
  world_->Send(b);
  EXPECT_THAT(Wait(*poller_), ElementsAre(Pair(7, kReadable | kWritable)));
  world_->Fill(a);
  EXPECT_THAT(Wait(*poller_), ElementsAre(Pair(7, kReadable)));
}

TEST_P(PollerConformanceTest, IsLevelTriggered) {
  const auto [a, b] = world_->NewPair();
  SLUICE_ASSERT_OK(poller_->Add(a, kReadable, 1, AddHint::kNone));
  world_->Send(b);
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(Wait(*poller_), ElementsAre(Pair(1, kReadable)));
  }
  world_->Receive(a);
  EXPECT_THAT(Wait(*poller_), IsEmpty());
}

TEST_P(PollerConformanceTest, WaitEndsWhenADescriptorBecomesReady) {
  const auto [a, b] = world_->NewPair();
  SLUICE_ASSERT_OK(poller_->Add(a, kReadable, 1, AddHint::kNone));
  IoEvents seen = 0;
  world_->RunDuring([&] { seen = WaitFor(*poller_, 1); },
                    [&, peer = b] { world_->Send(peer); });
  EXPECT_EQ(seen, kReadable);
}

TEST_P(PollerConformanceTest, PassesEveryBitOfATokenBack) {
  const auto [a, b] = world_->NewPair();
  const uint64_t token = 0xfedcba9876543210;
  SLUICE_ASSERT_OK(poller_->Add(a, kWritable, token, AddHint::kNone));
  EXPECT_THAT(Wait(*poller_), ElementsAre(Pair(token, kWritable)));
}

TEST_P(PollerConformanceTest, ModifyReplacesInterestAndToken) {
  const auto [a, b] = world_->NewPair();
  world_->Send(b);
  SLUICE_ASSERT_OK(poller_->Add(a, kReadable, 1, AddHint::kNone));
  SLUICE_ASSERT_OK(poller_->Modify(a, kWritable, 2));
  EXPECT_THAT(Wait(*poller_), ElementsAre(Pair(2, kWritable)));
  SLUICE_ASSERT_OK(poller_->Modify(a, kReadable, 3));
  EXPECT_THAT(Wait(*poller_), ElementsAre(Pair(3, kReadable)));
}

TEST_P(PollerConformanceTest, AddTwiceIsAlreadyExists) {
  const auto [a, b] = world_->NewPair();
  SLUICE_ASSERT_OK(poller_->Add(a, kWritable, 1, AddHint::kNone));
  EXPECT_THAT(poller_->Add(a, kReadable, 2, AddHint::kNone),
              StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT(Wait(*poller_), ElementsAre(Pair(1, kWritable)));
}

TEST_P(PollerConformanceTest, ModifyAndRemoveOfAStrangerAreNotFound) {
  const auto [a, b] = world_->NewPair();
  EXPECT_THAT(poller_->Modify(a, kReadable, 1),
              StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(poller_->Remove(a), StatusIs(absl::StatusCode::kNotFound));
}

TEST_P(PollerConformanceTest, ANumberThatIsNotOpenIsRefused) {
  const auto [a, b] = world_->NewPair();
  world_->Close(a);
  for (const int fd : {a, -1}) {
    EXPECT_THAT(poller_->Add(fd, kReadable, 1, AddHint::kNone),
                StatusIs(absl::StatusCode::kFailedPrecondition));
    EXPECT_THAT(poller_->Remove(fd), Not(IsOk()));
  }
  EXPECT_THAT(Wait(*poller_), IsEmpty());
}

TEST_P(PollerConformanceTest, RemoveEndsReports) {
  const auto [a, b] = world_->NewPair();
  world_->Send(b);
  SLUICE_ASSERT_OK(poller_->Add(a, kReadable, 1, AddHint::kNone));
  EXPECT_THAT(Wait(*poller_), ElementsAre(Pair(1, kReadable)));
  SLUICE_ASSERT_OK(poller_->Remove(a));
  EXPECT_THAT(Wait(*poller_), IsEmpty());
}

TEST_P(PollerConformanceTest, ANumberThatIsReusedIsANewDescriptor) {
  const auto [a, b] = world_->NewPair();
  world_->Send(b);
  SLUICE_ASSERT_OK(poller_->Add(a, kReadable, 1, AddHint::kNone));
  EXPECT_THAT(Wait(*poller_), ElementsAre(Pair(1, kReadable)));
  SLUICE_ASSERT_OK(poller_->Remove(a));
  world_->Close(a);
  world_->Close(b);
  const auto [c, d] = world_->NewPair();
  ASSERT_EQ(std::min(c, d), std::min(a, b));
  SLUICE_ASSERT_OK(poller_->Add(c, kReadable, 2, AddHint::kNone));
  EXPECT_THAT(Wait(*poller_), IsEmpty());
  world_->Send(d);
  EXPECT_THAT(Wait(*poller_), ElementsAre(Pair(2, kReadable)));
}

TEST_P(PollerConformanceTest, EndOfInputIsReadable) {
  const auto [a, b] = world_->NewPair();
  SLUICE_ASSERT_OK(poller_->Add(a, kReadable, 1, AddHint::kNone));
  world_->ShutdownWrite(b);
  EXPECT_EQ(WaitFor(*poller_, 1), kReadable);
}

TEST_P(PollerConformanceTest, BothDirectionsEndedIsAHangup) {
  const auto [a, b] = world_->NewPair();
  SLUICE_ASSERT_OK(poller_->Add(a, kReadable, 1, AddHint::kNone));
  world_->ShutdownWrite(a);
  world_->Close(b);
  EXPECT_EQ(WaitFor(*poller_, 1), kReadable | kHangup);
}

TEST_P(PollerConformanceTest, AResetIsAnError) {
  const auto [a, b] = world_->NewPair();
  SLUICE_ASSERT_OK(poller_->Add(a, kReadable, 1, AddHint::kNone));
  world_->Reset(b);
  EXPECT_EQ(WaitFor(*poller_, 1) & (kReadable | kError), kReadable | kError);
}

TEST_P(PollerConformanceTest, AResetIsReportedWithInterestInWritingOnly) {
  const auto [a, b] = world_->NewPair();
  world_->Fill(a);
  SLUICE_ASSERT_OK(poller_->Add(a, kWritable, 1, AddHint::kNone));
  EXPECT_THAT(Wait(*poller_), IsEmpty());
  world_->Reset(b);
  EXPECT_EQ(WaitFor(*poller_, 1) & kError, kError);
}

TEST_P(PollerConformanceTest, InterestZeroReportsNoReadiness) {
  const auto [a, b] = world_->NewPair();
  world_->Send(b);
  SLUICE_ASSERT_OK(poller_->Add(a, 0, 1, AddHint::kNone));
  EXPECT_THAT(Wait(*poller_), IsEmpty());
  SLUICE_ASSERT_OK(poller_->Modify(a, kReadable, 1));
  EXPECT_THAT(Wait(*poller_), ElementsAre(Pair(1, kReadable)));
  SLUICE_ASSERT_OK(poller_->Modify(a, 0, 1));
  EXPECT_THAT(Wait(*poller_), IsEmpty());
}

TEST_P(PollerConformanceTest, InterestZeroReportsAResetOnceUntilModify) {
  const auto [a, b] = world_->NewPair();
  SLUICE_ASSERT_OK(poller_->Add(a, 0, 1, AddHint::kNone));
  world_->Reset(b);
  EXPECT_EQ(WaitFor(*poller_, 1) & kError, kError);
  for (int i = 0; i < 3; ++i) EXPECT_THAT(Wait(*poller_), IsEmpty());
  SLUICE_ASSERT_OK(poller_->Modify(a, 0, 2));
  EXPECT_EQ(WaitFor(*poller_, 2) & kError, kError);
  EXPECT_THAT(Wait(*poller_), IsEmpty());
  SLUICE_ASSERT_OK(poller_->Modify(a, kReadable, 3));
  EXPECT_EQ(WaitFor(*poller_, 3) & (kReadable | kError), kReadable | kError);
}

// A connection whose reading is paused, because its output is stuck, is reset.
TEST_P(PollerConformanceTest, InterestZeroReportsAResetBehindUnreadInput) {
  const auto [a, b] = world_->NewPair();
  world_->Send(b);
  SLUICE_ASSERT_OK(poller_->Add(a, kReadable, 1, AddHint::kNone));
  SLUICE_ASSERT_OK(poller_->Modify(a, 0, 1));
  for (int i = 0; i < 3; ++i) EXPECT_THAT(Wait(*poller_), IsEmpty());
  IoEvents seen = 0;
  world_->RunDuring([&] { seen = WaitFor(*poller_, 1); },
                    [&, peer = b] { world_->Reset(peer); });
  EXPECT_EQ(seen & kError, kError);
  for (int i = 0; i < 3; ++i) EXPECT_THAT(Wait(*poller_), IsEmpty());
}

TEST_P(PollerConformanceTest, InterestZeroReportsAHangupOnceUntilModify) {
  const auto [a, b] = world_->NewPair();
  SLUICE_ASSERT_OK(poller_->Add(a, kReadable, 1, AddHint::kNone));
  SLUICE_ASSERT_OK(poller_->Modify(a, 0, 1));
  world_->ShutdownWrite(a);
  world_->Close(b);
  EXPECT_EQ(WaitFor(*poller_, 1), kHangup);
  for (int i = 0; i < 3; ++i) EXPECT_THAT(Wait(*poller_), IsEmpty());
}

// Otherwise the loop of a paused connection spins.
TEST_P(PollerConformanceTest, UnwatchedConditionsEndNoWaitForLong) {
  const auto sleeps = [&] {
    for (int i = 0; i < 3; ++i) {
      const MonotonicTime before = world_->clock().Now();
      EXPECT_THAT(Wait(*poller_, absl::Milliseconds(2)), IsEmpty());
      if (world_->clock().Now() - before >= absl::Milliseconds(2)) return true;
    }
    return false;
  };
  const auto [a, b] = world_->NewPair();
  world_->Send(b);
  world_->Fill(a);
  SLUICE_ASSERT_OK(poller_->Add(a, kReadable | kWritable, 1, AddHint::kNone));
  EXPECT_EQ(WaitFor(*poller_, 1), kReadable);
  SLUICE_ASSERT_OK(poller_->Modify(a, kWritable, 1));
  EXPECT_TRUE(sleeps()) << "input that is not asked for";
  SLUICE_ASSERT_OK(poller_->Modify(a, 0, 1));
  EXPECT_TRUE(sleeps()) << "input, and no interest";
  world_->Reset(b);
  EXPECT_EQ(WaitFor(*poller_, 1) & kError, kError);
  EXPECT_TRUE(sleeps()) << "an error that was reported, and no interest";
}

TEST_P(PollerConformanceTest, TimeoutIsNotShorterThanAsked) {
  for (const absl::Duration timeout :
       {absl::Nanoseconds(1), absl::Microseconds(300), absl::Microseconds(1500),
        absl::Milliseconds(3)}) {
    const MonotonicTime before = world_->clock().Now();
    EXPECT_THAT(Wait(*poller_, timeout), IsEmpty());
    EXPECT_GE(world_->clock().Now() - before, timeout);
  }
}

TEST_P(PollerConformanceTest, NegativeTimeoutDoesNotWait) {
  EXPECT_THAT(Wait(*poller_, -absl::Seconds(1)), IsEmpty());
  EXPECT_THAT(Wait(*poller_, -absl::InfiniteDuration()), IsEmpty());
}

TEST_P(PollerConformanceTest, WakeBeforeAWaitEndsItAndOnlyIt) {
  poller_->Wake();
  EXPECT_THAT(Wait(*poller_, kForever), IsEmpty());
  const MonotonicTime before = world_->clock().Now();
  EXPECT_THAT(Wait(*poller_, absl::Milliseconds(2)), IsEmpty());
  EXPECT_GE(world_->clock().Now() - before, absl::Milliseconds(2));
}

TEST_P(PollerConformanceTest, WakeDuringAWaitEndsIt) {
  const MonotonicTime before = world_->clock().Now();
  world_->RunDuring([&] { Wait(*poller_, absl::InfiniteDuration()); },
                    [&] { poller_->Wake(); });
  EXPECT_LT(world_->clock().Now() - before, kForever);
}

TEST_P(PollerConformanceTest, WakeAfterAWaitEndsTheNext) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(Wait(*poller_), IsEmpty());
    poller_->Wake();
    const MonotonicTime before = world_->clock().Now();
    EXPECT_THAT(Wait(*poller_, kForever), IsEmpty());
    EXPECT_LT(world_->clock().Now() - before, kForever);
  }
}

TEST_P(PollerConformanceTest, WakesCoalesce) {
  for (int i = 0; i < 1000; ++i) poller_->Wake();
  EXPECT_THAT(Wait(*poller_, kForever), IsEmpty());
  const MonotonicTime before = world_->clock().Now();
  EXPECT_THAT(Wait(*poller_, absl::Milliseconds(2)), IsEmpty());
  EXPECT_GE(world_->clock().Now() - before, absl::Milliseconds(2));
}

TEST_P(PollerConformanceTest, WakeHidesNoEvent) {
  const auto [a, b] = world_->NewPair();
  SLUICE_ASSERT_OK(poller_->Add(a, kReadable, 1, AddHint::kNone));
  world_->Send(b);
  poller_->Wake();
  EXPECT_EQ(WaitFor(*poller_, 1), kReadable);
}

TEST_P(PollerConformanceTest, ASignalEndsAWaitAndIsNoError) {
  const MonotonicTime before = world_->clock().Now();
  if (!world_->InterruptDuring(
          [&] { EXPECT_THAT(Wait(*poller_, kForever), IsEmpty()); })) {
    GTEST_SKIP() << "a world without signals";
  }
  EXPECT_LT(world_->clock().Now() - before, kForever);
}

TEST_P(PollerConformanceTest, ReturnsAtMostMaxEventsAndStarvesNoDescriptor) {
  constexpr size_t kMaxEvents = 4;
  constexpr uint64_t kDescriptors = 18;
  NewPoller(kMaxEvents);
  for (uint64_t i = 0; i < kDescriptors; ++i) {
    const auto [a, b] = world_->NewPair();
    world_->Send(b);
    SLUICE_ASSERT_OK(poller_->Add(a, kReadable, i, AddHint::kNone));
  }
  // No byte is ever received, so all descriptors are ready in each Wait().
  std::map<uint64_t, int> reports;
  constexpr int kRounds = 10;
  constexpr int kWaits =
      kRounds * ((kDescriptors + kMaxEvents - 1) / kMaxEvents);
  for (int i = 0; i < kWaits; ++i) {
    const Ready ready = Wait(*poller_);
    EXPECT_LE(ready.size(), kMaxEvents);
    for (const auto& [token, flags] : ready) ++reports[token];
  }
  EXPECT_EQ(reports.size(), kDescriptors);
  for (const auto& [token, count] : reports) {
    EXPECT_GE(count, kRounds - 2) << "token " << token;
  }
}

TEST_P(PollerConformanceTest, SaysWhenAWaitHadNoRoomForMore) {
  constexpr size_t kMaxEvents = 4;
  constexpr uint64_t kDescriptors = 18;
  NewPoller(kMaxEvents);
  std::vector<std::pair<int, int>> pairs;
  for (uint64_t i = 0; i < kDescriptors; ++i) {
    pairs.push_back(world_->NewPair());
    SLUICE_ASSERT_OK(
        poller_->Add(pairs.back().first, kReadable, i, AddHint::kNone));
  }
  EXPECT_THAT(Wait(*poller_), IsEmpty());
  EXPECT_FALSE(poller_->has_more());
  for (int round = 0; round < 3; ++round) {
    for (const auto& [a, b] : pairs) world_->Send(b);
    // The order is a ring: whatever its start, all come before one comes twice.
    std::set<uint64_t> tokens;
    for (bool twice = false; !twice;) {
      const Ready ready = Wait(*poller_);
      ASSERT_FALSE(ready.empty());
      EXPECT_TRUE(poller_->has_more() || ready.size() < kMaxEvents);
      for (const auto& [token, flags] : ready) {
        twice |= !tokens.insert(token).second;
      }
    }
    EXPECT_EQ(tokens.size(), kDescriptors);
    for (const auto& [a, b] : pairs) world_->Receive(a);
    Wait(*poller_);
    EXPECT_FALSE(poller_->has_more());
    world_->Send(pairs[round].second);
    EXPECT_EQ(Wait(*poller_).size(), 1u);
    EXPECT_FALSE(poller_->has_more());
  }
}

TEST_P(PollerConformanceTest, AWakeIsSeenThoughEventsFillEveryWait) {
  NewPoller(/*max_events=*/1);
  for (uint64_t i = 0; i < 4; ++i) {
    const auto [a, b] = world_->NewPair();
    SLUICE_ASSERT_OK(poller_->Add(a, kWritable, i, AddHint::kNone));
  }
  poller_->Wake();
  // Each descriptor is still reported.
  std::map<uint64_t, int> reports;
  for (int i = 0; i < 50; ++i) {
    for (const auto& [token, flags] : Wait(*poller_)) ++reports[token];
  }
  EXPECT_EQ(reports.size(), 4u);
}

TEST_P(PollerConformanceTest, ExclusiveDescriptorWorksLikeAnyOther) {
  const auto [a, b] = world_->NewPair();
  SLUICE_ASSERT_OK(poller_->Add(a, kReadable, 1, AddHint::kExclusive));
  EXPECT_THAT(Wait(*poller_), IsEmpty());
  world_->Send(b);
  EXPECT_THAT(Wait(*poller_), ElementsAre(Pair(1, kReadable)));
  SLUICE_ASSERT_OK(poller_->Modify(a, 0, 2));
  EXPECT_THAT(Wait(*poller_), IsEmpty());
  SLUICE_ASSERT_OK(poller_->Modify(a, kReadable | kWritable, 3));
  EXPECT_THAT(Wait(*poller_), ElementsAre(Pair(3, kReadable | kWritable)));
  SLUICE_ASSERT_OK(poller_->Remove(a));
  EXPECT_THAT(Wait(*poller_), IsEmpty());
}

TEST_P(PollerConformanceTest, AgreesWithAModelAfterEachOfManyCalls) {
  struct Registration {
    IoEvents interest;
    uint64_t token;
  };
  struct Model {
    int peer;
    bool has_input = false;
    std::optional<Registration> watched = std::nullopt;
  };
  constexpr size_t kPairs = 24;
  const uint64_t seed = TestSeed();
  SCOPED_TRACE(absl::StrCat("SLUICE_SEED=", seed));
  std::mt19937_64 random(seed);
  std::map<int, Model> models;
  std::vector<int> fds;
  for (size_t i = 0; i < kPairs; ++i) {
    const auto [a, b] = world_->NewPair();
    models[a] = {.peer = b};
    fds.push_back(a);
  }
  for (uint64_t i = 0; i < 3000 && !HasFailure(); ++i) {
    const int fd = fds[random() % kPairs];
    Model& model = models[fd];
    const Registration as = {
        static_cast<IoEvents>(random() & (kReadable | kWritable)), i};
    const bool watched = model.watched.has_value();
    const auto known =
        watched ? absl::StatusCode::kOk : absl::StatusCode::kNotFound;
    switch (random() % 5) {
      case 0:
        EXPECT_THAT(poller_->Add(fd, as.interest, as.token, AddHint::kNone),
                    StatusIs(watched ? absl::StatusCode::kAlreadyExists
                                     : absl::StatusCode::kOk));
        if (!watched) model.watched = as;
        break;
      case 1:
        EXPECT_THAT(poller_->Modify(fd, as.interest, as.token),
                    StatusIs(known));
        if (watched) model.watched = as;
        break;
      case 2:
        EXPECT_THAT(poller_->Remove(fd), StatusIs(known));
        model.watched.reset();
        break;
      case 3:
        world_->Send(model.peer);
        model.has_input = true;
        break;
      case 4:
        world_->Receive(fd);
        model.has_input = false;
        break;
    }
    Ready expected;
    for (const auto& [number, each] : models) {
      if (!each.watched.has_value()) continue;
      const IoEvents holds = kWritable | (each.has_input ? kReadable : 0);
      const IoEvents ready = holds & each.watched->interest;
      if (ready != 0) expected[each.watched->token] = ready;
    }
    EXPECT_EQ(Wait(*poller_), expected) << "after call " << i;
  }
}

TEST_P(PollerConformanceTest, HoldsTenThousandDescriptorsOrSaysItsLimit) {
  constexpr size_t kDescriptors = 10'000;
  const size_t room = std::min(world_->room(), kDescriptors);
  if (room < kDescriptors) {
    std::printf(
        "[   NOTE   ] with %zu descriptors instead of %zu: no more can be "
        "opened\n",
        room, kDescriptors);
  }
  std::vector<int> peers;  // peers of the descriptors with these tokens
  absl::Status added;
  for (size_t opened = 0; opened + 2 <= room && added.ok(); opened += 2) {
    const auto [a, b] = world_->NewPair();
    for (const auto& [fd, peer] : {std::pair(a, b), std::pair(b, a)}) {
      added = poller_->Add(fd, kReadable, peers.size(), AddHint::kNone);
      if (!added.ok()) break;
      peers.push_back(peer);
    }
  }
  const int limit = GetParam().descriptor_limit;
  if (limit != 0 && static_cast<size_t>(limit) < room) {
    EXPECT_THAT(added, StatusIs(absl::StatusCode::kResourceExhausted,
                                HasSubstr(std::to_string(limit))));
  } else {
    SLUICE_EXPECT_OK(added);
  }
  ASSERT_GE(peers.size(), 3u);
  EXPECT_THAT(Wait(*poller_), IsEmpty());
  const std::vector<uint64_t> some = {0, peers.size() / 2, peers.size() - 1};
  for (const uint64_t token : some) world_->Send(peers[token]);
  EXPECT_THAT(Wait(*poller_), UnorderedElementsAre(Pair(some[0], kReadable),
                                                   Pair(some[1], kReadable),
                                                   Pair(some[2], kReadable)));
}

}  // namespace sluice
