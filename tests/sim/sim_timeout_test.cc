// Tests time limits on the clock of a simulated host. Changes of the wall clock
// must not matter.

#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/net/close_reason.h"
#include "sluice/net/sim/sim_network.h"
#include "sluice/net/sim/sim_test_runner.h"
#include "sluice/tests/sim/sim_echo_programs.h"
#include "sluice/tests/sim/sim_echo_world.h"
#include "sluice/tests/sim/sim_talker.h"
#include "sluice/tests/support/watched_handler.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

// The talkers check the time themselves.
TEST(SimTimeoutTest, AnIdleConnectionEndsNeitherEarlyNorLate) {
  RunSimTest(
      HarmlessWorlds(/*seeds=*/100, /*loss=*/true), [](SimNetwork& network) {
        HandlerCounts counts;
        SimEchoWorld world(&network);
        std::vector<SimTalker::Options> talkers(1 + world.random().Below(5));
        for (SimTalker::Options& talker : talkers) {
          talker.server = world.shape().load.server;
          talker.connection.idle_timeout =
              absl::Seconds(10) + world.random().UpTo(absl::Minutes(1));
          talker.bytes = 1 + world.random().Below(1000);
          talker.chunk = talker.bytes;
          talker.half_close_early = false;
          talker.silent_at = talker.bytes;
        }
        world.StartServer();
        StartSimTalkers(world, talkers, &counts);
        world.DisturbClocks(absl::Minutes(1));
        ASSERT_TRUE(network.RunUntil([&] { return world.client_done(); },
                                     absl::Minutes(10)));
        EXPECT_EQ(counts.with(CloseReason::kIdleTimeout) +
                      counts.with(CloseReason::kPeerReset),
                  talkers.size());
        network.RunFor(absl::Minutes(10));
        world.ExpectOutputBounded();
        world.StopAndExpectNothingLeft();
      });
}

// The server received all input long before. It only sends.
TEST(SimTimeoutTest, AClientThatReadsPendingOutputIsNotIdle) {
  RunSimTest(
      HarmlessWorlds(/*seeds=*/50, /*loss=*/false), [](SimNetwork& network) {
        HandlerCounts counts;
        SimEchoWorld world(&network);
        SimTalker::Options talker;
        talker.server = world.shape().load.server;
        talker.connection.idle_timeout = absl::InfiniteDuration();
        talker.bytes = 20'000;
        talker.chunk = 1000;
        talker.read_at_once = 1000;
        talker.pause = absl::Seconds(3);
        world.shape().server.connection.high_water = talker.bytes;
        world.shape().server.connection.idle_timeout = absl::Seconds(8);
        world.StartServer();
        StartSimTalkers(world, {talker}, &counts);
        world.DisturbClocks(absl::Seconds(10));
        ASSERT_TRUE(network.RunUntil([&] { return world.client_done(); },
                                     absl::Minutes(3)));
        EXPECT_EQ(SimTalkersOf(world)[0]->reason(), CloseReason::kNormal);
        EXPECT_EQ(SimTalkersOf(world)[0]->received(), talker.bytes);
        network.RunFor(absl::Seconds(1));
        world.StopAndExpectNothingLeft();
      });
}

TEST(SimTimeoutTest, AnUnansweredConnectEndsNeitherEarlyNorLate) {
  RunSimTest(
      HarmlessWorlds(/*seeds=*/100, /*loss=*/true), [](SimNetwork& network) {
        HandlerCounts counts;
        SimEchoWorld world(&network);
        SimTalker::Options talker;
        talker.server = world.shape().load.server;
        // TCP itself gives up after 127 s. The host's clock may be a fifth
        // slow.
        talker.connect_timeout = world.random().UpTo(absl::Seconds(100));
        world.StartServer();
        if (world.random().Below(2) == 0) {
          world.server_host().Crash();
        } else {
          network.Partition(&world.server_host(), &world.client_host());
        }
        world.DisturbClocks(talker.connect_timeout);
        const Clock& clock = *world.client_host().platform().clock;
        const MonotonicTime deadline = clock.Now() + talker.connect_timeout;
        StartSimTalkers(world, {talker}, &counts);
        ASSERT_TRUE(network.RunUntil([&] { return world.client_done(); },
                                     absl::Minutes(3)));
        EXPECT_THAT(SimTalkersOf(world)[0]->why(),
                    StatusIs(absl::StatusCode::kDeadlineExceeded));
        EXPECT_GE(clock.Now(), deadline);
        EXPECT_LE(clock.Now(), deadline + absl::Milliseconds(1));
        EXPECT_EQ(world.client_host().open_descriptors(), 0u);
        EXPECT_EQ(world.client_timers(), 0u);
      });
}

}  // namespace
}  // namespace sluice
