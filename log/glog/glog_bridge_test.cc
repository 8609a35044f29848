#include "sluice/log/glog/glog_bridge.h"

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "glog/logging.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/in_child.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/log/async_logger.h"
#include "sluice/log/glog/glog_versions.h"
#include "sluice/log/internal/log_line.h"
#include "sluice/log/log.h"
#include "sluice/log/log_severity.h"
#include "sluice/log/logger_thread.h"
#include "sluice/log/memory_log.h"
#include "sluice/timer/sim_clock.h"

namespace sluice {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

// tests/log/glog_bridge_test.cc has the tests that need a process of their own,
// such as those of fatal lines.
class GlogBridgeTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    google::InitGoogleLogging("glog_bridge_test");
  }
  static void TearDownTestSuite() { google::ShutdownGoogleLogging(); }

  void Start(AsyncLogger::Options options = {}) {
    options.clock = &clock_;
    logger_ =
        std::make_unique<AsyncLogger>(log_.NewWriter(), std::move(options));
    bridge_ = std::make_unique<GlogBridge>(logger_.get());
  }
  std::vector<std::string> Lines() {
    logger_->RunOnce();
    return log_.lines();
  }
  // Returns the messages of all lines.
  std::vector<std::string> Messages() {
    std::vector<std::string> messages;
    for (const std::string& line : Lines()) {
      messages.push_back(line.substr(line.find("] ") + 2));
    }
    return messages;
  }

  SimClock clock_;
  MemoryLog log_;
  std::unique_ptr<AsyncLogger> logger_;
  std::unique_ptr<GlogBridge> bridge_;
};

// ---------------------------------------------------------------------------
// Lines
// ---------------------------------------------------------------------------

TEST_F(GlogBridgeTest, KeepsSeverityPlaceAndMessage) {
  Start();
  const int line = __LINE__;
  LOG(INFO) << "one " << 1;
  LOG(WARNING) << "two " << 2.5;
  LOG(ERROR) << "three " << 'c';
  EXPECT_EQ(log_.text(), "");
  EXPECT_THAT(
      Lines(),
      ElementsAre(
          EndsWith(absl::StrCat(" glog_bridge_test.cc:", line + 1, "] one 1")),
          EndsWith(
              absl::StrCat(" glog_bridge_test.cc:", line + 2, "] two 2.5")),
          EndsWith(
              absl::StrCat(" glog_bridge_test.cc:", line + 3, "] three c"))));
  EXPECT_THAT(Lines(), ElementsAre(HasSubstr("Z I "), HasSubstr("Z W "),
                                   HasSubstr("Z E ")));
}

TEST_F(GlogBridgeTest, KeepsThePathForJson) {
  Start({.style = LogLineFormatter::Style::kJson});
  LOG(WARNING) << "w";
  EXPECT_THAT(Lines(),
              ElementsAre(HasSubstr("log/glog/glog_bridge_test.cc\"")));
  EXPECT_THAT(Lines(), ElementsAre(HasSubstr("\"level\":\"warning\"")));
}

TEST_F(GlogBridgeTest, KeepsTheTimeToTheMicrosecond) {
  Start();
  absl::Time time;
  {
    google::LogMessage message(__FILE__, __LINE__, google::GLOG_INFO);
    message.stream() << "now";
    time = absl::FromUnixNanos(
        glog_internal::UnixNanos(glog_internal::TimeOf(message)));
  }
  EXPECT_THAT(Lines(),
              ElementsAre(StartsWith(absl::FormatTime(
                  "%Y-%m-%d%ET%H:%M:%E6SZ I ", time, absl::UTCTimeZone()))));
}

TEST_F(GlogBridgeTest, AMessageOfSeveralLinesBecomesOneLine) {
  Start();
  LOG(INFO) << "first\nsecond\n";
  LOG(INFO) << "";
  EXPECT_THAT(Messages(), ElementsAre("first\\nsecond", ""));
}

