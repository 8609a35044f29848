// Tests which lines of a log are written when its process has ended, with real
// processes that crash or exit.

#include <signal.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/tests/support/process.h"
#include "sluice/tests/support/test_environment.h"

namespace sluice {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr absl::Duration kPatience = absl::Seconds(60);
constexpr int kLines = 2000;  // lines of crashing_logger

absl::StatusOr<std::unique_ptr<Process>> Start(absl::string_view scenario) {
  return Process::Start(
      "tests/log/crashing_logger",
      {.arguments = {std::string(scenario)}, .environment = PlainSignals()});
}

Process::Ended EndOf(absl::string_view scenario) {
  auto process = Start(scenario);
  if (process.ok()) {
    auto ended = (*process)->Wait(kPatience);
    if (ended.ok()) return *std::move(ended);
    ADD_FAILURE() << ended.status();
  } else {
    ADD_FAILURE() << process.status();
  }
  return {};
}

std::vector<std::string> Lines(const Process::Ended& ended) {
  return absl::StrSplit(ended.output, '\n', absl::SkipEmpty());
}

// Expects "<text> 0" to "<text> count - 1", in this order.
void ExpectAll(const Process::Ended& ended, int count,
               absl::string_view text = "] line") {
  int next = 0;
  for (const std::string& line : Lines(ended)) {
    if (!absl::StrContains(line, absl::StrCat(text, " "))) continue;
    ASSERT_THAT(line, EndsWith(absl::StrCat(text, " ", next)));
    ++next;
  }
  EXPECT_EQ(next, count);
}

std::string LastLine(const Process::Ended& ended) {
  const std::vector<std::string> lines = Lines(ended);
  return lines.empty() ? "" : lines.back();
}

std::string ThreadOf(absl::string_view line) {
  const std::vector<std::string> words = absl::StrSplit(line, ' ');
  return words.size() > 2 ? words[2] : "";
}

// Matches a last line of `thread`. The thread's name stands before the file and
// the message.
auto IsLastLine(absl::string_view message,
                absl::string_view thread = "crashing_logger") {
  return AllOf(HasSubstr(absl::StrCat(" F ", thread, " ")),
               EndsWith(absl::StrCat("] ended by signal ", message)));
}

constexpr absl::string_view kNoLastLine = "ended by signal";

TEST(LogCrashTest, AbortWritesAllLines) {
  const Process::Ended ended = EndOf("abort");
  EXPECT_EQ(ended.signal, SIGABRT);
  ExpectAll(ended, kLines);
  EXPECT_THAT(LastLine(ended), IsLastLine("6 (SIGABRT)"));
}

TEST(LogCrashTest, TheTimeoutMayBeInfiniteOrNegative) {
  const Process::Ended ended = EndOf("abort_with_infinite_timeout");
  EXPECT_EQ(ended.signal, SIGABRT);
  ExpectAll(ended, kLines);
  EXPECT_EQ(EndOf("abort_with_negative_timeout").signal, SIGABRT);
}

TEST(LogCrashTest, AFailedCheckWritesAllLines) {
  const Process::Ended ended = EndOf("check_fails");
  EXPECT_EQ(ended.signal, SIGABRT);
  EXPECT_THAT(ended.error, HasSubstr("SLUICE_CHECK failed"));
  ExpectAll(ended, kLines);
  EXPECT_THAT(LastLine(ended), IsLastLine("6 (SIGABRT)"));
}

TEST(LogCrashTest, ABadAddressIsReported) {
  const Process::Ended ended = EndOf("bad_address");
  EXPECT_EQ(ended.signal, SIGSEGV);
  ExpectAll(ended, kLines);
  EXPECT_THAT(LastLine(ended), IsLastLine("11 (SIGSEGV) at address 0x10"));
}

TEST(LogCrashTest, AnIllegalInstructionWritesAllLines) {
  const Process::Ended ended = EndOf("illegal_instruction");
  EXPECT_EQ(ended.signal, SIGILL);
  ExpectAll(ended, kLines);
  EXPECT_THAT(LastLine(ended), HasSubstr("4 (SIGILL) at address 0x"));
}

TEST(LogCrashTest, AStackOverflowOfMainWritesAllLines) {
  const Process::Ended ended = EndOf("stack_overflow");
  EXPECT_EQ(ended.signal, SIGSEGV);
  ExpectAll(ended, kLines);
  EXPECT_THAT(LastLine(ended), HasSubstr("11 (SIGSEGV) at address 0x"));
}

TEST(LogCrashTest, ASignalFromOutsideIsHandledLikeACrash) {
  for (const int signal : {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGQUIT, SIGSEGV,
                           SIGSYS, SIGTRAP, SIGXCPU, SIGXFSZ}) {
    auto process = Start("wait");
    SLUICE_ASSERT_OK(process);
    SLUICE_ASSERT_OK((*process)->WaitForError("waiting", kPatience));
    SLUICE_ASSERT_OK((*process)->Signal(signal));
    const auto ended = (*process)->Wait(kPatience);
    SLUICE_ASSERT_OK(ended);
    EXPECT_EQ(ended->signal, signal);
    ExpectAll(*ended, kLines);
    EXPECT_THAT(LastLine(*ended),
                IsLastLine(absl::StrCat(signal, " (SIG", sigabbrev_np(signal),
                                        ") of process ", getpid())));
  }
}

TEST(LogCrashTest, AProgramMayHandleSigquitItself) {
  auto process = Start("wait_with_own_sigquit");
  SLUICE_ASSERT_OK(process);
  SLUICE_ASSERT_OK((*process)->WaitForError("waiting", kPatience));
  SLUICE_ASSERT_OK((*process)->Signal(SIGQUIT));
  SLUICE_EXPECT_OK((*process)->WaitForError("own SIGQUIT", kPatience));
  SLUICE_ASSERT_OK((*process)->Signal(SIGTERM));
  const auto ended = (*process)->Wait(kPatience);
  SLUICE_ASSERT_OK(ended);
  EXPECT_EQ(ended->signal, SIGTERM);
  EXPECT_THAT(ended->output, Not(HasSubstr(kNoLastLine)));
}

TEST(LogCrashTest, ExitWritesAllLines) {
  for (const absl::string_view scenario : {"exit_in_main", "exit_in_thread"}) {
    const Process::Ended ended = EndOf(scenario);
    EXPECT_EQ(ended.exit_code, 3);
    ExpectAll(ended, kLines);
    EXPECT_THAT(ended.output, Not(HasSubstr(kNoLastLine)));
  }
}

TEST(LogCrashTest, ExitOnTheLoggerThreadWritesAllLines) {
  const Process::Ended ended = EndOf("exit_in_flush");
  EXPECT_EQ(ended.exit_code, 3);
  ExpectAll(ended, kLines);
  EXPECT_THAT(LastLine(ended), EndsWith("] last words"));
}

TEST(LogCrashTest, ExitInAWriterDoesNotWait) {
  EXPECT_EQ(EndOf("exit_in_writer").exit_code, 3);
}

TEST(LogCrashTest, ExitWithAFullRingDropsTheLinesThatItReports) {
  const Process::Ended ended = EndOf("exit_with_full_ring");
  EXPECT_EQ(ended.exit_code, 3);
  ExpectAll(ended, static_cast<int>(Lines(ended).size()) - 1);
  EXPECT_THAT(LastLine(ended),
              HasSubstr("1 lines of this thread were dropped"));
}

TEST(LogCrashTest, ExitAfterManyLinesWritesAllLines) {
  const Process::Ended ended = EndOf("exit_with_blocked_lines");
  EXPECT_EQ(ended.exit_code, 3);
  ExpectAll(ended, 50 * kLines);
}

TEST(LogCrashTest, WithoutAHandlerLinesInTheRingsAreLost) {
  for (const absl::string_view scenario :
       {"abort_without_handler", "abort_after_handler"}) {
    const Process::Ended ended = EndOf(scenario);
    EXPECT_EQ(ended.signal, SIGABRT);
    EXPECT_THAT(ended.output, IsEmpty());
  }
}

TEST(LogCrashTest, WithoutALoggerThreadTheCrashedThreadWrites) {
  const Process::Ended ended = EndOf("abort_without_thread");
  EXPECT_EQ(ended.signal, SIGABRT);
  ExpectAll(ended, kLines);
  EXPECT_THAT(LastLine(ended), IsLastLine("6 (SIGABRT)"));
}

TEST(LogCrashTest, ACrashedThreadThatRunsTheBackEndIsEndedInTime) {
  EXPECT_EQ(EndOf("hang_without_thread").signal, SIGABRT);
}

TEST(LogCrashTest, ACrashOnTheBackEndEndsTheProcessAtOnce) {
  const Process::Ended ended = EndOf("back_end_crashes");
  EXPECT_EQ(ended.signal, SIGSEGV);
  EXPECT_THAT(ended.output, IsEmpty());
}

TEST(LogCrashTest, ACrashDoesNotWaitForACrashedBackEnd) {
  EXPECT_EQ(EndOf("back_end_crashes_too").signal, SIGABRT);
}

TEST(LogCrashTest, ACrashOfTheLoggerThreadOutsideTheBackEndWritesAllLines) {
  const Process::Ended ended = EndOf("crash_in_flush");
  EXPECT_EQ(ended.signal, SIGSEGV);
  ExpectAll(ended, kLines);
  EXPECT_THAT(LastLine(ended),
              IsLastLine("11 (SIGSEGV) at address 0x10", "logger"));
}

TEST(LogCrashTest, TheCrashedThreadWritesIfTheLoggerThreadHangs) {
  const Process::Ended ended = EndOf("thread_hangs");
  EXPECT_EQ(ended.signal, SIGABRT);
  EXPECT_THAT(Lines(ended), SizeIs(kLines + 2));
  EXPECT_THAT(LastLine(ended), IsLastLine("6 (SIGABRT)"));
}

TEST(LogCrashTest, ACrashDoesNotWaitForAFailingWriter) {
  EXPECT_EQ(EndOf("writer_fails").signal, SIGABRT);
}

TEST(LogCrashTest, ACrashWaitsForAHangingWriterUpToItsTimeout) {
  EXPECT_EQ(EndOf("writer_hangs").signal, SIGABRT);
  EXPECT_EQ(EndOf("writer_hangs_at_exit").exit_code, 3);
}

TEST(LogCrashTest, OneOfManyLoggingThreadsCrashes) {
  const Process::Ended ended = EndOf("crash_in_one_of_threads");
  EXPECT_EQ(ended.signal, SIGSEGV);
  ExpectAll(ended, kLines, "thread 0 line");
  std::string thread;  // one of several with this name
  for (const std::string& line : Lines(ended)) {
    if (absl::StrContains(line, "thread 0 line 0")) thread = ThreadOf(line);
  }
  EXPECT_THAT(LastLine(ended),
              IsLastLine("11 (SIGSEGV) at address 0x10", thread));
}

TEST(LogCrashTest, ThreadsThatCrashTogetherWriteOneLastLine) {
  const Process::Ended ended = EndOf("crash_in_all_threads");
  EXPECT_EQ(ended.signal, SIGSEGV);
  EXPECT_THAT(LastLine(ended), IsLastLine("11 (SIGSEGV) at address 0x10",
                                          ThreadOf(LastLine(ended))));
}

TEST(LogCrashTest, AnEarlierHandlerSeesTheSameCrash) {
  const Process::Ended ended = EndOf("reported");
  EXPECT_EQ(ended.exit_code, 4);
  EXPECT_EQ(ended.error, "reported\n");
  ExpectAll(ended, kLines);
  EXPECT_THAT(LastLine(ended), IsLastLine("11 (SIGSEGV) at address 0x10"));
}

TEST(LogCrashTest, ASanitizerStillReportsTheCrash) {
  if (!kSanitized) GTEST_SKIP() << "for sanitizers";
  auto process = Process::Start("tests/log/crashing_logger",
                                {.arguments = {"bad_address"}});
  SLUICE_ASSERT_OK(process);
  const auto ended = (*process)->Wait(kPatience);
  SLUICE_ASSERT_OK(ended);
  EXPECT_THAT(ended->error,
              HasSubstr("Sanitizer: SEGV on unknown address 0x000000000010"));
  ExpectAll(*ended, kLines);
  EXPECT_THAT(LastLine(*ended), IsLastLine("11 (SIGSEGV) at address 0x10"));
}

TEST(LogCrashTest, TheChildOfAForkWaitsForNoThread) {
  EXPECT_EQ(EndOf("child_crashes").exit_code, 100 + SIGABRT);
  EXPECT_EQ(EndOf("child_exits").exit_code, 5);
  for (const absl::string_view scenario : {"child_crashes", "child_exits"}) {
    // The parent writes its lines, too.
    ExpectAll(EndOf(scenario), kLines);
  }
}

TEST(LogCrashTest, TheChildOfAForkMayHaveAHandlerOfItsOwn) {
  const Process::Ended ended = EndOf("child_with_own_handler_crashes");
  EXPECT_EQ(ended.exit_code, 100 + SIGABRT);
  ExpectAll(ended, kLines);
  EXPECT_THAT(LastLine(ended), IsLastLine("6 (SIGABRT)"));
}

TEST(LogCrashTest, ACrashAfterExitWritesAllLines) {
  const Process::Ended ended = EndOf("crash_in_destructor");
  EXPECT_EQ(ended.signal, SIGABRT);
  ExpectAll(ended, kLines);
  EXPECT_THAT(ended.output, HasSubstr("] last straw\n"));
  EXPECT_THAT(LastLine(ended), IsLastLine("6 (SIGABRT)"));
}

TEST(LogCrashTest, ExitAnswersEachFlush) {
  const Process::Ended ended = EndOf("flush_at_exit");
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_EQ(ended.error, "flushed\nflushed later\nflushed later\n");
}

TEST(LogCrashTest, ItsDestructorWaitsForACrash) {
  EXPECT_EQ(EndOf("destroyed_meanwhile").signal, SIGABRT);
}

TEST(LogCrashTest, DestructorsMayLogAtExit) {
  const Process::Ended ended = EndOf("log_in_destructors");
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_THAT(ended.output, HasSubstr("] destroyed: with its thread\n"));
  EXPECT_THAT(ended.output, HasSubstr("] destroyed: with main()\n"));
  EXPECT_THAT(ended.output, HasSubstr("] destroyed: after the handler\n"));
}

}  // namespace
}  // namespace sluice
