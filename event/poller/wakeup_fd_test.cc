#include "sluice/event/poller/wakeup_fd.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/in_child.h"
#include "sluice/base/testing/status_matchers.h"

namespace {

// This program defines read(2) and write(2) itself.
std::function<void()>* before_read = nullptr;  // the next one
std::atomic<bool> write_fails{false};          // the next one

}  // namespace

extern "C" ssize_t read(int fd, void* into, size_t size) {
  if (before_read != nullptr) (*std::exchange(before_read, nullptr))();
  return syscall(SYS_read, fd, into, size);
}

extern "C" ssize_t write(int fd, const void* from, size_t size) {
  if (!write_fails.exchange(false)) {
    return syscall(SYS_write, fd, from, size);
  }
  errno = EAGAIN;
  return -1;
}

namespace sluice {
namespace {

bool IsReadable(const WakeupFd& wakeup, int timeout_ms = 0) {
  pollfd polled = {wakeup.fd(), POLLIN, 0};
  return poll(&polled, 1, timeout_ms) == 1;
}

TEST(WakeupFdTest, IsReadableFromWakeToTake) {
  const auto wakeup = WakeupFd::Create();
  SLUICE_ASSERT_OK(wakeup);
  EXPECT_FALSE(IsReadable(**wakeup));
  for (int i = 0; i < 3; ++i) {
    (*wakeup)->Wake();
    (*wakeup)->Wake();
    EXPECT_TRUE(IsReadable(**wakeup));
    (*wakeup)->Take();
    EXPECT_FALSE(IsReadable(**wakeup));
  }
}

TEST(WakeupFdTest, EachWakeAfterATakenEdgeIsAnother) {
  const auto wakeup = WakeupFd::Create();
  SLUICE_ASSERT_OK(wakeup);
  const int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  ASSERT_GE(epoll_fd, 0);
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  ASSERT_EQ(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, (*wakeup)->fd(), &event), 0);
  const auto edges = [&] { return epoll_wait(epoll_fd, &event, 1, 0); };
  EXPECT_EQ(edges(), 0);
  for (int i = 0; i < 3; ++i) {
    (*wakeup)->Wake();
    (*wakeup)->Wake();
    EXPECT_EQ(edges(), 1);
    (*wakeup)->TakeEdge();
    EXPECT_EQ(edges(), 0);
  }
  close(epoll_fd);
}

TEST(WakeupFdTest, AWakeDuringATakeLeavesTheNextOneItsEffect) {
  const auto wakeup = WakeupFd::Create();
  SLUICE_ASSERT_OK(wakeup);
  (*wakeup)->Wake();
  std::function<void()> wake = [&] { (*wakeup)->Wake(); };
  before_read = &wake;
  (*wakeup)->Take();
  EXPECT_EQ(before_read, nullptr);
  (*wakeup)->Wake();
  EXPECT_TRUE(IsReadable(**wakeup));
}

TEST(WakeupFdTest, WakeKeepsErrno) {
  const auto wakeup = WakeupFd::Create();
  SLUICE_ASSERT_OK(wakeup);
  write_fails = true;
  errno = ENOENT;
  (*wakeup)->Wake();
  EXPECT_EQ(errno, ENOENT);
  EXPECT_FALSE(write_fails);
}

TEST(WakeupFdTest, OutOfDescriptorsIsResourceExhausted) {
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none = {0, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const absl::Status status = WakeupFd::Create().status();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kResourceExhausted,
                               ::testing::HasSubstr("eventfd")));
}

// Each thread writes its news and then wakes the waiting thread, which must see
// all of it.
TEST(WakeupFdTest, WritesBeforeAWakeAreVisible) {
  constexpr int kThreads = 3;
  constexpr int kNewsOfEach = 3000;
  constexpr int kPatienceMs = 30'000;
  const auto wakeup = WakeupFd::Create();
  SLUICE_ASSERT_OK(wakeup);
  std::atomic<int> news{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < kNewsOfEach; ++j) {
        news.fetch_add(1);
        (*wakeup)->Wake();
      }
    });
  }
  int seen = 0;
  while (seen < kThreads * kNewsOfEach && IsReadable(**wakeup, kPatienceMs)) {
    (*wakeup)->Take();
    seen = news.load();
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(seen, kThreads * kNewsOfEach);
}

// Parent and child share one eventfd.
TEST(WakeupFdTest, AChildOfForkDoesNotWakeItsParent) {
  auto wakeup = WakeupFd::Create();
  SLUICE_ASSERT_OK(wakeup);
  EXPECT_EQ(InChild([&] { (*wakeup)->Wake(); }), 0);
  pollfd polled = {.fd = (*wakeup)->fd(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(poll(&polled, 1, 0), 0);
  (*wakeup)->Wake();
  EXPECT_EQ(poll(&polled, 1, 0), 1);
}

}  // namespace
}  // namespace sluice
