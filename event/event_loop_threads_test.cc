// Tests of the event loop on the kernel, with threads.

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <latch>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "sluice/base/task.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/event/event_loop.h"
#include "sluice/event/io_target.h"
#include "sluice/event/poller/epoll_poller.h"
#include "sluice/event/poller/poller.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

class Target : public IoTarget {
 public:
  explicit Target(std::function<void(IoEvents)> f) : on_io_(std::move(f)) {}

 private:
  void OnIo(const IoEvent& event) override {
    on_io_(static_cast<IoEvents>(event.flags));
  }
  std::function<void(IoEvents)> on_io_;
};

class TestTask : public Task {
 public:
  explicit TestTask(std::function<void()> f) : run_(std::move(f)) {}
  void Run() override { run_(); }
  void Abandon() override {}

 private:
  std::function<void()> run_;
};

class EventLoopThreadsTest : public ::testing::Test {
 protected:
  EventLoopThreadsTest() { NewLoop({}); }
  void NewLoop(EventLoop::Options options) {
    options.poller = *EpollPoller::Create();
    options.clock = Clock::Real();
    loop_ = *EventLoop::Create(std::move(options));
  }
  void StartLoop() {
    thread_ = std::thread([this] { SLUICE_EXPECT_OK(loop_->Run()); });
  }
  void StopLoop() {
    loop_->Stop();
    thread_.join();
  }
  std::unique_ptr<EventLoop> loop_;
  std::thread thread_;
};

TEST_F(EventLoopThreadsTest, ASleepingLoopIsWokenByEachWayIn) {
  StartLoop();
  for (int i = 0; i < 1000; ++i) {
    std::atomic<bool> ran{false};
    TestTask task([&] { ran.store(true); });
    if (i % 2 == 0) {
      loop_->Schedule(&task);
    } else {
      SLUICE_ASSERT_OK(loop_->Post([&] { ran.store(true); }));
    }
    while (!ran.load()) std::this_thread::yield();
    while (task.queued()) std::this_thread::yield();
  }
  StopLoop();
}

TEST_F(EventLoopThreadsTest, ABurstWhileTheLoopIsBusyNeedsNoWakeUp) {
  constexpr int kTasks = 10'000;
  std::vector<std::unique_ptr<TestTask>> tasks;
  int ran = 0;  // on the loop
  TestTask block([&] {
    for (auto& task : tasks) loop_->Schedule(task.get());
  });
  for (int i = 0; i < kTasks; ++i) {
    tasks.push_back(std::make_unique<TestTask>([&] {
      if (++ran == kTasks) loop_->Stop();
    }));
  }
  loop_->ScheduleLocal(&block);
  SLUICE_EXPECT_OK(loop_->Run());
  EXPECT_EQ(ran, kTasks);
  EXPECT_EQ(loop_->stats().wakes, 0u);
}

TEST_F(EventLoopThreadsTest, PostsToABusyLoopNeedNoWakeUp) {
  constexpr int kPosts = 3'000;
  int ran = 0;  // on the loop
  const auto count = [&] {
    if (++ran == kPosts) loop_->Stop();
  };
  TestTask busy([&] {
    for (int i = 0; i < kPosts; ++i) SLUICE_ASSERT_OK(loop_->Post(count));
  });
  loop_->ScheduleLocal(&busy);
  SLUICE_EXPECT_OK(loop_->Run());
  EXPECT_EQ(ran, kPosts);
  EXPECT_EQ(loop_->stats().wakes, 0u);
}

// The loop sleeps; the first task of the burst holds the loop up until all
// tasks have come.
class EventLoopBurstTest : public EventLoopThreadsTest {
 protected:
  static constexpr int kBurst = 10'000;

  EventLoopBurstTest() {
    NewLoop({.max_posted = kBurst});
    StartLoop();
    // The wait that this ends is not the first one, and the loop has nothing to
    // do but sleep.
    while (loop_->stats().wakes == 0) {
      SLUICE_EXPECT_OK(loop_->Post([] {}));
      std::this_thread::yield();
    }
    wakes_before_ = loop_->stats().wakes;
  }
  uint64_t StopLoopAndCountWakes() {
    all_came_.count_down();
    all_ran_.wait();
    const uint64_t wakes = loop_->stats().wakes - wakes_before_;
    StopLoop();
    return wakes;
  }
  void Run(int i) {
    if (i == 0) all_came_.wait();
    if (i == kBurst - 1) all_ran_.count_down();
  }

  uint64_t wakes_before_;
  std::latch all_came_{1};
  std::latch all_ran_{1};
};

TEST_F(EventLoopBurstTest, SchedulingFromAnotherThreadTakesAtMostThreeWakeUps) {
  std::vector<std::unique_ptr<TestTask>> tasks;
  for (int i = 0; i < kBurst; ++i) {
    tasks.push_back(std::make_unique<TestTask>([this, i] { Run(i); }));
  }
  for (auto& task : tasks) loop_->Schedule(task.get());
  EXPECT_LE(StopLoopAndCountWakes(), 3u);
}

TEST_F(EventLoopBurstTest, PostedTakesThreeWakeUpsAtMost) {
  for (int i = 0; i < kBurst; ++i) {
    SLUICE_ASSERT_OK(loop_->Post([this, i] { Run(i); }));
  }
  EXPECT_LE(StopLoopAndCountWakes(), 3u);
}

TEST_F(EventLoopThreadsTest, NoTaskIsMissedBetweenManyCallersAndSleeps) {
  constexpr int kCallers = 4;
  constexpr int kRounds = 3'000;
  StartLoop();
  std::vector<std::thread> callers;
  std::atomic<int> ran{0};
  for (int c = 0; c < kCallers; ++c) {
    callers.emplace_back([&] {
      int mine = 0;  // written on the loop, read after the hand-shake
      std::atomic<int> seen{0};
      TestTask task([&] { seen.store(++mine); });
      for (int i = 1; i <= kRounds; ++i) {
        loop_->Schedule(&task);
        while (seen.load() < i) std::this_thread::yield();
      }
      ran.fetch_add(mine);
    });
  }
  for (std::thread& caller : callers) caller.join();
  StopLoop();
  EXPECT_EQ(ran.load(), kCallers * kRounds);
}

TEST_F(EventLoopThreadsTest, StopFromAnotherThreadEndsASleepingLoop) {
  StartLoop();
  StopLoop();
}

TEST_F(EventLoopThreadsTest, DispatchesARealDescriptor) {
  const int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  ASSERT_GE(fd, 0);
  Target target([&](IoEvents events) {
    EXPECT_EQ(events, kReadable);
    loop_->Stop();
  });
  SLUICE_ASSERT_OK(loop_->Add(&target, fd, kReadable));
  StartLoop();
  const uint64_t one = 1;
  ASSERT_EQ(write(fd, &one, sizeof(one)), 8);
  thread_.join();
  loop_->Remove(&target);
  close(fd);
}

}  // namespace
}  // namespace sluice
