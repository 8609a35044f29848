// Tests clients of the echo server that half-close, stop reading or abort at
// any moment, in simulated worlds.

#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "sluice/net/close_reason.h"
#include "sluice/net/sim/sim_network.h"
#include "sluice/net/sim/sim_test_runner.h"
#include "sluice/tests/sim/sim_echo_programs.h"
#include "sluice/tests/sim/sim_echo_world.h"
#include "sluice/tests/sim/sim_talker.h"
#include "sluice/tests/support/watched_handler.h"

namespace sluice {
namespace {

using Talkers = std::vector<SimTalker::Options>;

void ExpectAllIsEchoedAndThenFin(SimNetwork& network) {
  HandlerCounts counts;
  SimEchoWorld world(&network);
  const Talkers talkers = DrawSimTalkers(world);
  // Connections above the limit wait in the backlog.
  world.shape().server.max_connections =
      1 + world.random().Below(2 * talkers.size());
  world.StartServer();
  StartSimTalkers(world, talkers, &counts);
  world.DisturbClocks(MostTimeOf(world, talkers) / 16);
  ASSERT_TRUE(network.RunUntil([&] { return world.client_done(); },
                               MostTimeOf(world, talkers)))
      << "it stalls";
  uint64_t bytes = 0;
  for (const auto& talker : SimTalkersOf(world)) {
    EXPECT_EQ(talker->reason(), CloseReason::kNormal) << talker->why();
    EXPECT_EQ(talker->received(), talker->options().bytes);
    bytes += talker->received();
  }
  network.RunFor(absl::Seconds(1));
  EXPECT_EQ(world.counts().with(CloseReason::kNormal), talkers.size());
  EXPECT_EQ(world.server().stats().bytes_in, bytes);
  EXPECT_EQ(world.server().stats().bytes_out, bytes);
  EXPECT_EQ(counts.closed, talkers.size());
  world.ExpectOutputBounded();
  world.StopAndExpectNothingLeft();
}

TEST(SimHalfCloseTest, AllSentBytesComeBackAndThenFin) {
  RunSimTest(HarmlessWorlds(/*seeds=*/100, /*loss=*/false),
             ExpectAllIsEchoedAndThenFin);
}

TEST(SimHalfCloseTest, AllSentBytesComeBackThoughPacketsAreDropped) {
  RunSimTest(HarmlessWorlds(/*seeds=*/100, /*loss=*/true),
             ExpectAllIsEchoedAndThenFin);
}

TEST(SimHalfCloseTest, EachStreamEndsUnderAllFaults) {
  RunSimTest(FailingWorlds(/*seeds=*/100), [](SimNetwork& network) {
    HandlerCounts counts;
    SimEchoWorld world(&network);
    constexpr absl::Duration kIdle = absl::Minutes(3);
    world.shape().server.connection.idle_timeout = kIdle;
    world.shape().server.connection.max_output = 100'000;
    Talkers talkers = DrawSimTalkers(world);
    for (SimTalker::Options& talker : talkers) {
      talker.connect_timeout = absl::Minutes(1);
      talker.connection.idle_timeout = kIdle;
      const uint64_t at = world.random().Below(talker.bytes + 1);
      switch (world.random().Below(4)) {
        case 0:
          talker.abort_at = at;
          break;
        case 1:
          talker.silent_at = at;
          break;
        default:
          break;
      }
    }
    world.StartServer();
    StartSimTalkers(world, talkers, &counts);
    world.DisturbClocks(MostTimeOf(world, talkers) / 16);
    ASSERT_TRUE(network.RunUntil(
        [&] { return world.client_done() && world.counts().open() == 0; },
        absl::Hours(3)));
    EXPECT_EQ(counts.made, counts.closed);
    for (const auto& talker : SimTalkersOf(world)) {
      const SimTalker::Options& options = talker->options();
      if (options.abort_at == SimTalker::kAll) {
        EXPECT_NE(talker->reason(), CloseReason::kAborted);
      }
      if (talker->reason() == CloseReason::kNormal) {
        EXPECT_EQ(talker->received(), options.bytes);
      }
    }
    network.RunFor(kIdle);
    world.ExpectOutputBounded();
    world.StopAndExpectNothingLeft();
  });
}

}  // namespace
}  // namespace sluice
