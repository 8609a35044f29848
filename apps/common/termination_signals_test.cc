#include "sluice/apps/common/termination_signals.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/event/signal_watch.h"
#include "sluice/net/transport/linux_platform.h"
#include "sluice/net/transport/platform.h"

namespace sluice {
namespace {

// Each case runs in its own process, because signals belong to the process.
class TerminationSignalsDeathTest : public ::testing::TestWithParam<int> {
 protected:
  // Runs a loop and sends the first signal; calls `after` when the callable has
  // been called. Exits with 0 if `after` returns.
  static void RunAndSignal(void (*after)(int signal)) {
    const Platform platform = LinuxPlatform();
    auto loop = NewEventLoop(platform).value();
    int calls = 0;
    const auto signals =
        CatchTerminationSignals(loop.get(), [&] { ++calls; }).value();
    kill(getpid(), GetParam());
    for (int i = 0; i < 3; ++i) (void)loop->RunOnce(absl::ZeroDuration());
    if (calls != 1) _exit(3);
    after(GetParam());
    _exit(0);
  }

  // The loop does not run: it may be blocked, or have ended.
  static void CatchWithoutRunning(
      void (*then)(int signal, std::unique_ptr<SignalWatch> signals)) {
    const Platform platform = LinuxPlatform();
    const auto loop = NewEventLoop(platform).value();
    then(GetParam(), CatchTerminationSignals(loop.get(), [] {}).value());
    _exit(0);
  }
};

TEST_P(TerminationSignalsDeathTest, TheSecondSignalEndsTheProcessWithoutALoop) {
  EXPECT_EXIT(CatchWithoutRunning([](int signal, auto) {
                for (int i = 0; i < 2; ++i) kill(getpid(), signal);
              }),
              ::testing::KilledBySignal(GetParam()), "");
}

TEST_P(TerminationSignalsDeathTest, TheOtherSignalCountsAsTheSecond) {
  EXPECT_EXIT(CatchWithoutRunning([](int signal, auto) {
                kill(getpid(), signal == SIGTERM ? SIGINT : SIGTERM);
                kill(getpid(), signal);
              }),
              ::testing::KilledBySignal(GetParam()), "");
}

TEST_P(TerminationSignalsDeathTest,
       AfterDestructionTheFirstSignalEndsTheProcess) {
  EXPECT_EXIT(CatchWithoutRunning([](int signal, auto signals) {
                signals.reset();
                kill(getpid(), signal);
              }),
              ::testing::KilledBySignal(GetParam()), "");
}

TEST_P(TerminationSignalsDeathTest, SignalsThatWereBlockedAreCaught) {
  EXPECT_EXIT(
      {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_BLOCK, &all, nullptr);
        RunAndSignal([](int signal) { kill(getpid(), signal); });
      },
      ::testing::KilledBySignal(GetParam()), "");
}

// A child process inherits the signal handler and the eventfd.
TEST_P(TerminationSignalsDeathTest,
       ASignalToAChildEndsItAndDoesNotReachTheParent) {
  EXPECT_EXIT(
      {
        const Platform platform = LinuxPlatform();
        const auto loop = NewEventLoop(platform).value();
        int calls = 0;
        const auto signals =
            CatchTerminationSignals(loop.get(), [&] { ++calls; }).value();
        const pid_t child = fork();
        if (child == 0) {
          raise(GetParam());
          _exit(0);
        }
        int status = 0;
        waitpid(child, &status, 0);
        for (int i = 0; i < 3; ++i) (void)loop->RunOnce(absl::ZeroDuration());
        const bool killed =
            WIFSIGNALED(status) && WTERMSIG(status) == GetParam();
        _exit(killed && calls == 0 ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "");
}

TEST_P(TerminationSignalsDeathTest, AChildMayCatchSignalsItself) {
  EXPECT_EXIT(
      CatchWithoutRunning([](int signal, auto) {
        const pid_t child = fork();
        if (child == 0) RunAndSignal([](int s) { raise(s); });
        int status = 0;
        waitpid(child, &status, 0);
        _exit(WIFSIGNALED(status) && WTERMSIG(status) == signal ? 0 : 1);
      }),
      ::testing::ExitedWithCode(0), "");
}

TEST_P(TerminationSignalsDeathTest, NoSignalIsBlocked) {
  EXPECT_EXIT(CatchWithoutRunning([](int signal, auto) {
                sigset_t blocked;
                pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
                _exit(sigismember(&blocked, signal));
              }),
              ::testing::ExitedWithCode(0), "");
}

TEST_P(TerminationSignalsDeathTest, TheFirstSignalCallsBackOnTheLoop) {
  EXPECT_EXIT(RunAndSignal([](int) {}), ::testing::ExitedWithCode(0), "");
}

TEST_P(TerminationSignalsDeathTest, TheSecondSignalEndsTheProcess) {
  EXPECT_EXIT(RunAndSignal([](int signal) { kill(getpid(), signal); }),
              ::testing::KilledBySignal(GetParam()), "");
}

// Shells without job control start background commands with SIGINT ignored.
TEST_P(TerminationSignalsDeathTest, SignalsThatWereIgnoredAreCaught) {
  EXPECT_EXIT(
      {
        signal(GetParam(), SIG_IGN);
        RunAndSignal([](int signal) { kill(getpid(), signal); });
      },
      ::testing::KilledBySignal(GetParam()), "");
}

TEST_P(TerminationSignalsDeathTest, SigpipeIsIgnored) {
  EXPECT_EXIT(RunAndSignal([](int) { raise(SIGPIPE); }),
              ::testing::ExitedWithCode(0), "");
}

INSTANTIATE_TEST_SUITE_P(Signals, TerminationSignalsDeathTest,
                         ::testing::Values(SIGTERM, SIGINT));

}  // namespace
}  // namespace sluice
