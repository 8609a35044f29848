#include "sluice/net/sim/sim_seed_world.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/net/sim/sim_network.h"
#include "sluice/timer/sim_clock.h"

namespace sluice {
namespace {

using ::testing::AnyOf;
using ::testing::AnyOfArray;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

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

SimNetwork::Options AllFaults() {
  return *WithSimFaults(
      {},
      "short_count=0.247,would_block=0.132,interrupted=0.0335,"
      "no_descriptors=0.3,no_memory=0.21,aborted=0.0186,spurious=0.05,"
      "stall=0.012,loss=0.04835,reset=0.0405,jitter=3.003ms");
}

// Returns the faults that are left of AllFaults().
std::string Shrunk(absl::FunctionRef<bool(const SimNetwork::Options&)> fails) {
  const SimClock clock;
  return SimFaultsToText(ShrinkSimWorld(AllFaults(), fails, &clock));
}

TEST(SimSeedWorldTest, ShrinkingLeavesTheOneFaultThatTheFailureNeeds) {
  EXPECT_EQ(Shrunk([](const auto& w) { return w.faults.loss > 0; }),
            "loss=0.001");
  EXPECT_EQ(Shrunk([](const auto& w) { return w.faults.loss > 0.005; }),
            "loss=0.01");
  EXPECT_EQ(Shrunk([](const auto& w) { return w.faults.loss > 0.01; }),
            "loss=0.04835");
}

TEST(SimSeedWorldTest, ShrinkingLeavesTwoFaultsThatTheFailureNeedsTogether) {
  EXPECT_EQ(Shrunk([](const auto& w) {
              return w.faults.short_count > 0.02 && w.faults.reset > 0;
            }),
            "short_count=0.1,reset=0.001");
}

TEST(SimSeedWorldTest, ShrinkingDropsAFaultThatWasNeededBesideAnother) {
  EXPECT_EQ(Shrunk([](const auto& w) {
              return w.faults.loss > 0.01 &&
                     (w.faults.would_block > 0 || w.faults.reset == 0);
            }),
            "loss=0.04835");
}

TEST(SimSeedWorldTest, ShrinkingDropsAFaultThatIsNotNeededBesideARarerOne) {
  EXPECT_EQ(Shrunk([](const auto& w) {
              return w.faults.loss > 0 &&
                     (w.faults.would_block > 0 || w.faults.loss < 0.01);
            }),
            "loss=0.001");
}

TEST(SimSeedWorldTest, ShrinkingShortensTheJitterToMilliseconds) {
  const auto longer_than = [](absl::Duration jitter) {
    return Shrunk([=](const auto& w) { return w.link.jitter > jitter; });
  };
  EXPECT_EQ(longer_than(absl::ZeroDuration()), "jitter=1ms");
  EXPECT_EQ(longer_than(absl::Milliseconds(1)), "jitter=3.003ms");
}

TEST(SimSeedWorldTest, ShrinkingKeepsTheSeedOfAWorldThatItCannotShrink) {
  SimNetwork::Options world = AllFaults();
  world.seed = 7;
  const SimClock clock;
  const SimNetwork::Options same = ShrinkSimWorld(
      world, [](const auto&) { return false; }, &clock);
  EXPECT_EQ(SimFaultsToText(same), SimFaultsToText(world));
  EXPECT_EQ(same.seed, 7u);
}

TEST(SimSeedWorldTest, ShrinkingEndsWithFaultsOfWhichEachIsNeeded) {
  const std::vector<std::string> all =
      absl::StrSplit(SimFaultsToText(AllFaults()), ',');
  for (int i = 0; i < 1000; ++i) {
    // A third of all worlds fail.
    int tried = 0;
    const auto fails = [&](const SimNetwork::Options& world) {
      ++tried;
      return std::hash<std::string>()(absl::StrCat(i, SimFaultsToText(world))) %
                 3 ==
             0;
    };
    const std::string text = Shrunk(fails);
    EXPECT_LE(tried, 110);
    if (text == "none") continue;
    const std::vector<std::string> items = absl::StrSplit(text, ',');
    for (const std::string& item : items) {
      std::vector<std::string> others = items;
      others.erase(std::find(others.begin(), others.end(), item));
      EXPECT_FALSE(fails(*WithSimFaults(
          {}, others.empty() ? "none" : absl::StrJoin(others, ","))))
          << item << " is not needed in " << text;
      EXPECT_THAT(item, AnyOf(MatchesRegex(".*=(0.1|0.01|0.001|1ms)"),
                              AnyOfArray(all)));
    }
  }
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
