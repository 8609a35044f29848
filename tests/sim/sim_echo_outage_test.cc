// Tests the unchanged echo server and its load client while hosts and links
// fail and recover.

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "sluice/apps/common/load/load_results.h"
#include "sluice/net/sim/sim_network.h"
#include "sluice/net/sim/sim_test_runner.h"
#include "sluice/tests/sim/sim_echo_programs.h"
#include "sluice/tests/sim/sim_echo_world.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

// Limits the waits of the load client, so that it gives up lost connections.
void LimitWaits(SimEchoWorld& world) {
  world.shape().load.connect_timeout = absl::Minutes(1);
  world.shape().load.timeout = absl::Minutes(1);
  world.shape().load.close_timeout = absl::Minutes(1);
}

// Restarts the client, and expects that earlier failures do not affect it.
void ExpectFullService(SimEchoWorld& world) {
  world.client_host().Crash();
  world.client_host().Restart();
  ASSERT_TRUE(world.network().RunUntil([&] { return world.client_done(); },
                                       world.MostTime()))
      << "it stalls";
  EXPECT_TRUE(world.client().results().ok())
      << ErrorsToText(world.client().results());
  EXPECT_EQ(world.client().results().messages(),
            world.shape().load.schedule.messages);
  // The server still waits for connections of the earlier client.
  world.network().RunFor(2 * world.shape().server.connection.idle_timeout);
  EXPECT_EQ(world.counts().open(), 0u);
  world.ExpectOutputBounded();
  world.StopAndExpectNothingLeft();
}

TEST(SimEchoOutageTest, ServesFullyWhenNothingFailsAnyMore) {
  RunSimTest(FailingWorlds(/*seeds=*/50), [](SimNetwork& network) {
    SimEchoWorld world(&network);
    LimitWaits(world);
    world.shape().server.connection.idle_timeout = absl::Minutes(2);
    world.StartServer();
    world.StartClient();
    ASSERT_TRUE(network.RunUntil([&] { return world.client_done(); },
                                 world.MostTime() + absl::Hours(3)));
    network.faults() = {};
    network.RunFor(absl::Minutes(1));
    ExpectFullService(world);
  });
}

TEST(SimEchoOutageTest, EchoesEveryByteAcrossPartitions) {
  RunSimTest(
      HarmlessWorlds(/*seeds=*/50, /*loss=*/false), [](SimNetwork& network) {
        SimEchoWorld world(&network);
        world.StartServer();
        world.StartClient();
        world.DisturbClocks(world.MostTime() / 16);
        // The delay doubles each time that a packet is sent again.
        absl::Duration delay = absl::ZeroDuration();
        for (uint64_t i = 1 + world.random().Below(3); i > 0; --i) {
          const MonotonicTime begin = world.Sometime(world.MostTime() / 16);
          const absl::Duration duration =
              world.random().UpTo(absl::Seconds(30));
          network.At(begin, [&] {
            network.Partition(&world.server_host(), &world.client_host());
          });
          network.At(begin + duration, [&] {
            network.Heal(&world.server_host(), &world.client_host());
          });
          delay += 3 * (duration + absl::Seconds(1));
        }
        ASSERT_TRUE(network.RunUntil([&] { return world.client_done(); },
                                     world.MostTime() + delay))
            << "it stalls";
        world.ExpectAllServed();
        network.RunFor(absl::Minutes(2));  // the script ends
        world.ExpectOutputBounded();
        world.StopAndExpectNothingLeft();
      });
}

TEST(SimEchoOutageTest, ServesAgainAfterItsHostHasCrashed) {
  RunSimTest(
      HarmlessWorlds(/*seeds=*/50, /*loss=*/false), [](SimNetwork& network) {
        SimEchoWorld world(&network);
        LimitWaits(world);
        world.shape().server.connection.idle_timeout = absl::Minutes(5);
        world.StartServer();
        world.StartClient();
        world.DisturbClocks(world.MostTime() / 16);
        const MonotonicTime crash = world.Sometime(world.MostTime() / 16);
        network.At(crash, [&] {
          world.server().ExpectCountersAgree();
          world.server_host().Crash();
          EXPECT_EQ(world.counts().open(), 0u);
          EXPECT_EQ(world.counts().made, world.counts().destroyed);
        });
        network.At(crash + world.random().UpTo(absl::Seconds(10)),
                   [&] { world.server_host().Restart(); });
        network.RunFor(crash - network.now() + absl::Seconds(10));
        ASSERT_TRUE(network.RunUntil([&] { return world.client_done(); },
                                     absl::Minutes(5)));
        world.ExpectNoWrongByte();
        ExpectFullService(world);
      });
}

TEST(SimEchoOutageTest, EndsConnectionsOfClientsThatAreGone) {
  RunSimTest(
      HarmlessWorlds(/*seeds=*/50, /*loss=*/false), [](SimNetwork& network) {
        SimEchoWorld world(&network);
        LimitWaits(world);
        const absl::Duration idle =
            absl::Seconds(1) + world.random().UpTo(absl::Minutes(1));
        world.shape().server.connection.idle_timeout = idle;
        world.StartServer();
        world.StartClient();
        world.DisturbClocks(world.MostTime() / 16);
        const bool crash = world.random().Below(2) == 0;
        network.RunFor(world.random().UpTo(world.MostTime() / 16));
        if (crash) {
          world.client_host().Crash();
        } else {
          network.Partition(&world.server_host(), &world.client_host());
        }
        // Packets that were under way arrive first. Then the idle limit counts,
        // on the server's clock, which is at most a fifth slower than the
        // world's. An idle limit may be late by an eighth and a tick.
        const SimNetwork::Link& link = world.shape().link;
        const absl::Duration arrival =
            link.latency + link.jitter + absl::Seconds(1);
        const Clock& clock = *world.server_host().platform().clock;
        const MonotonicTime latest =
            clock.Now() + 1.2 * arrival + idle * 9 / 8 + absl::Milliseconds(1);
        EXPECT_TRUE(network.RunUntil([&] { return world.counts().open() == 0; },
                                     2 * (arrival + idle)));
        EXPECT_LE(clock.Now(), latest);
        if (crash) {
          world.client_host().Restart();
        } else {
          ASSERT_TRUE(network.RunUntil([&] { return world.client_done(); },
                                       absl::Minutes(5)));
          network.Heal(&world.server_host(), &world.client_host());
        }
        ExpectFullService(world);
      });
}

}  // namespace
}  // namespace sluice
