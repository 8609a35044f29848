#include "sluice/net/sim/sim_test_runner.h"

#include <stdlib.h>

#include <climits>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest-spi.h"
#include "gtest/gtest.h"
#include "sluice/base/check.h"
#include "sluice/net/sim/sim_network.h"
#include "sluice/net/sim/sim_wire.h"

namespace sluice {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::Not;

// Returns the failures that RunSimTest() reports.
std::string Report(const SimTestWorlds& worlds,
                   absl::FunctionRef<void(SimNetwork&)> body) {
  ::testing::TestPartResultArray results;
  {
    ::testing::ScopedFakeTestPartResultReporter reporter(
        ::testing::ScopedFakeTestPartResultReporter::
            INTERCEPT_ONLY_CURRENT_THREAD,
        &results);
    RunSimTest(worlds, body);
  }
  std::string report;
  for (int i = 0; i < results.size(); ++i) {
    absl::StrAppend(&report, results.GetTestPartResult(i).message(), "\n");
  }
  return report;
}

// Sets an environment variable for the lifetime of this object.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    EXPECT_EQ(setenv(name, value, /*overwrite=*/1), 0);
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  ~Variable() { EXPECT_EQ(unsetenv(name_), 0); }

 private:
  const char* const name_;
};

SimTestWorlds WorldsWithFaults() {
  SimTestWorlds worlds;
  worlds.most.faults.short_count = 0.5;
  worlds.most.faults.loss = 0.2;
  worlds.most.faults.would_block = 0.1;
  return worlds;
}

// Clears the environment, in which a run of this test may name seeds.
class SimTestRunnerTest : public ::testing::Test {
 protected:
  SimTestRunnerTest() {
    for (const char* name : {"SLUICE_SEED", "SLUICE_SEEDS", "SLUICE_FAULTS"}) {
      EXPECT_EQ(unsetenv(name), 0);
    }
  }
};

TEST_F(SimTestRunnerTest, RefusesWorldsOutOfRange) {
  const auto nothing = [](SimNetwork&) {};
  for (const int seeds : {INT_MIN, -1, 0}) {
    EXPECT_THAT(Report({.seeds = seeds}, nothing),
                HasSubstr(absl::StrCat("SimTestWorlds: seeds is ", seeds,
                                       ", and must be at least 1")));
  }
  SimTestWorlds worlds;
  worlds.most.link.jitter = absl::InfiniteDuration();
  EXPECT_THAT(Report(worlds, nothing), HasSubstr("jitter is inf"));
  worlds = {};
  worlds.most.faults.loss = -1;
  EXPECT_THAT(Report(worlds, nothing), HasSubstr("loss is -1"));
}

TEST_F(SimTestRunnerTest, RunsTheBodyInAWorldForEachSeed) {
  int runs = 0;
  std::set<double> losses;
  EXPECT_THAT(Report(WorldsWithFaults(),
                     [&](SimNetwork& network) {
                       ++runs;
                       losses.insert(network.faults().loss);
                     }),
              IsEmpty());
  EXPECT_EQ(runs, 100);
  EXPECT_GT(losses.size(), 30u);
}

TEST_F(SimTestRunnerTest, SaysHowManySeedsItRanInWhichTime) {
  ::testing::internal::CaptureStdout();
  RunSimTest({.seeds = 12}, [](SimNetwork&) {});
  EXPECT_THAT(::testing::internal::GetCapturedStdout(),
              MatchesRegex("12 seeds in [0-9.]+ s, [0-9]+/s\n"));
  const ::testing::TestResult& result =
      *::testing::UnitTest::GetInstance()->current_test_info()->result();
  ASSERT_EQ(result.test_property_count(), 2);
  EXPECT_STREQ(result.GetTestProperty(0).key(), "seeds");
  EXPECT_STREQ(result.GetTestProperty(0).value(), "12");
  EXPECT_STREQ(result.GetTestProperty(1).key(), "seconds");
}

