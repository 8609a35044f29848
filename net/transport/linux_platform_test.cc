#include "sluice/net/transport/linux_platform.h"

#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/event/poller/poller.h"
#include "sluice/event/poller/poller_kind.h"
#include "sluice/net/socket/kernel_sockets.h"
#include "sluice/net/transport/platform.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

TEST(LinuxPlatformTest, IsCompleteWithThePollerThatIsAskedFor) {
  for (const PollerKind kind :
       {PollerKind::kEpoll, PollerKind::kPoll, PollerKind::kSelect}) {
    const Platform platform = LinuxPlatform(kind);
    EXPECT_EQ(platform.clock, Clock::Real());
    EXPECT_EQ(platform.sockets, KernelSockets());
    EXPECT_TRUE(platform.new_transport);
    const auto poller = platform.new_poller();
    SLUICE_ASSERT_OK(poller);
    EXPECT_EQ((*poller)->name(), PollerKindName(kind));
  }
}

}  // namespace
}  // namespace sluice
