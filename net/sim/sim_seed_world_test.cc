#include "sluice/net/sim/sim_seed_world.h"

#include <cstdint>
#include <set>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/net/sim/sim_network.h"
#include "sluice/timer/sim_clock.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;

SimNetwork::Options Most() {
  SimNetwork::Options most;
  most.faults.short_count = 0.5;
  most.faults.loss = 0.2;
  most.faults.reset = 0.0007;
  most.link.jitter = absl::Milliseconds(3);
  return most;
}

TEST(SimSeedWorldTest, DrawsPartsOfTheUpperBounds) {
  std::set<double> losses;
  std::set<absl::Duration> jitters;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    const SimNetwork::Options world = DrawSimWorld(Most(), seed);
    EXPECT_EQ(world.seed, seed);
    EXPECT_EQ(world.faults.would_block, 0);
    EXPECT_LE(world.faults.reset, 0.0007);
    losses.insert(world.faults.loss);
    jitters.insert(world.link.jitter);
  }
  EXPECT_EQ(losses.count(0), 1u);
  EXPECT_GT(losses.size(), 30u);
  EXPECT_LE(*losses.rbegin(), 0.2);
  EXPECT_GT(*losses.rbegin(), 0.15);
  EXPECT_GT(jitters.size(), 90u);
  EXPECT_LE(*jitters.rbegin(), absl::Milliseconds(3));
}

TEST(SimSeedWorldTest, TheTextOfAWorldParsesToTheSameWorld) {
  for (uint64_t seed = 1; seed <= 1000; ++seed) {
    const SimNetwork::Options world = DrawSimWorld(Most(), seed);
    const std::string text = SimFaultsToText(world);
    const auto again = WithSimFaults(Most(), text);
    SLUICE_ASSERT_OK(again.status());
    EXPECT_EQ(again->faults.short_count, world.faults.short_count) << text;
    EXPECT_EQ(again->faults.loss, world.faults.loss) << text;
    EXPECT_EQ(again->faults.reset, world.faults.reset) << text;
    EXPECT_EQ(again->link.jitter, world.link.jitter) << text;
  }
}

TEST(SimSeedWorldTest, AWorldWithoutFaultsHasATextToo) {
  EXPECT_EQ(SimFaultsToText({}), "none");
  const auto world = WithSimFaults(Most(), "none");
  SLUICE_ASSERT_OK(world.status());
  EXPECT_EQ(SimFaultsToText(*world), "none");
}

TEST(SimSeedWorldTest, RefusesTextThatIsNotAWorld) {
  for (const char* const text :
       {"", "los=0.1", "loss", "loss=x", "loss=2", "loss=-1", "loss=0.1,",
        "jitter=3", "jitter=-1s"}) {
    EXPECT_THAT(WithSimFaults({}, text),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("must be like loss=0.01,jitter=1.5ms")))
        << text;
  }
}

TEST(SimSeedWorldTest, ShrinkingDropsFaultsThatTheFailureDoesNotNeed) {
  SimNetwork::Options world = Most();
  world.seed = 7;
  const SimClock clock;
  const SimNetwork::Options less = ShrinkSimWorld(
      world, [](const auto& w) { return w.faults.loss > 0.03; }, &clock);
  EXPECT_EQ(SimFaultsToText(less), "loss=0.05");
  EXPECT_EQ(less.seed, 7u);
}

TEST(SimSeedWorldTest, ShrinkingHalvesTheJitterTooInMicroseconds) {
  SimNetwork::Options world = Most();
  world.link.jitter = absl::Microseconds(3003);
  const SimClock clock;
  const SimNetwork::Options less = ShrinkSimWorld(
      world,
      [](const auto& w) { return w.link.jitter > absl::Microseconds(400); },
      &clock);
  EXPECT_EQ(SimFaultsToText(less), "jitter=750us");
}

TEST(SimSeedWorldTest, ShrinkingKeepsAWorldThatNeedsAllItsFaults) {
  const SimClock clock;
  const SimNetwork::Options less = ShrinkSimWorld(
      Most(), [](const auto&) { return false; }, &clock);
  EXPECT_EQ(SimFaultsToText(less), SimFaultsToText(Most()));
}

TEST(SimSeedWorldTest, ShrinkingTriesFiftyWorldsAtMost) {
  const SimClock clock;
  int tried = 0;
  (void)ShrinkSimWorld(
      Most(),
      [&](const auto& w) {
        ++tried;
        return w.faults.loss > 0 && w.faults.short_count > 0 &&
               w.link.jitter > absl::ZeroDuration();
      },
      &clock);
  EXPECT_EQ(tried, 50);
}

TEST(SimSeedWorldTest, ShrinkingEndsAfterTenSeconds) {
  SimClock clock;
  int tried = 0;
  (void)ShrinkSimWorld(
      Most(),
      [&](const auto&) {
        ++tried;
        clock.Advance(absl::Seconds(4));
        return false;
      },
      &clock);
  EXPECT_EQ(tried, 3);
}

}  // namespace
}  // namespace sluice
