#include "sluice/event/poller/epoll_poller.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/io_result.h"
#include "sluice/base/testing/in_child.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/base/testing/without_system_call.h"
#include "sluice/event/poller/poller.h"
#include "sluice/event/poller/poller_conformance.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

INSTANTIATE_TEST_SUITE_P(
    Epoll, PollerConformanceTest,
    ::testing::Values(KernelPollerBackend("epoll",
                                          [](size_t max_events) {
                                            return EpollPoller::Create(
                                                {.max_events = max_events});
                                          })),
    PollerBackend::Name);

TEST(EpollPollerTest, RefusesAWaitOfNoEvents) {
  EXPECT_THAT(EpollPoller::Create({.max_events = 0}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("max_events is 0")));
}

TEST(EpollPollerTest, OutOfDescriptorsIsResourceExhaustedAndLeaksNone) {
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const int next = dup(0);
  ASSERT_GE(next, 0);
  close(next);
  // Room for one descriptor, then for none: either creation step fails.
  for (const rlim_t room : {1, 0}) {
    const rlimit tight = {static_cast<rlim_t>(next) + room, before.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &tight), 0);
    const absl::Status status = EpollPoller::Create().status();
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
    EXPECT_THAT(status,
                StatusIs(absl::StatusCode::kResourceExhausted,
                         HasSubstr(room == 1 ? "epoll_create1" : "eventfd")));
  }
  const int again = dup(0);
  EXPECT_EQ(again, next);
  close(again);
}

TEST(EpollPollerTest, ErrorsNameTheCallAndTheDescriptor) {
  auto poller = EpollPoller::Create();
  SLUICE_ASSERT_OK(poller);
  const int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  // epoll_ctl(2): a regular file cannot be waited for.
  const absl::Status status = (*poller)->Add(fd, kReadable, 1, AddHint::kNone);
  EXPECT_THAT(status,
              StatusIs(absl::StatusCode::kPermissionDenied,
                       AllOf(HasSubstr("epoll_ctl(ADD) on descriptor " +
                                       std::to_string(fd)),
                             HasSubstr("; epoll takes no regular files"))));
  EXPECT_EQ(ErrnoOf(status), EPERM);
  close(fd);
}

// Linux before 5.11 has no epoll_pwait2(2), and older filters refuse it.
TEST(EpollPollerTest, WaitsWhereThereIsNoEpollPwait2) {
  for (const int error : {ENOSYS, EPERM}) {
    WithoutSystemCall(SYS_epoll_pwait2, error, [] {
      auto poller = EpollPoller::Create();
      SLUICE_ASSERT_OK(poller);
      const Clock& clock = *Clock::Real();
      for (int i = 0; i < 2; ++i) {
        const MonotonicTime start = clock.Now();
        const auto events = (*poller)->Wait(absl::Microseconds(1500));
        SLUICE_ASSERT_OK(events);
        EXPECT_TRUE(events->empty());
        EXPECT_GE(clock.Now() - start, absl::Microseconds(1500));
      }
      (*poller)->Wake();
      SLUICE_EXPECT_OK((*poller)->Wait(absl::InfiniteDuration()));
    });
  }
}

// Parent and child share one epoll instance.
TEST(EpollPollerTest, AChildOfForkChangesNothingForItsParent) {
  auto poller = EpollPoller::Create();
  SLUICE_ASSERT_OK(poller);
  int pipe_ends[2];
  ASSERT_EQ(pipe2(pipe_ends, O_CLOEXEC), 0);
  SLUICE_ASSERT_OK((*poller)->Add(pipe_ends[1], kWritable, 1, AddHint::kNone));
  EXPECT_EQ(
      InChild([&] {
        const auto refused = absl::StatusCode::kFailedPrecondition;
        if ((*poller)->Add(0, kReadable, 2, AddHint::kNone).code() != refused) {
          _exit(1);
        }
        if ((*poller)->Modify(pipe_ends[1], 0, 3).code() != refused) {
          _exit(2);
        }
        if (!(*poller)->Remove(pipe_ends[1]).ok()) _exit(3);
        poller->reset();
      }),
      0);
  const auto events = (*poller)->Wait(absl::ZeroDuration());
  SLUICE_ASSERT_OK(events);
  ASSERT_EQ(events->size(), 1u);
  EXPECT_EQ((*events)[0].token, 1u);
  EXPECT_EQ((*events)[0].flags, kWritable);
  SLUICE_EXPECT_OK((*poller)->Remove(pipe_ends[1]));
  close(pipe_ends[0]);
  close(pipe_ends[1]);
}

}  // namespace
}  // namespace sluice
