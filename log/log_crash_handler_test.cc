#include "sluice/log/log_crash_handler.h"

#include <signal.h>

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/log/async_logger.h"
#include "sluice/log/memory_log.h"
#include "sluice/timer/sim_clock.h"

namespace sluice {
namespace {

// tests/log/log_crash_test.cc tests the end of processes.
class LogCrashHandlerTest : public ::testing::Test {
 protected:
  static constexpr int kSignals[] = {SIGABRT, SIGBUS,  SIGFPE, SIGILL,
                                     SIGQUIT, SIGSEGV, SIGSYS, SIGTRAP,
                                     SIGXCPU, SIGXFSZ};

  static sighandler_t HandlerOf(int signal) {
    struct sigaction action;
    EXPECT_EQ(sigaction(signal, nullptr, &action), 0);
    return action.sa_handler;
  }
  static void* SignalStack() {
    stack_t stack;
    EXPECT_EQ(sigaltstack(nullptr, &stack), 0);
    return (stack.ss_flags & SS_DISABLE) != 0 ? nullptr : stack.ss_sp;
  }

  std::unique_ptr<LogCrashHandler> Install() {
    auto handler = LogCrashHandler::Install(&logger_);
    SLUICE_EXPECT_OK(handler);
    return *std::move(handler);
  }

  SimClock clock_;
  MemoryLog log_;
  AsyncLogger logger_{log_.NewWriter(), {.clock = &clock_}};
};

TEST_F(LogCrashHandlerTest, RestoresThePreviousHandlers) {
  for (int i = 0; i < 2; ++i) {
    std::vector<sighandler_t> before;
    for (const int signal : kSignals) before.push_back(HandlerOf(signal));
    void* const stack_before = SignalStack();

    std::unique_ptr<LogCrashHandler> handler = Install();
    for (size_t s = 0; s < before.size(); ++s) {
      EXPECT_NE(HandlerOf(kSignals[s]), before[s]) << kSignals[s];
    }
    EXPECT_NE(SignalStack(), nullptr);

    handler.reset();
    for (size_t s = 0; s < before.size(); ++s) {
      EXPECT_EQ(HandlerOf(kSignals[s]), before[s]) << kSignals[s];
    }
    EXPECT_EQ(SignalStack(), stack_before);
  }
}

TEST_F(LogCrashHandlerTest, LeavesIgnoredSignals) {
  const sighandler_t before = signal(SIGSYS, SIG_IGN);
  {
    const std::unique_ptr<LogCrashHandler> handler = Install();
    EXPECT_EQ(HandlerOf(SIGSYS), SIG_IGN);
  }
  EXPECT_EQ(HandlerOf(SIGSYS), SIG_IGN);
  signal(SIGSYS, before);
}

TEST_F(LogCrashHandlerTest, LeavesHandlersOfSignalsFromOutside) {
  const auto own = [](int) {};
  for (const int number : {SIGQUIT, SIGXCPU, SIGXFSZ}) {
    const sighandler_t before = signal(number, own);
    const std::unique_ptr<LogCrashHandler> handler = Install();
    EXPECT_EQ(HandlerOf(number), static_cast<sighandler_t>(own));
    signal(number, before);
  }
}

TEST_F(LogCrashHandlerTest, LeavesHandlersThatTheProgramInstalledLater) {
  const auto own = [](int) {};
  const sighandler_t before = HandlerOf(SIGSEGV);
  std::unique_ptr<LogCrashHandler> handler = Install();
  signal(SIGSEGV, own);
  handler.reset();
  EXPECT_EQ(HandlerOf(SIGSEGV), static_cast<sighandler_t>(own));
  signal(SIGSEGV, before);
}

TEST_F(LogCrashHandlerTest, ThereIsOneInAProcess) {
  EXPECT_DEATH(
      {
        AsyncLogger logger(log_.NewWriter(), {.clock = &clock_});
        const auto first = LogCrashHandler::Install(&logger);
        const auto second = LogCrashHandler::Install(&logger);
      },
      "SLUICE_CHECK failed: .*installed");
}

}  // namespace
}  // namespace sluice