TEST_F(SimTestRunnerTest, TakesTheNumberOfSeedsFromTheEnvironment) {
  const Variable seeds("SLUICE_SEEDS", "120");
  int runs = 0;
  EXPECT_THAT(Report({.seeds = 5}, [&](SimNetwork&) { ++runs; }), IsEmpty());
  EXPECT_EQ(runs, 120);
}

TEST_F(SimTestRunnerTest, TakesTheRangeOfSeedsFromTheEnvironment) {
  const auto worlds_of = [](const char* range) {
    const Variable seeds("SLUICE_SEEDS", range);
    std::vector<double> worlds;
    EXPECT_THAT(Report(WorldsWithFaults(),
                       [&](SimNetwork& network) {
                         worlds.push_back(network.faults().short_count);
                       }),
                IsEmpty());
    return worlds;
  };
  const std::vector<double> all = worlds_of("40");
  EXPECT_THAT(worlds_of("31-40"),
              ElementsAreArray(all.begin() + 30, all.begin() + 40));
  EXPECT_THAT(worlds_of("40-40"), ElementsAre(all.back()));
}

TEST_F(SimTestRunnerTest, FailsForSeedsThatItCannotRead) {
  for (const char* const text :
       {"", "many", "0", "-5", "1-", "20-10", "1-2-3", "1 - x",
        "99999999999999999999", "18446744073709551615"}) {
    const Variable seeds("SLUICE_SEEDS", text);
    int runs = 0;
    EXPECT_THAT(
        Report({}, [&](SimNetwork&) { ++runs; }),
        AllOf(HasSubstr(absl::StrCat("SLUICE_SEEDS is \"", text, "\"")),
              HasSubstr("a number of seeds, such as 20000, or a range, such as "
                        "500001-1000000")));
    EXPECT_EQ(runs, 0) << text;
  }
  const Variable seed("SLUICE_SEED", "x17");
  EXPECT_THAT(Report({}, [](SimNetwork&) {}),
              HasSubstr("SLUICE_SEED is \"x17\"; it must be a number"));
}

TEST_F(SimTestRunnerTest, ShowsTheSeedTheFaultsThatItTakesAndTheCommand) {
  const std::string report =
      Report(WorldsWithFaults(), [](SimNetwork& network) {
        SimHost* const host = network.AddHost("host");
        network.RunFor(absl::Seconds(1));
        host->Crash();
        EXPECT_LT(network.faults().loss, 0.1) << "too much is lost";
      });
  EXPECT_THAT(
      report,
      AllOf(HasSubstr("too much is lost"), HasSubstr(" fails with loss=0.1"),
            Not(HasSubstr("short_count")), Not(HasSubstr("would_block")),
            HasSubstr("--test_filter=SimTestRunnerTest.ShowsTheSeed"),
            HasSubstr("--test_env=SLUICE_SEED="),
            HasSubstr(" --test_env=SLUICE_FAULTS=loss=0.1"),
            HasSubstr("1.000000 host: crashes")));
}

// Assertions of all kinds, in the places where bodies have them.
void HelperThatAsserts(SimNetwork& network, int* reached) {
  ASSERT_EQ(network.faults().loss, 0) << "in a helper";
  ++*reached;
}

TEST_F(SimTestRunnerTest, SeesAssertionsInHelpers) {
  int reached = 0;
  EXPECT_THAT(Report(WorldsWithFaults(),
                     [&](SimNetwork& network) {
                       HelperThatAsserts(network, &reached);
                     }),
              AllOf(HasSubstr("in a helper"), HasSubstr(" fails with loss=")));
  EXPECT_LT(reached, 100);
}