TEST_F(GlogBridgeTest, ALongMessageIsTruncatedVisibly) {
  Start({.max_line_bytes = 1000});
  LOG(INFO) << std::string(40'000, 'x');  // glog truncates it to 30,000
  ASSERT_THAT(Messages(), ElementsAre(EndsWith("xxx[truncated]")));
  EXPECT_LT(Messages()[0].size(), 1000u);
  EXPECT_EQ(logger_->stats().truncated, 1u);
}

TEST_F(GlogBridgeTest, ALongMessageIsTruncatedBetweenCharacters) {
  Start({.max_line_bytes = 1000});
  std::string message;
  for (int i = 0; i < 1000; ++i) absl::StrAppend(&message, "\u20ac");
  for (const std::string before : {"", "1", "22"})
    LOG(INFO) << before << message;
  EXPECT_THAT(Messages(), SizeIs(3));
  EXPECT_THAT(Messages(), Each(EndsWith("\u20ac[truncated]")));
}

// The name of the file alone is longer than the limit.
TEST_F(GlogBridgeTest, ALongFileNameLeavesNothingOfTheMessage) {
  Start({.max_line_bytes = 16});
  LOG(INFO) << "message";
  EXPECT_THAT(Messages(), ElementsAre("[truncated]"));
}

TEST_F(GlogBridgeTest, LinesOfGlogAndSluiceKeepTheirOrder) {
  Start();
  LOG(INFO) << 1;
  SLUICE_LOG(logger_.get(), kInfo, "2");
  LOG(INFO) << 3;
  EXPECT_THAT(Messages(), ElementsAre("1", "2", "3"));
}

TEST_F(GlogBridgeTest, LinesOfAllThreadsAreWritten) {
  constexpr int kThreads = 4, kLines = 250;
  Start({.on_full = AsyncLogger::OnFull::kBlock, .ring_bytes = 16384});
  auto writer = LoggerThread::Start(logger_.get());
  SLUICE_ASSERT_OK(writer);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([] {
      for (int i = 0; i < kLines; ++i) LOG(INFO) << "line " << i;
    });
  }
  for (std::thread& thread : threads) thread.join();
  writer->reset();
  EXPECT_THAT(Lines(), SizeIs(kThreads * kLines));
  EXPECT_EQ(logger_->stats().dropped, 0u);
}

// ---------------------------------------------------------------------------
// Levels
// ---------------------------------------------------------------------------

TEST_F(GlogBridgeTest, DropsLinesBelowTheLoggersLevel) {
  Start({.level = LogSeverity::kWarning});
  LOG(INFO) << "dropped";
  LOG(WARNING) << "kept";
  logger_->levels().Set(LogSeverity::kInfo);
  LOG(INFO) << "kept too";
  SLUICE_ASSERT_OK(logger_->levels().SetForFile("log/glog/glog_bridge_test.cc",
                                                LogSeverity::kError));
  LOG(WARNING) << "dropped too";
  EXPECT_THAT(Messages(), ElementsAre("kept", "kept too"));
}

// A program that calls glog for another language makes its own file names.
TEST_F(GlogBridgeTest, FileLevelsCompareNamesNotAddresses) {
  Start();
  SLUICE_ASSERT_OK(
      logger_->levels().SetForFile("quiet.cc", LogSeverity::kError));
  std::string file = "src/quiet.cc";
  google::LogMessage(file.c_str(), 1, google::GLOG_INFO).stream() << "quiet";
  file = "src/other.cc";
  google::LogMessage(file.c_str(), 1, google::GLOG_INFO).stream() << "other";
  EXPECT_THAT(Messages(), ElementsAre("other"));
}

TEST_F(GlogBridgeTest, GlogsOwnLevelAppliesToo) {
  Start({.level = LogSeverity::kDebug});
  FLAGS_minloglevel = google::GLOG_ERROR;
  LOG(WARNING) << "dropped";
  FLAGS_minloglevel = google::GLOG_INFO;
  LOG(WARNING) << "kept";
  EXPECT_THAT(Messages(), ElementsAre("kept"));
}

// ---------------------------------------------------------------------------
// The other macros
// ---------------------------------------------------------------------------

TEST_F(GlogBridgeTest, VlogIsInfo) {
  Start();
  FLAGS_v = 1;
  VLOG(1) << "verbose";
  VLOG(2) << "too verbose";
  FLAGS_v = 0;
  VLOG(1) << "off";
  EXPECT_THAT(Lines(),
              ElementsAre(AllOf(HasSubstr("Z I "), EndsWith("] verbose"))));
}

TEST_F(GlogBridgeTest, ConditionsAndCountersOfGlogWork) {
  Start();
  LOG_IF(INFO, true) << "if";
  LOG_IF(INFO, false) << "if not";
  for (int i = 1; i <= 5; ++i) {
    LOG_EVERY_N(INFO, 2) << "every second: " << google::COUNTER;
    LOG_FIRST_N(INFO, 1) << "once";
  }
  EXPECT_THAT(Messages(), ElementsAre("if", "every second: 1", "once",
                                      "every second: 3", "every second: 5"));
}

TEST_F(GlogBridgeTest, PlogPrintsTheErrorAndKeepsErrno) {
  Start();
  errno = ENOENT;
  PLOG(ERROR) << "open";
  EXPECT_EQ(errno, ENOENT);
  EXPECT_THAT(Messages(), ElementsAre("open: No such file or directory [2]"));
}

TEST_F(GlogBridgeTest, DlogIsForDebugBuilds) {
  Start();
  DLOG(INFO) << "debug";
  EXPECT_THAT(Messages(), SizeIs(google::DEBUG_MODE ? 1 : 0));
}

// ---------------------------------------------------------------------------
// Beginning and end
// ---------------------------------------------------------------------------

// The state of glog that the bridge changes.
struct GlogState {
  GlogState() {
    for (int i = 0; i < google::NUM_SEVERITIES; ++i) {
      loggers.push_back(google::base::GetLogger(i));
    }
  }
  bool operator==(const GlogState&) const = default;

