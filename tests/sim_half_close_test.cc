// Clients of the echo server that finish, stop reading and give up at any
// moment, in simulated worlds.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "sluice/net/close_reason.h"
#include "sluice/net/sim_network.h"
#include "sluice/net/sim_random.h"
#include "sluice/net/sim_test_runner.h"
#include "sluice/tests/sim_echo_programs.h"
#include "sluice/tests/sim_echo_world.h"
#include "sluice/tests/sim_talker.h"
#include "sluice/tests/watched_handler.h"

namespace sluice {
namespace {

using Talkers = std::vector<SimTalker::Options>;

// One that comes to its end if nothing fails.
SimTalker::Options DrawTalker(SimRandom& random) {
  SimTalker::Options talker;
  talker.connection.high_water = random.Below(6000);
  talker.connection.low_water = random.Below(talker.connection.high_water + 1);
  talker.connection.idle_timeout = absl::InfiniteDuration();
  talker.bytes = random.Below(random.Below(2) == 0 ? 100 : 20'000);
  talker.chunk = 1 + random.Below(talker.bytes / 10 + 10);
  talker.patient = random.Below(2) == 0;
  talker.finish_early = random.Below(4) > 0;
  talker.read_at_once = talker.bytes / 20 + 1 + random.Below(2000);
  if (random.Below(2) == 0) talker.pause = random.UpTo(absl::Milliseconds(50));
  return talker;
}

Talkers DrawTalkers(SimEchoWorld& world) {
  Talkers talkers;
  for (uint64_t i = 1 + world.random().Below(5); i > 0; --i) {
    talkers.push_back(DrawTalker(world.random()));
    talkers.back().server = world.shape().load.server;
  }
  return talkers;
}

// How long they take at most where nothing fails, one after the other if need
// be: round trips of a full buffer, and pauses, a tick late, by a clock that is
// a fifth slow.
absl::Duration MostTime(SimEchoWorld& world, const Talkers& talkers) {
  absl::Duration most = absl::Milliseconds(1);
  for (const SimTalker::Options& talker : talkers) {
    const auto pauses =
        static_cast<int64_t>(talker.bytes / talker.read_at_once + 1);
    most += world.TimeFor(talker.bytes, /*window=*/talker.bytes) +
            pauses * 1.25 * (talker.pause + absl::Milliseconds(1));
  }
  return most;
}

void StartTalkers(SimEchoWorld& world, const Talkers& talkers,
                  HandlerCounts* counts) {
  world.StartClient([&talkers, counts](SimHost* host) {
    return std::make_unique<SimTalkers>(host, talkers, counts);
  });
}

const SimTalkers& TalkersOf(SimEchoWorld& world) {
  return *static_cast<const SimTalkers*>(world.client_host().program());
}

void ExpectAllIsEchoedAndThenFin(SimNetwork& network) {
  HandlerCounts counts;
  SimEchoWorld world(&network);
  const Talkers talkers = DrawTalkers(world);
  // The others wait in the backlog.
  world.shape().server.max_connections =
      1 + world.random().Below(2 * talkers.size());
  world.StartServer();
  StartTalkers(world, talkers, &counts);
  world.DisturbClocks(MostTime(world, talkers) / 16);
  ASSERT_TRUE(network.RunUntil([&] { return world.client_done(); },
                               MostTime(world, talkers)))
      << "it stalls";
  uint64_t bytes = 0;
  for (const auto& talker : TalkersOf(world).talkers()) {
    EXPECT_EQ(talker->reason(), CloseReason::kDone) << talker->why();
    EXPECT_EQ(talker->received(), talker->options().bytes);
    bytes += talker->received();
  }
  network.RunFor(absl::Seconds(1));
  EXPECT_EQ(world.counts().with(CloseReason::kDone), talkers.size());
  EXPECT_EQ(world.server().stats().bytes_in, bytes);
  EXPECT_EQ(world.server().stats().bytes_out, bytes);
  EXPECT_EQ(counts.closed, talkers.size());
  world.StopAndExpectNothingLeft();
}

TEST(SimHalfCloseTest, AllThatWasSentComesBackAndThenFin) {
  RunSimTest(HarmlessWorlds(/*seeds=*/300, /*loss=*/false),
             ExpectAllIsEchoedAndThenFin);
}

TEST(SimHalfCloseTest, SoItDoesWhenPacketsAreLost) {
  RunSimTest(HarmlessWorlds(/*seeds=*/300, /*loss=*/true),
             ExpectAllIsEchoedAndThenFin);
}

TEST(SimHalfCloseTest, EachStreamEndsWhateverItsPeerAndTheWorldDo) {
  RunSimTest(FailingWorlds(/*seeds=*/300), [](SimNetwork& network) {
    HandlerCounts counts;
    SimEchoWorld world(&network);
    constexpr absl::Duration kIdle = absl::Minutes(3);
    world.shape().server.connection.idle_timeout = kIdle;
    world.shape().server.connection.max_output = 100'000;
    Talkers talkers = DrawTalkers(world);
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
    StartTalkers(world, talkers, &counts);
    world.DisturbClocks(MostTime(world, talkers) / 16);
    ASSERT_TRUE(network.RunUntil(
        [&] { return world.client_done() && world.counts().open() == 0; },
        absl::Hours(3)));
    EXPECT_EQ(counts.made, counts.closed);
    for (const auto& talker : TalkersOf(world).talkers()) {
      const SimTalker::Options& options = talker->options();
      if (options.abort_at == SimTalker::kAll) {
        EXPECT_NE(talker->reason(), CloseReason::kAborted);
      }
      if (talker->reason() == CloseReason::kDone) {
        EXPECT_EQ(talker->received(), options.bytes);
      }
    }
    network.RunFor(kIdle);
    world.StopAndExpectNothingLeft();
  });
}

}  // namespace
}  // namespace sluice
