#include "sluice/log/internal/log_levels.h"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/log/log_severity.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;

TEST(LogLevelsTest, EnablesTheLevelAndHigherSeverities) {
  LogLevels levels(LogSeverity::kInfo);
  EXPECT_FALSE(levels.Enabled(LogSeverity::kDebug, "a.cc"));
  EXPECT_TRUE(levels.Enabled(LogSeverity::kInfo, "a.cc"));
  EXPECT_TRUE(levels.Enabled(LogSeverity::kError, "a.cc"));
  levels.Set(LogSeverity::kError);
  EXPECT_FALSE(levels.Enabled(LogSeverity::kWarning, "a.cc"));
  EXPECT_TRUE(levels.Enabled(LogSeverity::kFatal, "a.cc"));
  levels.Set(LogSeverity::kDebug);
  EXPECT_TRUE(levels.Enabled(LogSeverity::kDebug, "a.cc"));
}

TEST(LogLevelsTest, AFileMayHaveALevelOfItsOwn) {
  LogLevels levels(LogSeverity::kInfo);
  const auto debug = [&](const char* file) {
    return levels.Enabled(LogSeverity::kDebug, file);
  };
  EXPECT_FALSE(debug("net/tcp_server.cc"));
  SLUICE_ASSERT_OK(levels.SetForFile("tcp_server.cc", LogSeverity::kDebug));
  EXPECT_TRUE(debug("net/tcp_server.cc"));
  EXPECT_TRUE(debug("tcp_server.cc"));
  EXPECT_FALSE(debug("net/my_tcp_server.cc"));
  EXPECT_FALSE(debug("net/tcp_server.h"));
  // A file may also have a higher level than the rest.
  SLUICE_ASSERT_OK(levels.SetForFile("net/udp.cc", LogSeverity::kError));
  EXPECT_FALSE(levels.Enabled(LogSeverity::kWarning, "a/net/udp.cc"));
  EXPECT_TRUE(levels.Enabled(LogSeverity::kWarning, "b/udp.cc"));
  SLUICE_ASSERT_OK(levels.SetForFile("tcp_server.cc", LogSeverity::kWarning));
  EXPECT_FALSE(levels.Enabled(LogSeverity::kInfo, "net/tcp_server.cc"));
  levels.ClearFiles();
  EXPECT_TRUE(levels.Enabled(LogSeverity::kInfo, "net/tcp_server.cc"));
  EXPECT_TRUE(levels.Enabled(LogSeverity::kInfo, "a/net/udp.cc"));
}

TEST(LogLevelsTest, AnswersForNamesThatAreNotConstants) {
  LogLevels levels(LogSeverity::kInfo);
  std::string file = "net/udp.cc";  // its address is used again
  EXPECT_FALSE(levels.EnabledByName(LogSeverity::kDebug, file));
  EXPECT_TRUE(levels.EnabledByName(LogSeverity::kInfo, file));
  SLUICE_ASSERT_OK(levels.SetForFile("udp.cc", LogSeverity::kError));
  EXPECT_FALSE(levels.EnabledByName(LogSeverity::kInfo, file));
  EXPECT_FALSE(levels.EnabledByName(LogSeverity::kWarning, file));
  EXPECT_TRUE(levels.EnabledByName(LogSeverity::kError, file));
  file = "net/tcp.cc";
  EXPECT_FALSE(levels.EnabledByName(LogSeverity::kDebug, file));
  EXPECT_TRUE(levels.EnabledByName(LogSeverity::kInfo, file));
}

TEST(LogLevelsTest, TheLatestMatchingLevelCounts) {
  LogLevels levels(LogSeverity::kInfo);
  SLUICE_ASSERT_OK(levels.SetForFile("net/", LogSeverity::kDebug));
  SLUICE_ASSERT_OK(levels.SetForFile("net/udp.cc", LogSeverity::kError));
  EXPECT_TRUE(levels.Enabled(LogSeverity::kDebug, "net/tcp.cc"));
  EXPECT_TRUE(levels.Enabled(LogSeverity::kDebug, "x/net/http/parser.cc"));
  EXPECT_FALSE(levels.Enabled(LogSeverity::kDebug, "internet/tcp.cc"));
  EXPECT_FALSE(levels.Enabled(LogSeverity::kWarning, "net/udp.cc"));
}

TEST(LogLevelsTest, ReportsInvalidArguments) {
  LogLevels levels(LogSeverity::kInfo);
  EXPECT_THAT(levels.SetForFile("", LogSeverity::kInfo),
              StatusIs(absl::StatusCode::kInvalidArgument));
  for (size_t i = 0; i < LogLevels::kMaxFiles; ++i) {
    SLUICE_ASSERT_OK(
        levels.SetForFile(absl::StrCat(i, ".cc"), LogSeverity::kDebug));
  }
  EXPECT_THAT(
      levels.SetForFile("one_more.cc", LogSeverity::kDebug),
      StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("one_more.cc")));
  SLUICE_EXPECT_OK(levels.SetForFile("7.cc", LogSeverity::kError));
}

// Beyond the capacity of its table the answers are slower, and still right.
TEST(LogLevelsTest, AnswersForAnyNumberOfFiles) {
  LogLevels levels(LogSeverity::kInfo);
  SLUICE_ASSERT_OK(levels.SetForFile("odd/", LogSeverity::kDebug));
  std::vector<std::string> files;
  for (int i = 0; i < 3000; ++i) {
    files.push_back(absl::StrCat(i % 2 == 1 ? "odd/" : "even/", i, ".cc"));
  }
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 3000; ++i) {
      ASSERT_EQ(levels.Enabled(LogSeverity::kDebug, files[i].c_str()),
                i % 2 == 1);
    }
  }
}

TEST(LogLevelsTest, MayBeChangedWhileOthersAsk) {
  LogLevels levels(LogSeverity::kInfo);
  std::atomic<bool> stop{false};
  std::thread asker([&] {
    while (!stop.load()) {
      EXPECT_TRUE(levels.Enabled(LogSeverity::kError, "a.cc"));
      (void)levels.Enabled(LogSeverity::kInfo, "a.cc");
    }
  });
  for (int i = 0; i < 1000; ++i) {
    levels.Set(i % 2 == 0 ? LogSeverity::kDebug : LogSeverity::kWarning);
    SLUICE_EXPECT_OK(levels.SetForFile("a.cc", LogSeverity::kWarning));
    levels.ClearFiles();
  }
  SLUICE_EXPECT_OK(levels.SetForFile("a.cc", LogSeverity::kDebug));
  EXPECT_TRUE(levels.Enabled(LogSeverity::kDebug, "a.cc"));
  stop.store(true);
  asker.join();
}

}  // namespace
}  // namespace sluice
