#include "sluice/event/poller/poller_kind.h"

#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/base/testing/without_system_call.h"
#include "sluice/event/poller/poller.h"

namespace sluice {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(PollerKindTest, NamesRoundTrip) {
  for (const PollerKind kind : {PollerKind::kAuto, PollerKind::kEpoll,
                                PollerKind::kPoll, PollerKind::kSelect}) {
    const auto parsed = ParsePollerKind(PollerKindName(kind));
    SLUICE_ASSERT_OK(parsed);
    EXPECT_EQ(*parsed, kind);
  }
}

TEST(PollerKindTest, AnUnknownNameIsRefusedByName) {
  EXPECT_THAT(ParsePollerKind("kqueue"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("\"kqueue\""),
                             HasSubstr("auto, epoll, poll, select"))));
}

TEST(PollerKindTest, ThePollerIsOfItsKind) {
  for (const PollerKind kind :
       {PollerKind::kEpoll, PollerKind::kPoll, PollerKind::kSelect}) {
    const auto poller = NewPoller(kind);
    SLUICE_ASSERT_OK(poller);
    EXPECT_EQ((*poller)->name(), PollerKindName(kind));
  }
}

TEST(PollerKindTest, AutoIsEpollWhereThereIsEpoll) {
  const auto poller = NewPoller(PollerKind::kAuto);
  SLUICE_ASSERT_OK(poller);
  EXPECT_EQ((*poller)->name(), "epoll");
}

// Returns how many of `count` ready descriptors one Wait() reports.
size_t ReportedAtOnce(PollerKind kind, int count) {
  auto poller = NewPoller(kind);
  EXPECT_THAT(poller, IsOk());
  std::vector<int> ready;
  for (int i = 0; i < count; ++i) {
    ready.push_back(eventfd(1, EFD_CLOEXEC));
    EXPECT_THAT((*poller)->Add(ready.back(), kReadable, i, AddHint::kNone),
                IsOk());
  }
  const auto events = (*poller)->Wait(absl::ZeroDuration());
  EXPECT_THAT(events, IsOk());
  const size_t reported = events.ok() ? events->size() : 0;
  for (const int fd : ready) {
    EXPECT_THAT((*poller)->Remove(fd), IsOk());
    close(fd);
  }
  return reported;
}

TEST(PollerKindTest, AWaitThatCostsPerRegistrationReturnsMore) {
  EXPECT_EQ(ReportedAtOnce(PollerKind::kEpoll, 300), 256);
  EXPECT_EQ(ReportedAtOnce(PollerKind::kPoll, 300), 300);
  EXPECT_EQ(ReportedAtOnce(PollerKind::kSelect, 300), 300);
}

TEST(PollerKindTest, OptionsReachThePoller) {
  for (const PollerKind kind : {PollerKind::kAuto, PollerKind::kEpoll,
                                PollerKind::kPoll, PollerKind::kSelect}) {
    EXPECT_THAT(NewPoller(kind, {.max_events = 0}),
                StatusIs(absl::StatusCode::kInvalidArgument));
  }
}

TEST(PollerKindTest, OnlySelectHasALimit) {
  EXPECT_EQ(DescriptorLimit(PollerKind::kSelect), FD_SETSIZE);
  for (const PollerKind kind :
       {PollerKind::kAuto, PollerKind::kEpoll, PollerKind::kPoll}) {
    EXPECT_EQ(DescriptorLimit(kind), INT_MAX);
  }
}

TEST(PollerKindTest, AutoIsPollWhereEpollIsRefused) {
  for (const int error : {ENOSYS, EPERM}) {
    WithoutSystemCall(SYS_epoll_create1, error, [] {
      EXPECT_THAT(NewPoller(PollerKind::kEpoll), Not(IsOk()));
      const auto automatic = NewPoller(PollerKind::kAuto);
      SLUICE_ASSERT_OK(automatic);
      EXPECT_EQ((*automatic)->name(), "poll");
    });
  }
}

TEST(PollerKindTest, AutoPassesOtherErrorsOn) {
  WithoutSystemCall(SYS_epoll_create1, EMFILE, [] {
    EXPECT_THAT(NewPoller(PollerKind::kAuto),
                StatusIs(absl::StatusCode::kResourceExhausted));
  });
}

}  // namespace
}  // namespace sluice
