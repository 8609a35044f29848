// Tests the CPU time that a thousand idle connections cost.

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/event/event_loop.h"
#include "sluice/event/poller/poller.h"
#include "sluice/event/poller/poller_kind.h"
#include "sluice/event/watch.h"
#include "sluice/net/transport/linux_platform.h"
#include "sluice/net/transport/platform.h"
#include "sluice/tests/support/process.h"
#include "sluice/timer/timer_wheel.h"

namespace sluice {
namespace {

// Returns the user and system CPU time of this process.
absl::Duration CpuTime() {
  rusage usage;
  EXPECT_EQ(getrusage(RUSAGE_SELF, &usage), 0);
  return absl::DurationFromTimeval(usage.ru_utime) +
         absl::DurationFromTimeval(usage.ru_stime);
}

class IdlePollersTest : public ::testing::TestWithParam<PollerKind> {};

TEST_P(IdlePollersTest, AThousandIdleConnectionsCostLessThanOnePercentOfACpu) {
  constexpr int kConnections = 1000;
  constexpr absl::Duration kTime = absl::Seconds(2);
  if (RaiseOwnDescriptorLimit() < FD_SETSIZE + kConnections) {
    GTEST_SKIP() << "RLIMIT_NOFILE is too low";
  }
  const Platform platform = LinuxPlatform(GetParam());
  const auto loop = NewEventLoop(platform).value();
  std::vector<int> fds;
  std::vector<std::unique_ptr<Watch>> watches;
  for (int i = 0; i < kConnections; ++i) {
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    // The peers get high descriptors, so that the watched descriptors stay
    // below select's limit.
    const int peer = fcntl(ends[1], F_DUPFD_CLOEXEC, FD_SETSIZE);
    close(ends[1]);
    fds.insert(fds.end(), {ends[0], peer});
    auto watch = Watch::Create(loop.get(), ends[0], kReadable, [](IoEvents) {
      ADD_FAILURE() << "nothing is ready";
    });
    SLUICE_ASSERT_OK(watch);
    watches.push_back(*std::move(watch));
  }
  CallbackTimer end([&] { loop->Stop(); });
  loop->Arm(&end, kTime);
  const absl::Duration before = CpuTime();
  SLUICE_EXPECT_OK(loop->Run());
  EXPECT_LT(CpuTime() - before, kTime / 100);
  watches.clear();
  for (const int fd : fds) close(fd);
}

INSTANTIATE_TEST_SUITE_P(Pollers, IdlePollersTest,
                         ::testing::Values(PollerKind::kEpoll,
                                           PollerKind::kPoll,
                                           PollerKind::kSelect),
                         [](const ::testing::TestParamInfo<PollerKind>& kind) {
                           return std::string(PollerKindName(kind.param));
                         });

}  // namespace
}  // namespace sluice
