// The echo server and its load client, as they are, in a simulated network.

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "sluice/apps/echo/echo_handler.h"
#include "sluice/apps/echo/load_generator.h"
#include "sluice/apps/echo/load_results.h"
#include "sluice/base/status_matchers.h"
#include "sluice/event/event_loop.h"
#include "sluice/net/sim_network.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/tcp_server.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

// What one run has come to.
struct Outcome {
  std::string trace;
  uint64_t messages = 0;
  bool ok = false;
};

Outcome Echo(SimNetwork::Options options, uint64_t connections,
             uint64_t messages, size_t message_size) {
  SimNetwork network(std::move(options));
  SimHost* const server_host = network.AddHost("server");
  SimHost* const client_host = network.AddHost("client");
  Outcome outcome;
  {
    EventLoop* const loop = server_host->NewLoop();
    auto server = TcpServer::Start(
        &server_host->platform(), {loop}, server_host->address(7007),
        [](const SocketAddress&) { return std::make_unique<EchoHandler>(); },
        {});
    EXPECT_THAT(server, IsOk());
    LoadGenerator::Options load{.server = server_host->address(7007),
                                .connections = connections,
                                .message_size = message_size,
                                .pipeline = 4};
    load.schedule.messages = messages;
    EventLoop* const client_loop =
        client_host->NewLoop(LoadGenerator::LoopOptions(load));
    LoadGenerator generator(&client_host->platform(), client_loop, load);
    bool done = false;
    generator.Start([&] { done = true; });
    EXPECT_TRUE(network.RunUntil([&] { return done; }, absl::Hours(1)));
    outcome.messages = generator.results().messages();
    outcome.ok = generator.results().ok();
    if (!outcome.ok)
      std::printf("%s", ErrorsToText(generator.results()).c_str());
    bool drained = false;
    (*server)->Drain(server_host->platform().clock->Now() + absl::Seconds(5),
                     [&](size_t) { drained = true; });
    EXPECT_TRUE(network.RunUntil([&] { return drained; }, absl::Seconds(6)));
  }
  network.RunFor(absl::Minutes(5));
  EXPECT_EQ(server_host->open_descriptors(), 0u);
  EXPECT_EQ(client_host->open_descriptors(), 0u);
  outcome.trace = network.trace();
  return outcome;
}

TEST(SimEchoTest, EchoesEveryByteWithoutFaults) {
  const Outcome outcome = Echo({.seed = 1}, 10, 1000, 1000);
  EXPECT_TRUE(outcome.ok);
  EXPECT_EQ(outcome.messages, 1000u);
  std::printf("%s", outcome.trace.substr(0, 600).c_str());
}

TEST(SimEchoTest, TheSameSeedDoesTheSame) {
  SimNetwork::Options options{.seed = 7};
  options.faults.short_count = 0.3;
  options.faults.loss = 0.01;
  options.link.jitter = absl::Milliseconds(1);
  const Outcome one = Echo(options, 5, 200, 10'000);
  EXPECT_EQ(Echo(options, 5, 200, 10'000).trace, one.trace);
  options.seed = 8;
  EXPECT_NE(Echo(options, 5, 200, 10'000).trace, one.trace);
}

TEST(SimEchoTest, EchoesEveryByteWhateverTheWorldDoesToCalls) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    SimNetwork::Options options{.seed = seed, .trace = false};
    options.faults.short_count = 0.5;
    options.faults.would_block = 0.1;
    options.faults.interrupted = 0.05;
    options.faults.loss = 0.02;
    options.link.jitter = absl::Milliseconds(2);
    options.tcp.buffer_bytes = 3000;
    const Outcome outcome = Echo(options, 3, 30, 5'000);
    ASSERT_TRUE(outcome.ok);
    ASSERT_EQ(outcome.messages, 30u);
  }
}

}  // namespace
}  // namespace sluice
