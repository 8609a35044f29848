#include "sluice/log/log_severity.h"

#include <cstddef>
#include <iterator>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;

constexpr LogSeverity kAll[] = {LogSeverity::kDebug, LogSeverity::kInfo,
                                LogSeverity::kWarning, LogSeverity::kError,
                                LogSeverity::kFatal};

TEST(LogSeverity, HasTheNamesOfItsHeader) {
  EXPECT_EQ(LogSeverityName(LogSeverity::kDebug), "debug");
  EXPECT_EQ(LogSeverityName(LogSeverity::kInfo), "info");
  EXPECT_EQ(LogSeverityName(LogSeverity::kWarning), "warning");
  EXPECT_EQ(LogSeverityName(LogSeverity::kError), "error");
  EXPECT_EQ(LogSeverityName(LogSeverity::kFatal), "fatal");
  EXPECT_EQ(LogSeverityName(static_cast<LogSeverity>(5)), "unknown");
}

TEST(LogSeverity, ValuesRiseWithSeverity) {
  for (size_t i = 1; i < std::size(kAll); ++i) EXPECT_LT(kAll[i - 1], kAll[i]);
}

TEST(LogSeverity, IsParsedFromItsName) {
  for (LogSeverity severity : kAll) {
    const auto parsed = ParseLogSeverity(LogSeverityName(severity));
    SLUICE_ASSERT_OK(parsed);
    EXPECT_EQ(*parsed, severity);
  }
}

TEST(LogSeverity, RefusesOtherNamesAndListsTheNames) {
  for (const char* name : {"", "Info", "info ", "unknown"}) {
    EXPECT_THAT(ParseLogSeverity(name),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("debug, info, warning, error or fatal")));
  }
  EXPECT_THAT(
      ParseLogSeverity("lo\nud"),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("\"lo\\nud\"")));
}

}  // namespace
}  // namespace sluice
