// Tests the unchanged echo server and its load client in simulated worlds of
// many shapes.

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "sluice/net/close_reason.h"
#include "sluice/net/sim/sim_network.h"
#include "sluice/net/sim/sim_test_runner.h"
#include "sluice/tests/sim/sim_echo_world.h"

namespace sluice {
namespace {

void ExpectComplete(SimNetwork& network) {
  SimEchoWorld world(&network);
  world.StartServer();
  world.StartClient();
  world.DisturbClocks(world.MostTime() / 16);
  ASSERT_TRUE(
      network.RunUntil([&] { return world.client_done(); }, world.MostTime()))
      << "it stalls";
  world.ExpectAllServed();
  EXPECT_EQ(world.counts().with(CloseReason::kNormal), world.counts().closed);
  world.ExpectOutputBounded();
  world.StopAndExpectNothingLeft();
}

TEST(SimEchoTest, EchoesEveryByteInTimeThoughCallsAreInterrupted) {
  RunSimTest(HarmlessWorlds(/*seeds=*/50, /*loss=*/false), ExpectComplete);
}

TEST(SimEchoTest, EchoesEveryByteThoughPacketsAreDropped) {
  RunSimTest(HarmlessWorlds(/*seeds=*/50, /*loss=*/true), ExpectComplete);
}

TEST(SimEchoTest, EndsEachConnectionOnceThoughConnectionsFail) {
  RunSimTest(FailingWorlds(/*seeds=*/50), [](SimNetwork& network) {
    SimEchoWorld world(&network);
    world.shape().server.connection.idle_timeout = absl::Minutes(2);
    world.StartServer();
    world.StartClient();
    world.DisturbClocks(world.MostTime() / 16);
    ASSERT_TRUE(network.RunUntil([&] { return world.client_done(); },
                                 world.MostTime() + absl::Hours(3)));
    world.ExpectNoWrongByte();
    world.ExpectOutputBounded();
    world.StopAndExpectNothingLeft();
  });
}

}  // namespace
}  // namespace sluice
