#include "sluice/event/poller/poll_poller.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/event/poller/poller.h"
#include "sluice/event/poller/poller_conformance.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

INSTANTIATE_TEST_SUITE_P(
    Poll, PollerConformanceTest,
    ::testing::Values(KernelPollerBackend("poll",
                                          [](size_t max_events) {
                                            return PollPoller::Create(
                                                {.max_events = max_events});
                                          })),
    PollerBackend::Name);

// Returns the tokens of one Wait() that does not block, in their order.
std::vector<uint64_t> Tokens(Poller& poller) {
  const auto events = poller.Wait(absl::ZeroDuration());
  SLUICE_EXPECT_OK(events);
  std::vector<uint64_t> tokens;
  for (const IoEvent& event : *events) tokens.push_back(event.token);
  return tokens;
}

TEST(PollPollerTest, RefusesAWaitOfNoEvents) {
  EXPECT_THAT(PollPoller::Create({.max_events = 0}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("PollPoller: max_events is 0")));
}

TEST(PollPollerTest, OutOfDescriptorsIsResourceExhausted) {
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none = {0, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const absl::Status status = PollPoller::Create().status();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kResourceExhausted,
                               HasSubstr("eventfd")));
}

TEST(PollPollerTest, BeginsAfterTheDescriptorThatItReportedLast) {
  auto poller = PollPoller::Create({.max_events = 2});
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
  // A removal moves the later registrations; their order of reports stays.
  SLUICE_ASSERT_OK((*poller)->Remove(fds[0]));
  EXPECT_THAT(Tokens(**poller), ElementsAre(1, 2));
  SLUICE_ASSERT_OK((*poller)->Remove(fds[1]));
  SLUICE_ASSERT_OK((*poller)->Remove(fds[2]));
  EXPECT_THAT(Tokens(**poller), ElementsAre(3, 4));
  for (const int fd : fds) close(fd);
}

TEST(PollPollerTest, ARegularFileIsAlwaysReady) {
  auto poller = PollPoller::Create();
  SLUICE_ASSERT_OK(poller);
  const int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  SLUICE_ASSERT_OK((*poller)->Add(fd, kReadable, 7, AddHint::kNone));
  EXPECT_THAT(Tokens(**poller), ElementsAre(7));
  close(fd);
}

TEST(PollPollerTest, MoreDescriptorsThanTheProcessMayHaveIsAnErrorOfWait) {
  auto poller = PollPoller::Create();
  SLUICE_ASSERT_OK(poller);
  // Calls each virtual function once before the limit is lowered, because a
  // sanitizer then needs descriptors of its own.
  SLUICE_ASSERT_OK((*poller)->Wait(absl::ZeroDuration()));
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none = {0, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const absl::Status status = (*poller)->Wait(absl::ZeroDuration()).status();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument,
                               HasSubstr("ppoll on 1 descriptors")));
}

TEST(PollPollerDeathTest, ADescriptorThatIsClosedBeforeRemoveIsACheck) {
  auto poller = PollPoller::Create();
  SLUICE_ASSERT_OK(poller);
  const int fd = eventfd(0, EFD_CLOEXEC);
  SLUICE_ASSERT_OK((*poller)->Add(fd, kReadable, 1, AddHint::kNone));
  close(fd);
  EXPECT_DEATH((void)(*poller)->Wait(absl::ZeroDuration()),
               "closed_before_remove");
}

}  // namespace
}  // namespace sluice
