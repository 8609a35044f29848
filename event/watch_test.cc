#include "sluice/event/watch.h"

#include <fcntl.h>
#include <unistd.h>

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/event/event_loop.h"
#include "sluice/event/poller/epoll_poller.h"
#include "sluice/event/poller/poller.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

class WatchTest : public ::testing::Test {
 protected:
  WatchTest() {
    EventLoop::Options options;
    options.poller = *EpollPoller::Create();
    options.clock = Clock::Real();
    loop_ = *EventLoop::Create(std::move(options));
    EXPECT_EQ(pipe2(pipe_, O_NONBLOCK | O_CLOEXEC), 0);
  }
  ~WatchTest() override {
    close(pipe_[0]);
    close(pipe_[1]);
  }
  void RunIteration() {
    SLUICE_ASSERT_OK(loop_->RunOnce(absl::ZeroDuration()));
  }
  void MakeReadable() { ASSERT_EQ(write(pipe_[1], "x", 1), 1); }

  std::unique_ptr<EventLoop> loop_;
  int pipe_[2];
};

TEST_F(WatchTest, CallsTheHandlerWhileTheConditionHolds) {
  int calls = 0;
  auto watch =
      Watch::Create(loop_.get(), pipe_[0], kReadable, [&](IoEvents events) {
        EXPECT_EQ(events, kReadable);
        ++calls;
      });
  SLUICE_ASSERT_OK(watch);
  RunIteration();
  EXPECT_EQ(calls, 0);
  MakeReadable();
  RunIteration();
  RunIteration();
  EXPECT_EQ(calls, 2);
  SLUICE_ASSERT_OK((*watch)->SetInterest(0));
  RunIteration();
  EXPECT_EQ(calls, 2);
}

TEST_F(WatchTest, DestructionEndsCalls) {
  int calls = 0;
  auto watch = Watch::Create(loop_.get(), pipe_[0], kReadable,
                             [&](IoEvents) { ++calls; });
  SLUICE_ASSERT_OK(watch);
  MakeReadable();
  watch->reset();
  RunIteration();
  EXPECT_EQ(calls, 0);
}

TEST_F(WatchTest, TheHandlerMayDestroyItsWatch) {
  std::unique_ptr<Watch> watch;
  auto alive = std::make_shared<int>(0);
  int after = -1;
  watch =
      *Watch::Create(loop_.get(), pipe_[0], kReadable, [&, alive](IoEvents) {
        watch.reset();
        after = *alive;  // the callable still exists
      });
  MakeReadable();
  RunIteration();
  RunIteration();
  EXPECT_EQ(after, 0);
  EXPECT_EQ(alive.use_count(), 1);
}

TEST_F(WatchTest, AnErrorOfThePollerIsPassedOn) {
  auto watch = Watch::Create(loop_.get(), 999'999, kReadable, [](IoEvents) {});
  EXPECT_FALSE(watch.ok());
}

}  // namespace
}  // namespace sluice
