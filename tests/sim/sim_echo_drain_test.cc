// Tests drains of the echo server at any moment, in simulated worlds.

#include <algorithm>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "sluice/net/close_reason.h"
#include "sluice/net/sim/sim_network.h"
#include "sluice/net/sim/sim_test_runner.h"
#include "sluice/net/stream.h"
#include "sluice/tests/sim/sim_echo_programs.h"
#include "sluice/tests/sim/sim_echo_world.h"
#include "sluice/tests/sim/sim_talker.h"
#include "sluice/tests/support/watched_handler.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

void LimitWaits(SimEchoWorld& world) {
  world.shape().load.connect_timeout = absl::Minutes(5);
  world.shape().load.timeout = absl::Minutes(1);
  world.shape().load.close_timeout = absl::Minutes(1);
}

TEST(SimEchoDrainTest, EndsByItsDeadlineUnderAllFaults) {
  RunSimTest(FailingWorlds(/*seeds=*/50), [](SimNetwork& network) {
    SimEchoWorld world(&network);
    LimitWaits(world);
    world.StartServer();
    world.StartClient();
    world.DisturbClocks(absl::Seconds(3));
    network.RunFor(world.random().UpTo(world.MostTime() / 16));
    if (world.random().Below(3) == 0) {
      network.Partition(&world.server_host(), &world.client_host());
    }
    const Clock& clock = *world.server_host().platform().clock;
    MonotonicTime deadline =
        clock.Now() + world.random().UpTo(absl::Seconds(3));
    world.server().Drain(deadline);
    if (world.random().Below(3) == 0) {
      network.RunFor(world.random().UpTo(absl::Seconds(1)));
      world.server().Drain(clock.Now() + world.random().UpTo(absl::Seconds(3)));
    }
    // The host's clock may be a fifth slow, and the server uses that clock.
    ASSERT_TRUE(network.RunUntil([&] { return world.server().drained(); },
                                 absl::Seconds(6)));
    EXPECT_EQ(world.server().stats().open, 0u);
    EXPECT_EQ(world.counts().open(), 0u);
    EXPECT_EQ(world.server().forced(),
              world.counts().with(CloseReason::kDrainTimeout));
    network.Heal(&world.server_host(), &world.client_host());
    ASSERT_TRUE(
        network.RunUntil([&] { return world.client_done(); }, absl::Hours(1)));
    world.ExpectNoWrongByte();
    world.ExpectOutputBounded();
    world.StopAndExpectNothingLeft();
  });
}

TEST(SimEchoDrainTest, ForcesNoClientThatReads) {
  RunSimTest(
      HarmlessWorlds(/*seeds=*/50, /*loss=*/false), [](SimNetwork& network) {
        SimEchoWorld world(&network);
        LimitWaits(world);
        world.StartServer();
        world.StartClient();
        network.RunFor(world.random().UpTo(world.MostTime() / 16));
        world.server().Drain(world.server_host().platform().clock->Now() +
                             world.MostTime());
        ASSERT_TRUE(network.RunUntil([&] { return world.server().drained(); },
                                     world.MostTime()));
        EXPECT_EQ(world.server().forced(), 0u);
        EXPECT_EQ(world.counts().with(CloseReason::kNormal),
                  world.counts().closed);
        ASSERT_TRUE(network.RunUntil([&] { return world.client_done(); },
                                     absl::Minutes(10)));
        world.ExpectNoWrongByte();
        world.ExpectOutputBounded();
        world.StopAndExpectNothingLeft();
      });
}

TEST(SimEchoDrainTest, ForcesClientsThatDoNotReadAtItsDeadline) {
  RunSimTest(
      HarmlessWorlds(/*seeds=*/50, /*loss=*/false), [](SimNetwork& network) {
        HandlerCounts counts;
        SimEchoWorld world(&network);
        std::vector<SimTalker::Options> talkers = DrawSimTalkers(world);
        for (SimTalker::Options& talker : talkers) {
          talker.bytes += 10'000;
          talker.chunk += 500;
          talker.silent_at = world.random().Below(2000);
          // A silent talker does not read, so it does not notice the server's
          // FIN.
          talker.connection.idle_timeout = absl::Minutes(1);
          talker.half_close_early = false;
        }
        world.StartServer();
        StartSimTalkers(world, talkers, &counts);
        world.DisturbClocks(absl::Seconds(3));
        network.RunFor(world.random().UpTo(absl::Seconds(1)));
        const Clock& clock = *world.server_host().platform().clock;
        MonotonicTime deadline =
            clock.Now() + world.random().UpTo(absl::Seconds(3));
        world.server().Drain(deadline);
        network.RunFor(world.random().UpTo(absl::Seconds(1)));
        if (!world.server().drained()) {
          const MonotonicTime second =
              clock.Now() + world.random().UpTo(absl::Seconds(3));
          deadline = std::min(deadline, second);
          world.server().Drain(second);
          ASSERT_TRUE(network.RunUntil([&] { return world.server().drained(); },
                                       absl::Seconds(6)));
          if (world.server().forced() > 0) {
            EXPECT_GE(clock.Now(), deadline) << "it forces too early";
          }
        }
        EXPECT_EQ(world.server().forced(),
                  world.counts().with(CloseReason::kDrainTimeout));
        network.RunFor(absl::Minutes(3));
        world.ExpectOutputBounded();
        EXPECT_TRUE(world.client_done());
        world.StopAndExpectNothingLeft();
      });
}

// Silent clients that have all their answers do not notice the server's FIN.
TEST(SimEchoDrainTest, WaitsTwoSecondsForClientsThatDoNotClose) {
  RunSimTest(
      HarmlessWorlds(/*seeds=*/50, /*loss=*/false), [](SimNetwork& network) {
        HandlerCounts counts;
        SimEchoWorld world(&network);
        std::vector<SimTalker::Options> talkers = DrawSimTalkers(world);
        for (SimTalker::Options& talker : talkers) {
          talker.bytes = talker.silent_at = 1 + world.random().Below(2000);
          talker.abort_at = SimTalker::kAll;
          talker.connection.idle_timeout = absl::Minutes(20);
          talker.half_close_early = false;
        }
        world.shape().server.connection.idle_timeout = absl::Hours(1);
        world.StartServer();
        StartSimTalkers(world, talkers, &counts);
        network.RunFor(absl::Minutes(10));
        world.server().Drain(world.server_host().platform().clock->Now() +
                             absl::Hours(1));
        EXPECT_TRUE(network.RunUntil([&] { return world.server().drained(); },
                                     2 * Stream::kDefaultLinger));
        EXPECT_EQ(world.server().forced(), 0u);
        EXPECT_EQ(world.counts().with(CloseReason::kNormal),
                  world.counts().closed);
        network.RunFor(absl::Hours(1));
        EXPECT_TRUE(world.client_done());
        world.StopAndExpectNothingLeft();
      });
}

}  // namespace
}  // namespace sluice
