#include "sluice/event/signal_watch.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "sluice/event/event_loop.h"
#include "sluice/net/linux_platform.h"
#include "sluice/net/platform.h"

namespace sluice {
namespace {

class LoopSignalTest : public ::testing::Test {
 protected:
  LoopSignalTest() : loop_(NewEventLoop(platform_).value()) {}

  void RunLoop() {
    for (int i = 0; i < 3; ++i) (void)loop_->RunOnce(absl::ZeroDuration());
  }
  std::unique_ptr<LoopSignal> Catch(int signal) {
    return LoopSignal::Catch(loop_.get(), {signal}, LoopSignal::Mode::kEach,
                             [this] { ++caught_; })
        .value();
  }

  const Platform platform_ = LinuxPlatform();
  const std::unique_ptr<EventLoop> loop_;
  int caught_ = 0;
};

TEST_F(LoopSignalTest, EachSignalIsAnEvent) {
  const auto signal = Catch(SIGUSR1);
  for (int i = 1; i <= 3; ++i) {
    raise(SIGUSR1);
    EXPECT_EQ(caught_, i - 1);
    RunLoop();
    EXPECT_EQ(caught_, i);
  }
}

TEST_F(LoopSignalTest, SeveralObjectsCatchSeveralSignals) {
  const auto one = Catch(SIGUSR1);
  int others = 0;
  const auto other =
      LoopSignal::Catch(loop_.get(), {SIGUSR2, SIGHUP}, LoopSignal::Mode::kEach,
                        [&] { ++others; })
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

TEST_F(LoopSignalTest, AfterwardsTheActionIsTheOneOfBefore) {
  signal(SIGUSR1, SIG_IGN);
  Catch(SIGUSR1).reset();
  raise(SIGUSR1);  // would end the process otherwise
  const auto again = Catch(SIGUSR1);
  raise(SIGUSR1);
  RunLoop();
  EXPECT_EQ(caught_, 1);
}

TEST_F(LoopSignalTest, ErrnoSurvives) {
  const auto signal = Catch(SIGUSR1);
  errno = EDOM;
  raise(SIGUSR1);
  EXPECT_EQ(errno, EDOM);
}

}  // namespace
}  // namespace sluice
