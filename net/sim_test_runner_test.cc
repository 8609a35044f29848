#include "sluice/net/sim_test_runner.h"

#include <stdlib.h>

#include <cstdint>
#include <set>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest-spi.h"
#include "gtest/gtest.h"
#include "sluice/net/sim_network.h"

namespace sluice {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// What RunSimTest() reports.
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

SimTestWorlds WorldsWithFaults() {
  SimTestWorlds worlds;
  worlds.most.faults.short_count = 0.5;
  worlds.most.faults.loss = 0.2;
  worlds.most.faults.would_block = 0.1;
  return worlds;
}

TEST(SimTestRunnerTest, RunsTheBodyInAWorldForEachSeed) {
  int runs = 0;
  std::set<double> losses;
  EXPECT_THAT(Report(WorldsWithFaults(),
                     [&](SimNetwork& network) {
                       ++runs;
                       losses.insert(network.faults().loss);
                     }),
              IsEmpty());
  EXPECT_EQ(runs, 100);
  EXPECT_EQ(losses.count(0), 1u);
  EXPECT_GT(losses.size(), 30u);
  EXPECT_LE(*losses.rbegin(), 0.2);
  EXPECT_GT(*losses.rbegin(), 0.15);
}

TEST(SimTestRunnerTest, ShowsTheSeedTheFaultsThatItTakesAndTheCommand) {
  const std::string report =
      Report(WorldsWithFaults(), [](SimNetwork& network) {
        SimHost* const host = network.AddHost("host");
        network.RunFor(absl::Seconds(1));
        host->Crash();
        EXPECT_LT(network.faults().loss, 0.1) << "too much is lost";
      });
  EXPECT_THAT(
      report,
      AllOf(HasSubstr("too much is lost"), HasSubstr(" fails with loss 0.1"),
            Not(HasSubstr("short_count")), Not(HasSubstr("would_block")),
            HasSubstr("--test_filter=SimTestRunnerTest.ShowsTheSeed"),
            HasSubstr("--test_env=SLUICE_SEED="),
            HasSubstr("1.000000 host: crashes")));
}

TEST(SimTestRunnerTest, RepeatsTheSeedOfTheEnvironment) {
  ASSERT_EQ(setenv("SLUICE_SEED", "17", /*overwrite=*/1), 0);
  int runs = 0;
  double loss = 0;
  const auto body = [&](SimNetwork& network) {
    ++runs;
    loss = network.faults().loss;
    ADD_FAILURE() << "as it does";
  };
  ::testing::internal::CaptureStdout();
  EXPECT_THAT(Report(WorldsWithFaults(), body), HasSubstr("as it does"));
  EXPECT_THAT(::testing::internal::GetCapturedStdout(), HasSubstr("seed 17: "));
  const double first = loss;
  ::testing::internal::CaptureStdout();
  EXPECT_THAT(Report(WorldsWithFaults(), body), HasSubstr("as it does"));
  (void)::testing::internal::GetCapturedStdout();
  EXPECT_EQ(loss, first);
  EXPECT_EQ(runs, 2);
  ASSERT_EQ(unsetenv("SLUICE_SEED"), 0);
}

}  // namespace
}  // namespace sluice