TEST_F(SimTestRunnerTest, SeesFatalFailuresOfHelpersBelowTheBody) {
  int reached = 0, past = 0;
  EXPECT_THAT(
      Report(WorldsWithFaults(),
             [&](SimNetwork& network) {
               ASSERT_NO_FATAL_FAILURE(HelperThatAsserts(network, &reached));
               ++past;
             }),
      HasSubstr("in a helper"));
  EXPECT_EQ(past, reached);
}

TEST_F(SimTestRunnerTest, SeesFailuresInCallbacksOfTheWorld) {
  EXPECT_THAT(
      Report({},
             [](SimNetwork& network) {
               network.At(network.now() + absl::Seconds(1),
                          [] { FAIL() << "in an event"; });
               network.RunFor(absl::Seconds(2));
             }),
      AllOf(HasSubstr("in an event"), HasSubstr("seed 1 fails with none")));
}

TEST_F(SimTestRunnerTest, SaysThatAFailureDoesNotComeAgain) {
  bool ran = false;
  EXPECT_THAT(
      Report({}, [&](SimNetwork&) { EXPECT_TRUE(std::exchange(ran, true)); }),
      AllOf(HasSubstr("seed 1 fails with none\nagain: "),
            HasSubstr("the second run in the same world did not fail")));
}

TEST_F(SimTestRunnerTest, RepeatsTheSeedOfTheEnvironment) {
  const Variable seed("SLUICE_SEED", "17");
  std::set<double> losses;
  int runs = 0;
  const auto body = [&](SimNetwork& network) {
    ++runs;
    losses.insert(network.faults().loss);
    (void)network.AddHost("host")->Crash();
    ADD_FAILURE() << "as it does";
  };
  for (int i = 0; i < 2; ++i) {
    ::testing::internal::CaptureStdout();
    EXPECT_THAT(Report(WorldsWithFaults(), body), HasSubstr("as it does"));
    EXPECT_THAT(
        ::testing::internal::GetCapturedStdout(),
        MatchesRegex("0.000000 host: crashes\nseed 17: [a-z].*=0[.][0-9]+\n"));
  }
  EXPECT_EQ(losses.size(), 1u);
  EXPECT_EQ(runs, 2);
}

TEST_F(SimTestRunnerTest, UsesTheFaultsOfTheEnvironment) {
  const Variable seed("SLUICE_SEED", "17");
  SimFaults faults;
  const auto body = [&](SimNetwork& network) { faults = network.faults(); };
  {
    const Variable given("SLUICE_FAULTS", "loss=0.125");
    EXPECT_THAT(Report(WorldsWithFaults(), body), IsEmpty());
  }
  EXPECT_EQ(faults.loss, 0.125);
  EXPECT_EQ(faults.short_count, 0);
  const Variable given("SLUICE_FAULTS", "los=0.125");
  EXPECT_THAT(Report(WorldsWithFaults(), body), HasSubstr("no fault"));
}

class SimTestRunnerDeathTest : public SimTestRunnerTest {};

TEST_F(SimTestRunnerDeathTest, SaysWhichSeedEndsTheProgramAndTheCommand) {
  int runs = 0;
  const auto body = [&](SimNetwork&) { SLUICE_CHECK(++runs < 7); };
  EXPECT_DEATH(RunSimTest(WorldsWithFaults(), body),
               "CHECK failed: (.|\n)*"
               "seed 7 ends the program with [a-z].*\n"
               "again: bazel test .*SaysWhichSeedEndsTheProgramAndTheCommand "
               "--test_env=SLUICE_SEED=7 --test_output=all");
}

TEST_F(SimTestRunnerDeathTest, ShowsTheTraceOfASeedThatEndsTheProgramAgain) {
  const Variable seed("SLUICE_SEED", "17");
  EXPECT_DEATH(RunSimTest(WorldsWithFaults(),
                          [](SimNetwork& network) {
                            network.AddHost("host")->Crash();
                            SLUICE_CHECK(false);
                          }),
               "0.000000 host: crashes\nseed 17 ends the program with [a-z]");
}

}  // namespace
}  // namespace sluice
