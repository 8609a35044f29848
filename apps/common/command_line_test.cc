#include "sluice/apps/common/command_line.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"

namespace sluice {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

enum class Color { kRed, kBlue };

absl::string_view ColorName(Color color) {
  return color == Color::kRed ? "red" : "blue";
}

absl::StatusOr<Color> ParseColor(absl::string_view name) {
  if (name == "red") return Color::kRed;
  if (name == "blue") return Color::kBlue;
  return absl::InvalidArgumentError(absl::StrCat("no color \"", name, "\""));
}

class CommandLineTest : public ::testing::Test {
 protected:
  CommandLineTest() : line_("prog", "does things") {
    line_.AddString("name", "WHO", "who it is", &name_);
    line_.AddList("list", "A,B", "several", &list_);
    line_.AddBool("flag", "a switch", &flag_);
    line_.AddInt("count", "how many", 1, &count_);
    line_.AddDuration("delay", "how long", &delay_);
    line_.AddNamed("color", "COLOR", "which", ParseColor, ColorName, &color_);
  }
  absl::StatusOr<CommandLine::Next> Parse(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "prog");
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    return line_.Parse(static_cast<int>(argv.size() - 1), argv.data());
  }

  std::string name_ = "nobody";
  std::vector<std::string> list_;
  bool flag_ = false;
  int64_t count_ = 3;
  absl::Duration delay_ = absl::Seconds(5);
  Color color_ = Color::kRed;
  CommandLine line_;
};

TEST_F(CommandLineTest, WithoutArgumentsValuesKeepTheirDefaults) {
  const auto next = Parse({});
  SLUICE_ASSERT_OK(next);
  EXPECT_EQ(*next, CommandLine::Next::kRun);
  EXPECT_EQ(name_, "nobody");
  EXPECT_EQ(count_, 3);
  EXPECT_FALSE(line_.given("name"));
}

TEST_F(CommandLineTest, TakesBothSpellings) {
  SLUICE_ASSERT_OK(Parse({"--name=a=b", "--count", "17", "--flag", "--list=x,y",
                          "--delay=250ms", "--color=blue"}));
  EXPECT_EQ(name_, "a=b");
  EXPECT_EQ(count_, 17);
  EXPECT_TRUE(flag_);
  EXPECT_THAT(list_, ElementsAre("x", "y"));
  EXPECT_EQ(delay_, absl::Milliseconds(250));
  EXPECT_EQ(color_, Color::kBlue);
  EXPECT_TRUE(line_.given("name"));
  EXPECT_TRUE(line_.given("flag"));
}

TEST_F(CommandLineTest, DurationsAreSecondsWithoutAUnit) {
  SLUICE_ASSERT_OK(Parse({"--delay=1.5"}));
  EXPECT_EQ(delay_, absl::Milliseconds(1500));
  SLUICE_ASSERT_OK(Parse({"--delay=0"}));
  EXPECT_EQ(delay_, absl::ZeroDuration());
  SLUICE_ASSERT_OK(Parse({"--delay=inf"}));
  EXPECT_EQ(delay_, absl::InfiniteDuration());
}

TEST_F(CommandLineTest, ErrorsNameTheFlagAndTheValue) {
  const auto invalid = [](const char* flag, const char* what) {
    return StatusIs(absl::StatusCode::kInvalidArgument,
                    AllOf(HasSubstr(flag), HasSubstr(what)));
  };
  EXPECT_THAT(Parse({"--nonsense"}), invalid("--nonsense", "not a flag"));
  EXPECT_THAT(Parse({"--nonsense=1"}), invalid("--nonsense=1", "not a flag"));
  EXPECT_THAT(Parse({"--name"}), invalid("--name", "needs a value"));
  EXPECT_THAT(Parse({"--count=many"}),
              invalid("--count: \"many\"", "not a whole number"));
  EXPECT_THAT(Parse({"--count=0"}), invalid("--count: \"0\"", "less than 1"));
  EXPECT_THAT(Parse({"--count=99999999999999999999"}),
              invalid("--count", "not a whole number"));
  EXPECT_THAT(Parse({"--delay=soon"}), invalid("--delay: \"soon\"", "500ms"));
  EXPECT_THAT(Parse({"--delay=-1s"}), invalid("--delay: \"-1s\"", "negative"));
  EXPECT_THAT(Parse({"--delay=nan"}), invalid("--delay: \"nan\"", "500ms"));
  EXPECT_THAT(Parse({"--color=x"}), invalid("--color: ", "no color \"x\""));
  EXPECT_THAT(Parse({"--flag=yes"}), invalid("--flag=yes", "takes no value"));
  EXPECT_THAT(Parse({"stray"}), invalid("\"stray\"", "not a flag"));
  EXPECT_THAT(Parse({"-x"}), invalid("-x", "not a flag"));
}

TEST_F(CommandLineTest, HelpListsEveryFlagWithItsDefault) {
  EXPECT_THAT(line_.Help(),
              AllOf(HasSubstr("prog: does things"),
                    HasSubstr("--name=WHO\n      who it is (default nobody)"),
                    HasSubstr("--flag\n      a switch\n"),
                    HasSubstr("--delay=TIME\n      how long (default 5s)"),
                    HasSubstr("--color=COLOR\n      which (default red)"),
                    HasSubstr("--version"), HasSubstr("--help")));
}

TEST_F(CommandLineTest, HelpAndVersionAreAnsweredOnStdout) {
  ::testing::internal::CaptureStdout();
  EXPECT_EQ(*Parse({"--help"}), CommandLine::Next::kExit);
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), line_.Help());
  ::testing::internal::CaptureStdout();
  EXPECT_EQ(*Parse({"--version"}), CommandLine::Next::kExit);
  EXPECT_THAT(::testing::internal::GetCapturedStdout(),
              ::testing::MatchesRegex("prog [0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

TEST_F(CommandLineTest, FailuresNameTheProgram) {
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(line_.Fail(absl::NotFoundError("no such thing")), 1);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "prog: no such thing\n");
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(line_.FailUsage(absl::InvalidArgumentError("bad")), 2);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(),
            "prog: bad\n--help lists the flags\n");
}

}  // namespace
}  // namespace sluice