  std::vector<google::base::Logger*> loggers;
  int stderr_threshold = FLAGS_stderrthreshold;
  bool to_stderr = FLAGS_logtostderr;
  bool also_to_stderr = FLAGS_alsologtostderr;
  bool to_stdout = FLAGS_logtostdout;
};

TEST_F(GlogBridgeTest, ItsDestructorRestoresGlog) {
  const GlogState before;
  for (const bool flags : {false, true}) {
    FLAGS_logtostderr = FLAGS_alsologtostderr = FLAGS_logtostdout = flags;
    FLAGS_stderrthreshold = flags ? google::GLOG_INFO : google::GLOG_ERROR;
    const GlogState set;
    Start();
    EXPECT_FALSE(GlogState() == set);
    bridge_.reset();
    EXPECT_TRUE(GlogState() == set);
  }
  FLAGS_logtostderr = FLAGS_alsologtostderr = FLAGS_logtostdout = false;
  FLAGS_stderrthreshold = before.stderr_threshold;
  EXPECT_TRUE(GlogState() == before);
}

TEST_F(GlogBridgeTest, KeepsThresholdsThatAreNotSeverities) {
  for (const int threshold : {-1, 4, 1000}) {
    FLAGS_stderrthreshold = threshold;
    Start();
    EXPECT_GE(FLAGS_stderrthreshold, google::GLOG_FATAL);
    bridge_.reset();
    EXPECT_EQ(FLAGS_stderrthreshold, threshold < 0 ? 0 : threshold);
  }
  FLAGS_stderrthreshold = google::GLOG_ERROR;
}

TEST_F(GlogBridgeTest, GetsNoLineAfterItsDestruction) {
  Start();
  bridge_.reset();
  FLAGS_logtostderr = true;  // and not to files
  LOG(INFO) << "glog's alone";
  FLAGS_logtostderr = false;
  EXPECT_THAT(Lines(), IsEmpty());
}

// For tsan: the bridge is destroyed while other threads log.
TEST_F(GlogBridgeTest, MayBeDestroyedWhileOthersLog) {
  Start({.ring_bytes = 16384});
  // After the bridge glog's own loggers get the lines; these have no files.
  for (int i = 0; i < google::NUM_SEVERITIES; ++i) {
    google::SetLogDestination(i, "");
  }
  std::thread other([] {
    for (int i = 0; i < 500; ++i) LOG(INFO) << i;
  });
  bridge_.reset();
  logger_.reset();
  other.join();
}

TEST_F(GlogBridgeTest, SurvivesTheShutdownOfGlog) {
  Start();
  google::ShutdownGoogleLogging();
  bridge_.reset();
  google::InitGoogleLogging("glog_bridge_test");
  Start();
  LOG(INFO) << "again";
  EXPECT_THAT(Messages(), ElementsAre("again"));
}

TEST_F(GlogBridgeTest, OtherSinksGetTheirLines) {
  class Other final : public google::LogSink {
   public:
    using google::LogSink::send;
    void send(google::LogSeverity, const char*, const char*, int,
              const google::LogMessageTime&, const char* message,
              size_t size) override {
      lines.emplace_back(message, size);
    }

    std::vector<std::string> lines;
  };
  Other other;
  google::AddLogSink(&other);
  Start();
  LOG(INFO) << "for both";
  google::RemoveLogSink(&other);
  LOG(INFO) << "for one";
  EXPECT_THAT(other.lines, ElementsAre("for both"));
  EXPECT_THAT(Messages(), ElementsAre("for both", "for one"));
}

using GlogBridgeDeathTest = GlogBridgeTest;

TEST_F(GlogBridgeDeathTest, ThereIsOneAtATime) {
  Start();
  EXPECT_DEATH(GlogBridge(logger_.get()), "has_bridge");
}

// Another thread of the parent holds glog's mutexes in the middle of a line.
TEST_F(GlogBridgeTest, TheChildOfAForkMayDestroyIt) {
  std::atomic<bool> in_send{false};
  std::atomic<bool> go_on{false};
  struct SlowSink final : google::LogSink {
    using google::LogSink::send;
    void send(google::LogSeverity, const char*, const char*, int,
              const google::LogMessageTime&, const char*, size_t) override {
      in_send->store(true);
      while (!go_on->load()) std::this_thread::yield();
    }
    std::atomic<bool>* in_send;
    std::atomic<bool>* go_on;
  };
  Start();
  SlowSink sink;
  sink.in_send = &in_send;
  sink.go_on = &go_on;
  google::AddLogSink(&sink);
  std::thread other([] { LOG(INFO) << "slow"; });
  while (!in_send.load()) std::this_thread::yield();
  EXPECT_EQ(InChild([&] {
              bridge_.reset();
              logger_.reset();
            }),
            0);
  go_on.store(true);
  other.join();
  google::RemoveLogSink(&sink);
}

}  // namespace
}  // namespace sluice
