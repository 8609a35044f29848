#include "sluice/event/poller/select_poller.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/event/poller/poller.h"
#include "sluice/event/poller/poller_conformance.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

INSTANTIATE_TEST_SUITE_P(Select, PollerConformanceTest,
                         ::testing::Values(KernelPollerBackend(
                             "select",
                             [](size_t max_events) {
                               return SelectPoller::Create(
                                   {.max_events = max_events});
                             },
                             /*descriptor_limit=*/FD_SETSIZE)),
                         PollerBackend::Name);

// Returns the tokens of one Wait() that does not block, in their order.
std::vector<uint64_t> Tokens(Poller& poller) {
  const auto events = poller.Wait(absl::ZeroDuration());
  SLUICE_EXPECT_OK(events);
  std::vector<uint64_t> tokens;
  for (const IoEvent& event : *events) tokens.push_back(event.token);
  return tokens;
}

TEST(SelectPollerTest, RefusesAWaitOfNoEvents) {
  EXPECT_THAT(SelectPoller::Create({.max_events = 0}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("SelectPoller: max_events is 0")));
}

TEST(SelectPollerTest, BeginsAfterTheDescriptorThatItReportedLast) {
  auto poller = SelectPoller::Create({.max_events = 2});
  SLUICE_ASSERT_OK(poller);
  std::vector<int> fds;
  for (uint64_t token = 0; token < 5; ++token) {
    fds.push_back(eventfd(0, EFD_CLOEXEC));
    SLUICE_ASSERT_OK(
        (*poller)->Add(fds.back(), kWritable, token, AddHint::kNone));
  }
  EXPECT_THAT(Tokens(**poller), ElementsAre(0, 1));
  EXPECT_THAT(Tokens(**poller), ElementsAre(2, 3));
  EXPECT_THAT(Tokens(**poller), ElementsAre(4, 0));
  for (const int fd : fds) close(fd);
}

TEST(SelectPollerTest, ARegularFileIsAlwaysReady) {
  auto poller = SelectPoller::Create();
  SLUICE_ASSERT_OK(poller);
  const int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  SLUICE_ASSERT_OK((*poller)->Add(fd, kReadable, 7, AddHint::kNone));
  EXPECT_THAT(Tokens(**poller), ElementsAre(7));
  close(fd);
}

TEST(SelectPollerTest, TheLimitIsFD_SETSIZEAndNamed) {
  auto poller = SelectPoller::Create();
  SLUICE_ASSERT_OK(poller);
  rlimit limit;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = limit.rlim_max;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  const int beyond = fcntl(0, F_DUPFD_CLOEXEC, FD_SETSIZE);
  if (beyond < 0) GTEST_SKIP() << "RLIMIT_NOFILE is " << limit.rlim_max;
  EXPECT_THAT((*poller)->Add(beyond, kReadable, 1, AddHint::kNone),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       AllOf(HasSubstr("descriptor 1024"),
                             HasSubstr("below 1024 (FD_SETSIZE)"))));
  EXPECT_THAT((*poller)->Modify(beyond, kReadable, 1),
              StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT((*poller)->Remove(beyond), StatusIs(absl::StatusCode::kNotFound));
  close(beyond);
}

TEST(SelectPollerTest, NeedsAFreeDescriptorBelowTheLimitForItself) {
  rlimit limit;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = limit.rlim_max;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  std::vector<int> fds;
  do {
    fds.push_back(fcntl(0, F_DUPFD_CLOEXEC, 0));
  } while (fds.back() >= 0 && fds.back() < FD_SETSIZE - 1);
  const absl::Status status = SelectPoller::Create().status();
  const bool enough = fds.back() == FD_SETSIZE - 1;
  // The number that was not taken is free again.
  EXPECT_EQ(fcntl(0, F_DUPFD_CLOEXEC, 0), enough ? FD_SETSIZE : -1);
  close(FD_SETSIZE);
  for (const int fd : fds) close(fd);
  if (!enough) GTEST_SKIP() << "RLIMIT_NOFILE is " << limit.rlim_max;
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kResourceExhausted,
                               HasSubstr("below 1024 (FD_SETSIZE)")));
}

TEST(SelectPollerTest, LooksForErrorsBehindUnreadInputFromTimeToTime) {
  auto poller = SelectPoller::Create();
  SLUICE_ASSERT_OK(poller);
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  ASSERT_EQ(write(ends[1], "x", 1), 1);
  SLUICE_ASSERT_OK((*poller)->Add(ends[0], 0, 1, AddHint::kNone));
  // The first Wait() finds the input; the second one must end in time.
  const MonotonicTime before = Clock::Real()->Now();
  for (int i = 0; i < 2; ++i) {
    const auto events = (*poller)->Wait(absl::InfiniteDuration());
    SLUICE_ASSERT_OK(events);
    EXPECT_THAT(*events, IsEmpty());
  }
  EXPECT_GE(Clock::Real()->Now() - before, SelectPoller::kProbeInterval);
  close(ends[1]);
  EXPECT_THAT(Tokens(**poller), ElementsAre(1));
  EXPECT_THAT(Tokens(**poller), IsEmpty());
  // After the report, a Wait() takes its full time again.
  const MonotonicTime then = Clock::Real()->Now();
  SLUICE_ASSERT_OK((*poller)->Wait(2 * SelectPoller::kProbeInterval));
  EXPECT_GE(Clock::Real()->Now() - then, 2 * SelectPoller::kProbeInterval);
  close(ends[0]);
}

TEST(SelectPollerDeathTest, ADescriptorThatIsClosedBeforeRemoveIsACheck) {
  auto poller = SelectPoller::Create();
  SLUICE_ASSERT_OK(poller);
  const int fd = eventfd(0, EFD_CLOEXEC);
  SLUICE_ASSERT_OK((*poller)->Add(fd, kReadable, 1, AddHint::kNone));
  close(fd);
  EXPECT_DEATH((void)(*poller)->Wait(absl::ZeroDuration()),
               "closed_before_remove");
}

}  // namespace
}  // namespace sluice
