#include "sluice/bench/report/comparison.h"

#include <signal.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class ComparisonTest : public ::testing::Test {
 protected:
  // Returns a contender that always measures `value`, and that appends its name
  // to the log each time.
  Contender Steady(const std::string& name, double value) {
    return {name, [this, name, value] {
              std::ofstream(log_, std::ios::app) << name << ' ';
              return std::vector<double>{value};
            }};
  }

  int Run(std::vector<std::string> flags, std::vector<ComparedCase> cases) {
    std::vector<char*> argv = {program_.data()};
    for (std::string& flag : flags) argv.push_back(flag.data());
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    const int code =
        RunComparison(static_cast<int>(argv.size()), argv.data(),
                      {"Things", "//bench:things", {"dpkg"}, std::move(cases)});
    output_ = ::testing::internal::GetCapturedStdout();
    error_ = ::testing::internal::GetCapturedStderr();
    return code;
  }

  std::vector<std::string> Turns() const {
    std::ifstream file(log_);
    std::string line;
    std::getline(file, line);
    return absl::StrSplit(line, ' ', absl::SkipEmpty());
  }

  const std::string log_ = absl::StrCat(
      ::testing::TempDir(), "/",
      ::testing::UnitTest::GetInstance()->current_test_info()->name());
  std::string program_ = "things";
  std::string output_;
  std::string error_;
};

TEST_F(ComparisonTest, RoundsGoForthAndBackAndTheLimitIsMeasuredAgain) {
  EXPECT_EQ(
      Run({"--rounds=2"}, {{"a case",
                            {"ns"},
                            {Steady("L", 1), Steady("S", 2), Steady("P", 4)}}}),
      0);
  EXPECT_THAT(Turns(), ElementsAre("L", "S", "P", "L", "L", "P", "S", "L"));
  EXPECT_THAT(output_, HasSubstr("\n**a case**\n\n| | ns |"));
  EXPECT_THAT(output_, HasSubstr("| S | 2.00 (2.00 to 2.00) | 2.00 (2"));
  EXPECT_THAT(output_, HasSubstr("| P | 4.00 (4.00 to 4.00) | 4.00 (4"));
  EXPECT_THAT(output_, HasSubstr("| L again | 1.00 (1.00 to 1.00) | 1.00 (1"));
}

TEST_F(ComparisonTest, EachMetricHasATable) {
  const auto two = [] { return std::vector<double>{1, 20}; };
  EXPECT_EQ(
      Run({"--rounds=1"}, {{"a case", {"ns", "us"}, {{"L", two}, {"S", two}}}}),
      0);
  EXPECT_THAT(output_, HasSubstr("| | ns | of the limit's | Sluice's of it |\n"
                                 "|---|--:|--:|--:|\n"
                                 "| L | 1.00"));
  EXPECT_THAT(output_, HasSubstr("| | us | of the limit's | Sluice's of it |\n"
                                 "|---|--:|--:|--:|\n"
                                 "| L | 20.0"));
}

TEST_F(ComparisonTest, PrintsTheConditions) {
  EXPECT_EQ(Run({"--rounds=1"},
                {{"a case", {"ns"}, {Steady("L", 1), Steady("S", 2)}}}),
            0);
  EXPECT_THAT(output_, ::testing::MatchesRegex(
                           "[0-9]+ CPUs of .*; dpkg [0-9].*; 1 rounds.\n.*"));
}

TEST_F(ComparisonTest, ThePictureOmitsTheLimitsSecondRow) {
  const std::string path = log_ + ".svg";
  EXPECT_EQ(Run({"--rounds=1", "--svg=" + path},
                {{"a case", {"ns"}, {Steady("L", 1), Steady("Sluice", 2)}}}),
            0);
  std::stringstream svg;
  svg << std::ifstream(path).rdbuf();
  EXPECT_THAT(svg.str(), HasSubstr(">a case</text>"));
  EXPECT_THAT(svg.str(), HasSubstr(">L</text>"));
  EXPECT_THAT(svg.str(), Not(HasSubstr("again")));
  EXPECT_THAT(svg.str(), HasSubstr("<rect class=\"limit\""));
  EXPECT_THAT(svg.str(), HasSubstr("<rect class=\"sluice\""));
}

TEST_F(ComparisonTest, APictureThatCannotBeWrittenIsAnError) {
  EXPECT_EQ(Run({"--rounds=1", "--svg=/no/such/folder/picture.svg"},
                {{"a case", {"ns"}, {Steady("L", 1), Steady("S", 2)}}}),
            1);
  EXPECT_THAT(error_, HasSubstr("/no/such/folder/picture.svg"));
}

TEST_F(ComparisonTest, ACrashOfOneLeavesTheOthersTheirFigures) {
  const Contender crashing = {"peer", [&]() -> std::vector<double> {
                                std::ofstream(log_, std::ios::app) << "peer ";
                                raise(SIGKILL);
                                return {1};
                              }};
  const std::string svg = log_ + ".svg";
  EXPECT_EQ(
      Run({"--rounds=2", "--svg=" + svg},
          {{"a case", {"ns"}, {Steady("L", 1), Steady("S", 2), crashing}}}),
      1);
  EXPECT_FALSE(std::ifstream(svg).is_open());
  // The peer is not measured in the second round.
  EXPECT_THAT(Turns(), ElementsAre("L", "S", "peer", "L", "L", "S", "L"));
  EXPECT_THAT(error_, HasSubstr("a case, peer: killed by signal 9"));
  EXPECT_THAT(output_, HasSubstr("| peer | killed by signal 9"));
  EXPECT_THAT(output_, HasSubstr("| S | 2.00"));
}

TEST_F(ComparisonTest, AHangEndsAtTheTimeLimit) {
  const Contender hanging = {"peer", []() -> std::vector<double> {
                               while (true) pause();
                             }};
  EXPECT_EQ(
      Run({"--rounds=1", "--time_limit=20ms"},
          {{"a case", {"ns"}, {Steady("L", 1), Steady("S", 2), hanging}}}),
      1);
  EXPECT_THAT(error_, HasSubstr("a case, peer: not done in 20ms"));
}

TEST_F(ComparisonTest, CasesArePickedByTheirNames) {
  const std::vector<ComparedCase> cases = {
      {"red", {"ns"}, {Steady("L", 1), Steady("S", 2)}},
      {"green", {"ns"}, {Steady("L", 1), Steady("S", 2)}}};
  EXPECT_EQ(Run({"--rounds=1", "--case=gre"}, cases), 0);
  EXPECT_THAT(output_, HasSubstr("**green**"));
  EXPECT_THAT(output_, Not(HasSubstr("**red**")));
  EXPECT_EQ(Run({"--case=blue"}, cases), 2);
  EXPECT_THAT(error_, HasSubstr("\"blue\" is in none of: red; green"));
}

TEST_F(ComparisonTest, FewerThanOneRoundIsRefused) {
  EXPECT_EQ(Run({"--rounds=0"},
                {{"a case", {"ns"}, {Steady("L", 1), Steady("S", 2)}}}),
            2);
  EXPECT_THAT(error_, HasSubstr("--rounds"));
  EXPECT_THAT(Turns(), ElementsAre());
}

}  // namespace
}  // namespace sluice
