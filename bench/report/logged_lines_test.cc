#include "sluice/bench/report/logged_lines.h"

#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;

std::string Message(int number) {
  char text[kLoggedMessageSize];
  return std::string(text, PutLoggedMessage(LoggedValuesOf(number), text));
}

std::string File(const std::vector<int>& numbers) {
  std::string file;
  for (int number : numbers) {
    absl::StrAppend(&file, "10:20:30.123456 info ", Message(number), "\n");
  }
  return file;
}

absl::Status Check(const std::string& file) {
  return CheckLoggedLines(file, 2, 3);
}

TEST(LoggedLinesTest, AMessageIsItsValues) {
  const LoggedValues values = LoggedValuesOf(17);
  EXPECT_EQ(Message(17), absl::StrCat("request 17 took ", values.millis,
                                      " ms for ", values.path));
}

TEST(LoggedLinesTest, ValuesDifferFromMessageToMessageAndAreShort) {
  std::set<double> millis;
  for (int i = 0; i < 2'000; ++i) {
    const LoggedValues values = LoggedValuesOf(i);
    EXPECT_EQ(values.number, i);
    EXPECT_EQ(values.path.size(), 12u);
    millis.insert(values.millis);
    ASSERT_LE(absl::StrCat(values.millis).size(), 6u);
  }
  EXPECT_EQ(millis.size(), 2'000u);
}

TEST(LoggedLinesTest, ThereIsRoomForEveryMessage) {
  EXPECT_LE(Message(2'147'483'647).size(), kLoggedMessageSize);
}

// Streams and %g print six digits at most. A logger that prints the value by
// one of them must pass the check.
TEST(LoggedLinesTest, MillisecondsAreSixDigitsAtMost) {
  for (int i = 0; i < 200'000; ++i) {
    const LoggedValues values = LoggedValuesOf(i);
    ASSERT_THAT(Message(i),
                HasSubstr(absl::StrCat(" took ", values.millis, " ms")));
  }
}

TEST(LoggedLinesTest, ThreadsMayTakeTurns) {
  SLUICE_EXPECT_OK(Check(File({0, 1, 2, 3, 4, 5})));
  SLUICE_EXPECT_OK(Check(File({3, 0, 4, 1, 2, 5})));
}

TEST(LoggedLinesTest, FindsAMissingLine) {
  EXPECT_THAT(Check(""),
              StatusIs(absl::StatusCode::kDataLoss, "lacks messages 0 to 2"));
  EXPECT_THAT(Check(File({0, 1, 2, 3, 4})),
              StatusIs(absl::StatusCode::kDataLoss, "lacks messages 5 to 5"));
  EXPECT_THAT(Check(File({0, 2, 3, 4, 5})),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr(Message(2))));
}

TEST(LoggedLinesTest, FindsADuplicateLine) {
  EXPECT_THAT(Check(File({0, 1, 1, 2, 3, 4, 5})),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr(Message(1))));
}

TEST(LoggedLinesTest, FindsAThreadsLinesOutOfOrder) {
  EXPECT_THAT(Check(File({0, 1, 2, 3, 5, 4})),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr(Message(5))));
}

TEST(LoggedLinesTest, FindsALineThatNoThreadHasLogged) {
  EXPECT_THAT(Check(File({0, 1, 2, 3, 4, 5, 6})),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr(Message(6))));
  EXPECT_THAT(Check(File({0, 1, 2, 3, 4, 5}) + "Log file closed\n"),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("closed")));
  EXPECT_FALSE(Check(File({0, 1, 2}) + "\n" + File({3, 4, 5})).ok());
}

TEST(LoggedLinesTest, AHeadMayStandBeforeTheFirstMessage) {
  SLUICE_EXPECT_OK(Check("Log file created\n\n" + File({0, 1, 2, 3, 4, 5})));
  EXPECT_FALSE(Check("Log file created\n").ok());
  EXPECT_FALSE(Check("Log file created").ok());
}

TEST(LoggedLinesTest, FindsWrongValuesAndTruncatedLines) {
  const std::string good = File({0, 1, 2, 3, 4, 5});
  for (size_t i = 0; i < good.size(); ++i) {
    EXPECT_FALSE(Check(good.substr(0, i)).ok()) << i;
  }
  for (const std::string text : {"took", " ms", "/v1/sessions"}) {
    std::string bad = good;
    ++bad[bad.find(text) + 1];
    EXPECT_FALSE(Check(bad).ok()) << text;
  }
}

}  // namespace
}  // namespace sluice
