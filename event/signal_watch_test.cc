#include "sluice/event/signal_watch.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/in_child.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/event/event_loop.h"
#include "sluice/event/poller/epoll_poller.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;

class SignalWatchTest : public ::testing::Test {
 protected:
  SignalWatchTest() : loop_(NewLoop()) {
    // An earlier test of this process may have ignored it.
    signal(SIGUSR1, SIG_DFL);
  }

  static std::unique_ptr<EventLoop> NewLoop() {
    EventLoop::Options options;
    options.poller = *EpollPoller::Create();
    options.clock = Clock::Real();
    return *EventLoop::Create(std::move(options));
  }
  void RunLoop() {
    for (int i = 0; i < 3; ++i) (void)loop_->RunOnce(absl::ZeroDuration());
  }
  std::unique_ptr<SignalWatch> Create(int signal) {
    return SignalWatch::Create(loop_.get(), {signal}, SignalWatch::Mode::kEach,
                               [this] { ++caught_; })
        .value();
  }

  const std::unique_ptr<EventLoop> loop_;
  int caught_ = 0;
};

TEST_F(SignalWatchTest, CallsBackAfterEachSignal) {
  const auto signal = Create(SIGUSR1);
  for (int i = 1; i <= 3; ++i) {
    raise(SIGUSR1);
    EXPECT_EQ(caught_, i - 1);
    RunLoop();
    EXPECT_EQ(caught_, i);
  }
}

TEST_F(SignalWatchTest, SeveralObjectsHaveDifferentSignals) {
  const auto one = Create(SIGUSR1);
  int others = 0;
  const auto other =
      SignalWatch::Create(loop_.get(), {SIGUSR2, SIGHUP},
                          SignalWatch::Mode::kEach, [&] { ++others; })
          .value();
  raise(SIGUSR2);
  RunLoop();
  EXPECT_EQ(caught_, 0);
  EXPECT_EQ(others, 1);
  raise(SIGHUP);
  raise(SIGUSR1);
  RunLoop();
  EXPECT_EQ(caught_, 1);
  EXPECT_EQ(others, 2);
}

TEST_F(SignalWatchTest, TheDestructorRestoresTheEarlierAction) {
  signal(SIGUSR1, SIG_IGN);
  Create(SIGUSR1).reset();
  raise(SIGUSR1);  // would end the process otherwise
  const auto again = Create(SIGUSR1);
  raise(SIGUSR1);
  RunLoop();
  EXPECT_EQ(caught_, 1);
}

TEST_F(SignalWatchTest, TheSignalHandlerKeepsErrno) {
  const auto signal = Create(SIGUSR1);
  errno = EDOM;
  raise(SIGUSR1);
  EXPECT_EQ(errno, EDOM);
}

TEST_F(SignalWatchTest, TheCallableMayDestroyItsSignalWatch) {
  std::unique_ptr<SignalWatch> watch;
  auto alive = std::make_shared<int>(7);
  int after = 0;
  watch = SignalWatch::Create(loop_.get(), {SIGUSR1}, SignalWatch::Mode::kEach,
                              [&, alive] {
                                watch.reset();
                                after = *alive;
                              })
              .value();
  raise(SIGUSR1);
  RunLoop();
  EXPECT_EQ(after, 7);
  EXPECT_EQ(alive.use_count(), 1);
}

TEST_F(SignalWatchTest, TheFirstSignalRestoresTheActionsOfAll) {
  const int result = InChild([] {
    const auto loop = NewLoop();
    const auto watch = SignalWatch::Create(loop.get(), {SIGUSR1, SIGUSR2},
                                           SignalWatch::Mode::kFirst, [] {})
                           .value();
    raise(SIGUSR1);  // the loop does not run
    raise(SIGUSR2);
  });
  EXPECT_EQ(result, 1000 + SIGUSR2);
}

TEST_F(SignalWatchTest, AChildProcessHasTheEarlierAction) {
  const auto watch = Create(SIGUSR1);
  EXPECT_EQ(InChild([] { raise(SIGUSR1); }), 1000 + SIGUSR1);
  RunLoop();
  EXPECT_EQ(caught_, 0);
}

TEST_F(SignalWatchTest, ASignalThatCannotBeCaughtIsAnError) {
  for (const int signal : {0, -1, NSIG, SIGKILL, SIGSTOP}) {
    const auto watch = SignalWatch::Create(loop_.get(), {SIGUSR1, signal},
                                           SignalWatch::Mode::kEach, [] {});
    EXPECT_THAT(watch.status(),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("signals: " + std::to_string(signal))));
  }
  // SIGUSR1 is neither caught nor blocked.
  struct sigaction now;
  ASSERT_EQ(sigaction(SIGUSR1, nullptr, &now), 0);
  EXPECT_EQ(now.sa_handler, SIG_DFL);
  sigset_t blocked;
  ASSERT_EQ(pthread_sigmask(SIG_BLOCK, nullptr, &blocked), 0);
  EXPECT_EQ(sigismember(&blocked, SIGUSR1), 0);
}

TEST_F(SignalWatchTest, ASecondObjectForTheSameSignalFailsACheck) {
  EXPECT_DEATH(
      {
        const auto loop = NewLoop();
        const auto one = SignalWatch::Create(loop.get(), {SIGUSR1},
                                             SignalWatch::Mode::kEach, [] {});
        (void)SignalWatch::Create(loop.get(), {SIGUSR1},
                                  SignalWatch::Mode::kEach, [] {});
      },
      "signal_watch.cc.*no_other_watch_has_it");
}

}  // namespace
}  // namespace sluice
