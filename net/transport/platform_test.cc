#include "sluice/net/transport/platform.h"

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/event/event_loop.h"
#include "sluice/event/poller/poller.h"
#include "sluice/net/socket/kernel_sockets.h"
#include "sluice/net/transport/linux_platform.h"
#include "sluice/timer/clock.h"
#include "sluice/timer/sim_clock.h"

namespace sluice {
namespace {

TEST(PlatformTest, TheLinuxOneIsComplete) {
  const Platform platform = LinuxPlatform();
  EXPECT_EQ(platform.clock, Clock::Real());
  EXPECT_EQ(platform.sockets, KernelSockets());
  EXPECT_TRUE(platform.new_transport);
  const auto poller = platform.new_poller();
  SLUICE_ASSERT_OK(poller);
  EXPECT_EQ((*poller)->name(), "epoll");
}

TEST(PlatformTest, ALoopHasItsPlatformsClock) {
  SimClock clock;
  Platform platform = LinuxPlatform();
  platform.clock = &clock;
  const auto loop = NewEventLoop(platform, {.receive_buffer_size = 17});
  SLUICE_ASSERT_OK(loop);
  EXPECT_EQ(&(*loop)->clock(), &clock);
  EXPECT_EQ((*loop)->receive_buffer().size(), 17u);
}

TEST(PlatformTest, ALoopCannotBeMadeWithoutAPoller) {
  Platform platform = LinuxPlatform();
  platform.new_poller = []() -> absl::StatusOr<std::unique_ptr<Poller>> {
    return absl::ResourceExhaustedError("no poller");
  };
  EXPECT_THAT(NewEventLoop(platform),
              StatusIs(absl::StatusCode::kResourceExhausted));
}

}  // namespace
}  // namespace sluice
