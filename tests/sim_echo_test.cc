// The echo server and its load client, as they are, in simulated worlds.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "sluice/apps/echo/echo_handler.h"
#include "sluice/apps/echo/load_generator.h"
#include "sluice/apps/echo/load_results.h"
#include "sluice/base/status_matchers.h"
#include "sluice/event/event_loop.h"
#include "sluice/net/close_reason.h"
#include "sluice/net/sim_network.h"
#include "sluice/net/sim_test_runner.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/stream.h"
#include "sluice/net/tcp_server.h"
#include "sluice/net/thread_model.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

// What all handlers of a server have seen.
struct Seen {
  int opened = 0, ended = 0, after_the_end = 0;
};

class CountingEcho final : public EchoHandler {
 public:
  explicit CountingEcho(Seen* seen) : seen_(*seen) {}

  void OnOpen(Stream& stream) override {
    ++seen_.opened;
    Check();
    EchoHandler::OnOpen(stream);
  }
  size_t OnInput(Stream& stream, absl::string_view input) override {
    Check();
    return EchoHandler::OnInput(stream, input);
  }
  void OnInputEnd(Stream& stream) override {
    Check();
    EchoHandler::OnInputEnd(stream);
  }
  void OnDrained(Stream& stream) override {
    Check();
    EchoHandler::OnDrained(stream);
  }
  void OnDraining(Stream& stream) override {
    Check();
    EchoHandler::OnDraining(stream);
  }
  void OnClosed(Stream& stream, absl::Status why, CloseReason reason) override {
    ++seen_.ended;
    Check();
    ended_ = true;
    EchoHandler::OnClosed(stream, why, reason);
  }

 private:
  void Check() const { seen_.after_the_end += ended_ ? 1 : 0; }

  Seen& seen_;
  bool ended_ = false;
};

struct Shape {
  ThreadModel model = ThreadModel::kSingleLoop;
  int loops = 1;
};

// A run of both, and what holds of it in every world. `complete`: no connection
// may fail.
void RunEcho(SimNetwork& network, Shape shape, bool complete) {
  SimHost* const server_host = network.AddHost("server");
  SimHost* const client_host = network.AddHost("client");
  Seen seen;
  {
    std::vector<EventLoop*> loops;
    for (int i = 0; i < shape.loops; ++i) {
      loops.push_back(server_host->NewLoop());
    }
    const SimFaults faults = std::exchange(network.faults(), {});
    auto server = TcpServer::Start(
        &server_host->platform(), loops, server_host->address(7007),
        [&](const SocketAddress&) {
          return std::make_unique<CountingEcho>(&seen);
        },
        {.threads = shape.model,
         .connection = {.high_water = 2000, .low_water = 500}});
    SLUICE_ASSERT_OK(server.status());
    network.faults() = faults;
    LoadGenerator::Options load{.server = server_host->address(7007),
                                .connections = 3,
                                .message_size = 5000,
                                .pipeline = 4};
    load.connect_timeout = absl::Minutes(10);
    load.timeout = absl::Minutes(30);
    load.schedule.messages = 30;
    LoadGenerator generator(
        &client_host->platform(),
        client_host->NewLoop(LoadGenerator::LoopOptions(load)), load);
    bool done = false;
    generator.Start([&] { done = true; });
    ASSERT_TRUE(network.RunUntil([&] { return done; }, absl::Hours(3)));
    // Bytes are compared one by one by the client.
    EXPECT_EQ(generator.results()
                  .errors[static_cast<size_t>(LoadError::kWrongByte)]
                  .connections,
              0u);
    if (complete) {
      EXPECT_TRUE(generator.results().ok())
          << ErrorsToText(generator.results());
      EXPECT_EQ(generator.results().messages(), 30u);
    }
    bool drained = false;
    const MonotonicTime deadline =
        server_host->platform().clock->Now() + absl::Seconds(5);
    (*server)->Drain(deadline, [&](size_t) { drained = true; });
    EXPECT_TRUE(network.RunUntil([&] { return drained; }, absl::Seconds(6)));
    EXPECT_LE(server_host->platform().clock->Now(),
              deadline + absl::Milliseconds(10));
    uint64_t accepted = 0, open = 0;
    for (const TcpServer::LoopStats& stats : (*server)->stats()) {
      accepted += stats.accepted;
      open += stats.open;
    }
    EXPECT_EQ(accepted, static_cast<uint64_t>(seen.ended));
    EXPECT_EQ(open, 0u);
  }
  EXPECT_LE(seen.opened, seen.ended);
  EXPECT_EQ(seen.after_the_end, 0);
  EXPECT_EQ(server_host->open_descriptors(), 0u);
  EXPECT_EQ(client_host->open_descriptors(), 0u);
}

SimTestWorlds Worlds() {
  SimTestWorlds worlds;
  worlds.seeds = 50;
  worlds.most.link.jitter = absl::Milliseconds(2);
  worlds.most.faults.short_count = 0.5;
  worlds.most.faults.would_block = 0.2;
  worlds.most.faults.interrupted = 0.2;
  worlds.most.faults.spurious = 0.1;
  worlds.most.faults.loss = 0.05;
  worlds.most.tcp.buffer_bytes = 3000;
  return worlds;
}

TEST(SimEchoTest, EchoesEveryByteWhateverCallsAndPacketsMeet) {
  RunSimTest(Worlds(), [](SimNetwork& network) {
    RunEcho(network, {}, /*complete=*/true);
  });
}

TEST(SimEchoTest, SoDoesAServerOnThreeLoops) {
  RunSimTest(Worlds(), [](SimNetwork& network) {
    RunEcho(network, {.model = ThreadModel::kReusePort, .loops = 3},
            /*complete=*/true);
  });
}

TEST(SimEchoTest, EndsEachConnectionOnceWhenTheyFailToo) {
  SimTestWorlds worlds = Worlds();
  worlds.most.faults.reset = 0.05;
  worlds.most.faults.aborted = 0.3;
  worlds.most.faults.no_descriptors = 0.3;
  worlds.most.faults.no_memory = 0.3;
  RunSimTest(worlds, [](SimNetwork& network) {
    RunEcho(network, {}, /*complete=*/false);
  });
}

}  // namespace
}  // namespace sluice
