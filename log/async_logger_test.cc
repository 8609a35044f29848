#include "sluice/log/async_logger.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/io_result.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/log/internal/log_line.h"
#include "sluice/log/log.h"
#include "sluice/log/log_severity.h"
#include "sluice/log/memory_log.h"
#include "sluice/timer/sim_clock.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

// Logs when the back end prints it.
struct LogsWhenPrinted {
  AsyncLogger* logger;
};
LogsWhenPrinted SluiceLogCopy(const LogsWhenPrinted& value) { return value; }
template <typename Sink>
void AbslStringify(Sink& sink, const LogsWhenPrinted& value) {
  SLUICE_LOG(value.logger, kInfo, "printed");
  EXPECT_EQ(value.logger->RunOnce(), 0u);
  EXPECT_THAT(value.logger->FlushAndWait(absl::InfiniteDuration()),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  sink.Append("!");
}

// Calls a function when the back end prints it.
struct CallsWhenPrinted {
  void (*call)(AsyncLogger* logger);
  AsyncLogger* logger;
};
CallsWhenPrinted SluiceLogCopy(const CallsWhenPrinted& value) { return value; }
template <typename Sink>
void AbslStringify(Sink& sink, const CallsWhenPrinted& value) {
  value.call(value.logger);
  sink.Append("called");
}

class AsyncLoggerTest : public ::testing::Test {
 protected:
  AsyncLogger* Make(AsyncLogger::Options options = {}) {
    options.clock = &clock_;
    if (options.on_error == nullptr) {
      options.on_error = [this](const absl::Status& status) {
        reported_.push_back(std::string(status.message()));
      };
    }
    logger_ =
        std::make_unique<AsyncLogger>(log_.NewWriter(), std::move(options));
    return logger_.get();
  }
  // Returns the messages of all lines.
  std::vector<std::string> Messages() const {
    std::vector<std::string> messages;
    for (const std::string& line : log_.lines()) {
      messages.push_back(line.substr(line.find("] ") + 2));
    }
    return messages;
  }

  SimClock clock_;
  MemoryLog log_;
  std::vector<std::string> reported_;
  std::unique_ptr<AsyncLogger> logger_;
};

// ---------------------------------------------------------------------------
// Lines
// ---------------------------------------------------------------------------

TEST_F(AsyncLoggerTest, WritesTimeSeverityThreadPlaceAndMessage) {
  AsyncLogger* const logger = Make();
  std::string peer = "10.0.0.1:80";
  const absl::Time time = clock_.WallNow();
  SLUICE_LOG(logger, kInfo, "accepted {} after {}", peer, 1.5);
  const int line = __LINE__ - 1;
  peer = "gone";  // the line has a copy
  clock_.Advance(absl::Milliseconds(1500));
  SLUICE_LOG(logger, kWarning, "no arguments");
  EXPECT_EQ(log_.text(), "");
  EXPECT_EQ(logger->RunOnce(), 2u);
  EXPECT_EQ(logger->RunOnce(), 0u);
  ASSERT_THAT(log_.lines(), SizeIs(2));
  EXPECT_THAT(log_.lines()[0],
              StartsWith(absl::FormatTime("%Y-%m-%d%ET%H:%M:%E6SZ I ", time,
                                          absl::UTCTimeZone())));
  EXPECT_THAT(log_.lines()[0],
              EndsWith(absl::StrCat(" async_logger_test.cc:", line,
                                    "] accepted 10.0.0.1:80 after 1.5")));
  EXPECT_THAT(log_.lines()[1],
              StartsWith(absl::FormatTime("%Y-%m-%d%ET%H:%M:%E6SZ W ",
                                          time + absl::Milliseconds(1500),
                                          absl::UTCTimeZone())));
  EXPECT_EQ(logger->stats().lines, 2u);
  EXPECT_EQ(logger->stats().bytes, log_.text().size());
}

TEST_F(AsyncLoggerTest, PrintsTimesByTheWallClockAtTheTimeOfWriting) {
  AsyncLogger* const logger = Make();
  SLUICE_LOG(logger, kInfo, "before the step");
  clock_.StepWall(absl::Hours(-10));
  logger->RunOnce();
  EXPECT_THAT(log_.text(), StartsWith(absl::FormatTime("%Y-%m-%d%ET%H:%M:%E6SZ",
                                                       clock_.WallNow(),
                                                       absl::UTCTimeZone())));
}

TEST_F(AsyncLoggerTest, WritesJson) {
  AsyncLogger* const logger = Make({.style = LogLineFormatter::Style::kJson});
  SLUICE_LOG(logger, kError, "a \"quoted\"\nmessage");
  logger->RunOnce();
  ASSERT_THAT(log_.lines(), SizeIs(1));
  EXPECT_THAT(log_.lines()[0], StartsWith("{\"time\":\""));
  EXPECT_THAT(log_.lines()[0], HasSubstr("\"level\":\"error\""));
  EXPECT_THAT(log_.lines()[0],
              EndsWith("\"message\":\"a \\\"quoted\\\"\\nmessage\"}"));
}

TEST_F(AsyncLoggerTest, AMessageCannotForgeAnotherLine) {
  AsyncLogger* const logger = Make();
  SLUICE_LOG(logger, kInfo, "name {}", "x\n2026-01-01T00:00:00.000000Z F y");
  logger->RunOnce();
  EXPECT_THAT(log_.lines(), SizeIs(1));
}

TEST_F(AsyncLoggerTest, TruncatesLongStringsAndShowsWhere) {
  AsyncLogger* const logger = Make({.max_line_bytes = 100});
  SLUICE_LOG(logger, kInfo, "{} and {}", std::string(1000, 'x'), "short");
  logger->RunOnce();
  EXPECT_THAT(Messages(), ElementsAre(EndsWith("x[truncated] and short")));
  EXPECT_LT(log_.text().size(), 250u);
  EXPECT_EQ(logger->stats().truncated, 1u);
}

TEST_F(AsyncLoggerTest, AppendKeepsTimeSeverityAndPlace) {
  AsyncLogger* const logger = Make({.max_line_bytes = 200});
  const LogLineHeader header = {.unix_nanos = 1'000'000'001'234'567'000,
                                .severity = LogSeverity::kFatal,
                                .thread = "",
                                .file = "src/other.cc",
                                .line = 77};
  logger->Append(header, "theirs\nhas two lines");
  logger->Append(header, std::string(1000, 'y'));
  logger->Append(header, "");
  EXPECT_EQ(logger->RunOnce(), 3u);
  ASSERT_THAT(log_.lines(), SizeIs(3));
  EXPECT_THAT(log_.lines()[0], StartsWith("2001-09-09T01:46:41.234567Z F "));
  EXPECT_THAT(log_.lines()[0],
              EndsWith(" other.cc:77] theirs\\nhas two lines"));
  EXPECT_THAT(log_.lines()[1], EndsWith("yyy[truncated]"));
  EXPECT_LT(log_.lines()[1].size(), 300u);
  EXPECT_THAT(log_.lines()[2], EndsWith("other.cc:77] "));
}

// ---------------------------------------------------------------------------
// Levels and conditions
// ---------------------------------------------------------------------------

TEST_F(AsyncLoggerTest, EvaluatesNoArgumentOfALineThatIsOff) {
  AsyncLogger* const logger = Make();
  int evaluated = 0;
  SLUICE_LOG(logger, kDebug, "{}", ++evaluated);
  AsyncLogger* none = nullptr;
  SLUICE_LOG(none, kError, "{}", ++evaluated);
  EXPECT_EQ(evaluated, 0);
  SLUICE_LOG(logger, kInfo, "{}", ++evaluated);
  EXPECT_EQ(evaluated, 1);
  logger->levels().Set(LogSeverity::kDebug);
  SLUICE_LOG(logger, kDebug, "{}", ++evaluated);
  logger->levels().Set(LogSeverity::kError);
  SLUICE_LOG(logger, kDebug, "{}", ++evaluated);
  SLUICE_EXPECT_OK(
      logger->levels().SetForFile("async_logger_test.cc", LogSeverity::kDebug));
  SLUICE_LOG(logger, kDebug, "{}", ++evaluated);
  logger->RunOnce();
  EXPECT_THAT(Messages(), ElementsAre("1", "2", "3"));
}

TEST_F(AsyncLoggerTest, EveryNLogsEveryNthLine) {
  AsyncLogger* const logger = Make();
  for (int i = 0; i < 10; ++i) {
    SLUICE_LOG_EVERY_N(logger, kInfo, 4, "a{}", i);
    SLUICE_LOG_EVERY_N(logger, kInfo, 5, "b{}", i);
    SLUICE_LOG_EVERY_N(logger, kDebug, 1, "off");
  }
  logger->RunOnce();
  EXPECT_THAT(Messages(), ElementsAre("a0", "b0", "a4", "b5", "a8"));
}

TEST_F(AsyncLoggerTest, EveryLogsOneLineInAnInterval) {
  const auto log = [&](int i) {
    SLUICE_LOG_EVERY(logger_.get(), kInfo, absl::Seconds(1), "{}", i);
  };
  Make();
  log(0);
  log(1);
  clock_.Advance(absl::Milliseconds(999));
  log(2);
  clock_.Advance(absl::Milliseconds(1));
  log(3);
  log(4);
  clock_.Advance(absl::Hours(1));
  log(5);
  logger_->RunOnce();
  EXPECT_THAT(Messages(), ElementsAre("0", "3", "5"));
  // Another logger, as of another simulation, has its own state.
  Make();
  log(6);
  logger_->RunOnce();
  EXPECT_THAT(Messages(), ElementsAre("0", "3", "5", "6"));
}

TEST_F(AsyncLoggerTest, AnIntervalMayBeInfiniteOrNotPositive) {
  AsyncLogger* const logger = Make();
  for (int i = 0; i < 3; ++i) {
    clock_.Advance(absl::Hours(24 * 365 * 50));
    SLUICE_LOG_EVERY(logger, kInfo, absl::InfiniteDuration(), "a{}", i);
    SLUICE_LOG_EVERY(logger, kInfo, absl::ZeroDuration(), "b{}", i);
    SLUICE_LOG_EVERY(logger, kInfo, -absl::Hours(24 * 365 * 200), "c{}", i);
    SLUICE_LOG_EVERY(logger, kInfo, -absl::InfiniteDuration(), "d{}", i);
  }
  logger->RunOnce();
  EXPECT_THAT(Messages(), ElementsAre("a0", "b0", "c0", "d0", "b1", "c1", "d1",
                                      "b2", "c2", "d2"));
}

// ---------------------------------------------------------------------------
// Options
// ---------------------------------------------------------------------------

TEST_F(AsyncLoggerTest, AcceptsTheSmallestAndLargestLimits) {
  for (const size_t threads : {size_t{0}, SIZE_MAX}) {
    AsyncLogger* const logger =
        Make({.max_threads = threads, .max_line_bytes = 0});
    SLUICE_LOG(logger, kInfo, "{}: {}", 7, "a string");
    logger->RunOnce();
    EXPECT_EQ(Messages().back(), "7: [truncated]");
    EXPECT_EQ(logger->stats().dropped, 0u);
  }
}

using AsyncLoggerDeathTest = AsyncLoggerTest;

TEST_F(AsyncLoggerDeathTest, RefusesEachOptionOutOfRange) {
  EXPECT_DEATH(AsyncLogger(log_.NewWriter(), {}), "clock != nullptr");
  for (const size_t bytes :
       {size_t{0}, size_t{512}, size_t{1} << 31, size_t{1} << 63}) {
    EXPECT_DEATH(Make({.ring_bytes = bytes}), "ring_bytes_ >= 1 << 10");
  }
  EXPECT_DEATH(Make({.ring_bytes = 3000}), "ring_bytes_ & ");
  EXPECT_DEATH(Make({.ring_bytes = 1024, .max_line_bytes = 257}), "max_args_");
  EXPECT_DEATH(Make({.max_line_bytes = SIZE_MAX}), "max_args_");
  EXPECT_DEATH(SLUICE_LOG_EVERY_N(Make(), kInfo, 0, "never"), "n > 0");
}

// ---------------------------------------------------------------------------
// Full rings
// ---------------------------------------------------------------------------

TEST_F(AsyncLoggerTest, ReportsDroppedLinesWhereTheyAreMissing) {
  AsyncLogger* const logger = Make({.ring_bytes = 1024, .max_line_bytes = 64});
  int next = 0;
  for (; next < 100; ++next) SLUICE_LOG(logger, kInfo, "{}", next);
  const auto dropped = static_cast<int>(logger->stats().dropped);
  ASSERT_GT(dropped, 0);
  ASSERT_LT(dropped, 100);
  logger->RunOnce();
  SLUICE_LOG(logger, kInfo, "{}", next);
  logger->RunOnce();
  std::vector<std::string> expected;
  for (int i = 0; i < 100 - dropped; ++i) expected.push_back(absl::StrCat(i));
  expected.push_back(absl::StrCat(
      dropped, " lines of this thread were dropped here: its ring was full"));
  expected.push_back("100");
  EXPECT_EQ(Messages(), expected);
}

// The ring has room again before the back end runs: the thread itself reports
// the number.
TEST_F(AsyncLoggerTest, ReportsDroppedLinesBetweenOtherLines) {
  AsyncLogger* const logger = Make({.ring_bytes = 1024, .max_line_bytes = 256});
  // A large line does not fit any more; two small ones do.
  for (int i = 0; i < 3; ++i) {
    SLUICE_LOG(logger, kInfo, "{}", std::string(250, 'a'));
  }
  const std::string large(250, 'b');
  SLUICE_LOG(logger, kInfo, "{}", large);
  SLUICE_LOG(logger, kInfo, "{}", large);
  EXPECT_EQ(logger->stats().dropped, 2u);
  SLUICE_LOG(logger, kInfo, "small");
  logger->RunOnce();
  ASSERT_THAT(Messages(), SizeIs(5));
  EXPECT_THAT(Messages()[3], StartsWith("2 lines of this thread"));
  EXPECT_EQ(Messages()[4], "small");
}

// The ring gets room while the back end runs. A line that is logged then comes
// after the number, since it was logged after the dropped lines.
TEST_F(AsyncLoggerTest, ReportsDroppedLinesBeforeLinesLoggedDuringRunOnce) {
  AsyncLogger* const logger = Make({.ring_bytes = 4096, .max_line_bytes = 64});
  const auto log = [](AsyncLogger* l) { SLUICE_LOG(l, kInfo, "later"); };
  int lines = 0;
  for (; logger->stats().dropped == 0; ++lines) {
    SLUICE_LOG(logger, kInfo, "{}", lines);
    // One of the last lines that fit.
    if (lines == 70) {
      SLUICE_LOG(logger, kInfo, "{}", CallsWhenPrinted{log, logger});
    }
  }
  ASSERT_GT(lines, 80);
  while (logger->RunOnce() > 0) {
  }
  const std::vector<std::string> messages = Messages();
  ASSERT_GT(messages.size(), 3u);
  EXPECT_THAT(messages[messages.size() - 2],
              StartsWith("1 lines of this thread"));
  EXPECT_EQ(messages.back(), "later");
}

TEST_F(AsyncLoggerTest, WithoutAThreadABlockedCallerRunsTheBackEnd) {
  AsyncLogger* const logger = Make({.on_full = AsyncLogger::OnFull::kBlock,
                                    .ring_bytes = 1024,
                                    .max_line_bytes = 64});
  std::vector<std::string> expected;
  for (int i = 0; i < 1000; ++i) {
    SLUICE_LOG(logger, kInfo, "{}", i);
    expected.push_back(absl::StrCat(i));
  }
  logger->RunOnce();
  EXPECT_EQ(Messages(), expected);
  EXPECT_GT(logger->stats().blocked, 0u);
  EXPECT_EQ(logger->stats().dropped, 0u);
}

// Otherwise the caller would wait for itself: only it can call the writer.
TEST_F(AsyncLoggerTest, ABlockedCallerDropsItsLineIfTheWriterFails) {
  AsyncLogger* const logger = Make({.on_full = AsyncLogger::OnFull::kBlock,
                                    .ring_bytes = 1024,
                                    .max_line_bytes = 64});
  log_.FailAfter(0, absl::UnavailableError("gone"));
  for (int i = 0; i < 5000; ++i) SLUICE_LOG(logger, kInfo, "{}", i);
  const uint64_t dropped = logger->stats().dropped;
  EXPECT_GT(dropped, 0u);
  log_.Recover();
  clock_.Advance(absl::Minutes(1));
  while (logger->RunOnce() > 0) {
  }
  // Each line is written or counted.
  uint64_t missing = 0, written = 0;
  for (const std::string& message : Messages()) {
    uint64_t number;
    if (absl::StrContains(message, "were dropped")) {
      ASSERT_TRUE(
          absl::SimpleAtoi(message.substr(0, message.find(' ')), &number));
      missing += number;
    } else {
      ++written;
    }
  }
  EXPECT_EQ(missing, dropped);
  EXPECT_EQ(written + missing, 5000u);
}

TEST_F(AsyncLoggerTest, ALineLargerThanARingIsDroppedAndReported) {
  AsyncLogger* const logger = Make({.on_full = AsyncLogger::OnFull::kBlock,
                                    .ring_bytes = 1024,
                                    .max_line_bytes = 64});
  // Numbers are not truncated.
  SLUICE_LOG(logger, kInfo,
             "{} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} "
             "{} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} "
             "{} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {}",
             1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1.,
             1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1.,
             1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1.,
             1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1.);
  EXPECT_EQ(logger->stats().dropped, 1u);
  logger->RunOnce();
  EXPECT_THAT(Messages(), ElementsAre(StartsWith("1 lines of this thread")));
}

// ---------------------------------------------------------------------------
// The back end
// ---------------------------------------------------------------------------

TEST_F(AsyncLoggerTest, CallbacksOfTheBackEndMayLog) {
  AsyncLogger* const logger = Make({.on_full = AsyncLogger::OnFull::kBlock,
                                    .ring_bytes = 1024,
                                    .max_line_bytes = 64});
  // Its ring is full while the back end writes: it must not wait for itself.
  for (int i = 0; i < 20; ++i) {
    SLUICE_LOG(logger, kInfo, "{}", LogsWhenPrinted{logger});
  }
  while (logger->RunOnce() > 0) {
  }
  const std::vector<std::string> messages = Messages();
  EXPECT_EQ(messages[0], "!");
  EXPECT_EQ(std::count(messages.begin(), messages.end(), "!"), 20);
}

TEST_F(AsyncLoggerTest, LinesWaitWhileTheWriterFails) {
  AsyncLogger* const logger = Make();
  log_.FailAfter(10, absl::ResourceExhaustedError("disk full"));
  SLUICE_LOG(logger, kInfo, "one");
  EXPECT_EQ(logger->RunOnce(), 1u);
  EXPECT_EQ(log_.text().size(), 10u);
  EXPECT_THAT(reported_, ElementsAre(HasSubstr("disk full")));
  SLUICE_LOG(logger, kInfo, "two");
  EXPECT_EQ(logger->RunOnce(), 0u);
  EXPECT_EQ(logger->stats().write_errors, 1u);
  // The delays grow, and the error is reported once.
  clock_.Advance(absl::Milliseconds(100));
  logger->RunOnce();
  EXPECT_EQ(logger->stats().write_errors, 2u);
  clock_.Advance(absl::Milliseconds(199));
  logger->RunOnce();
  EXPECT_EQ(logger->stats().write_errors, 2u);
  clock_.Advance(absl::Milliseconds(1));
  logger->RunOnce();
  EXPECT_EQ(logger->stats().write_errors, 3u);
  EXPECT_THAT(reported_, SizeIs(1));
  // Writing continues in the middle of the line.
  log_.Recover();
  clock_.Advance(absl::Seconds(10));
  EXPECT_EQ(logger->RunOnce(), 1u);
  EXPECT_THAT(Messages(), ElementsAre("one", "two"));
  EXPECT_EQ(logger->stats().dropped, 0u);
  EXPECT_EQ(logger->stats().bytes, log_.text().size());
  // The next outage is reported again.
  log_.FailAfter(0, absl::ResourceExhaustedError("disk full again"));
  SLUICE_LOG(logger, kInfo, "three");
  logger->RunOnce();
  EXPECT_THAT(reported_, SizeIs(2));
  log_.Recover();
}

TEST_F(AsyncLoggerTest, WithoutOnErrorAnOutageIsReportedOnceOnStderr) {
  ::testing::internal::CaptureStderr();
  {
    AsyncLogger logger(log_.NewWriter(), {.clock = &clock_});
    log_.FailAfter(0, absl::ResourceExhaustedError("disk full"));
    SLUICE_LOG(&logger, kInfo, "one");
    for (int i = 0; i < 5; ++i) {
      logger.RunOnce();
      clock_.Advance(absl::Seconds(10));
    }
    EXPECT_GE(logger.stats().write_errors, 5u);
    log_.Recover();
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(),
            "log: disk full; lines wait, and are written when the writer "
            "works again\n");
  EXPECT_THAT(Messages(), ElementsAre("one"));
}

TEST_F(AsyncLoggerTest, OnErrorGetsTheErrnoOfTheWriter) {
  std::optional<int> error;
  AsyncLogger* const logger =
      Make({.on_error = [&](const absl::Status& status) {
        error = ErrnoOf(status);
      }});
  log_.FailAfter(0, ToStatus(IoResult::FromErrno(ENOSPC), "write", "log"));
  SLUICE_LOG(logger, kInfo, "one");
  logger->RunOnce();
  EXPECT_EQ(error, ENOSPC);
  log_.Recover();
}

TEST_F(AsyncLoggerTest, TheDestructorWritesWaitingLines) {
  Make();
  SLUICE_LOG(logger_.get(), kInfo, "last words");
  logger_.reset();
  EXPECT_THAT(Messages(), ElementsAre("last words"));
  EXPECT_THAT(reported_, IsEmpty());
}

TEST_F(AsyncLoggerTest, TheDestructorReportsLinesThatItCannotWrite) {
  AsyncLogger* const logger = Make();
  log_.FailAfter(0, absl::UnavailableError("no folder"));
  SLUICE_LOG(logger, kInfo, "one");
  logger->RunOnce();
  SLUICE_LOG(logger, kInfo, "two");
  SLUICE_LOG(logger, kInfo, "three");
  logger_.reset();
  ASSERT_THAT(reported_, SizeIs(2));
  EXPECT_EQ(reported_[1], "no folder; 3 lines are dropped");
}

// The result of a flush, if it is done.
struct Flushed {
  absl::AnyInvocable<void(absl::Status) &&> Done() {
    return [this](absl::Status s) {
      ++times;
      status = s;
    };
  }
  int times = 0;
  absl::Status status = absl::UnknownError("not yet");
};

TEST_F(AsyncLoggerTest, AFlushIsDoneWhenEarlierLinesAreWritten) {
  AsyncLogger* const logger = Make();
  SLUICE_LOG(logger, kInfo, "one");
  Flushed flushed, also;
  logger->Flush(flushed.Done());
  logger->Flush(also.Done());
  EXPECT_EQ(flushed.times, 0);
  logger->RunOnce();
  SLUICE_EXPECT_OK(flushed.status);
  SLUICE_EXPECT_OK(also.status);
  EXPECT_EQ(flushed.times, 1);
  EXPECT_EQ(log_.flushes(), 1);
  EXPECT_THAT(Messages(), ElementsAre("one"));
  logger->RunOnce();
  EXPECT_EQ(flushed.times, 1);
}

TEST_F(AsyncLoggerTest, AFlushReportsTheWritersErrorAtOnce) {
  AsyncLogger* const logger = Make();
  log_.FailAfter(0, absl::ResourceExhaustedError("disk full"));
  SLUICE_LOG(logger, kInfo, "one");
  logger->RunOnce();
  // The flush does not wait until the next attempt is due.
  Flushed flushed;
  logger->Flush(flushed.Done());
  logger->RunOnce();
  EXPECT_THAT(flushed.status, StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(logger->stats().write_errors, 2u);
  log_.Recover();
  Flushed again;
  logger->Flush(again.Done());
  logger->RunOnce();
  SLUICE_EXPECT_OK(again.status);
  EXPECT_THAT(Messages(), ElementsAre("one"));
}

TEST_F(AsyncLoggerTest, TheCallbackOfAFlushMayLogAndFlush) {
  AsyncLogger* const logger = Make();
  Flushed second;
  logger->Flush([&](absl::Status) {
    SLUICE_LOG(logger, kInfo, "from a flush");
    logger->Flush(second.Done());
    EXPECT_EQ(logger->RunOnce(), 1u);
  });
  logger->RunOnce();
  EXPECT_EQ(second.times, 1);
  EXPECT_THAT(Messages(), ElementsAre("from a flush"));
}

TEST_F(AsyncLoggerTest, TheDestructorFinishesFlushes) {
  AsyncLogger* const logger = Make();
  Flushed flushed, failed;
  logger->Flush(flushed.Done());
  logger_.reset();
  SLUICE_EXPECT_OK(flushed.status);
  AsyncLogger* const other = Make();
  log_.FailAfter(0, absl::UnavailableError("no folder"));
  SLUICE_LOG(other, kInfo, "one");
  other->Flush(failed.Done());
  logger_.reset();
  EXPECT_THAT(failed.status, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(failed.times, 1);
}

TEST_F(AsyncLoggerTest, FlushAndWaitRunsTheBackEndIfThereIsNoThread) {
  AsyncLogger* const logger = Make();
  SLUICE_LOG(logger, kInfo, "one");
  SLUICE_EXPECT_OK(logger->FlushAndWait(absl::Seconds(1)));
  EXPECT_THAT(Messages(), ElementsAre("one"));
}

}  // namespace
}  // namespace sluice
