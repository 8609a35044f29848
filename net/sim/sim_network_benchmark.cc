#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "benchmark/benchmark.h"
#include "sluice/base/check.h"
#include "sluice/event/event_loop.h"
#include "sluice/net/sim/sim_network.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/stream.h"
#include "sluice/net/tcp/tcp_connection.h"
#include "sluice/net/tcp/tcp_connector.h"
#include "sluice/net/tcp/tcp_server.h"

namespace sluice {
namespace {

// Creates a world with so many hosts, each with a loop that sleeps.
void BM_World(benchmark::State& state) {
  for (auto _ : state) {
    SimNetwork network({.trace = false});
    for (int i = 0; i < state.range(0); ++i) {
      network.AddHost(absl::StrCat("host", i))->NewLoop();
    }
    network.RunFor(absl::Seconds(1));
  }
}
BENCHMARK(BM_World)->Arg(2)->Arg(20);

// Measures a minute in which nothing happens on so many hosts.
void BM_IdleMinute(benchmark::State& state) {
  SimNetwork network({.trace = false});
  for (int i = 0; i < state.range(0); ++i) {
    network.AddHost(absl::StrCat("host", i))->NewLoop();
  }
  for (auto _ : state) network.RunFor(absl::Minutes(1));
}
BENCHMARK(BM_IdleMinute)->Arg(2)->Arg(20);

class Echo final : public StreamHandler {
  size_t OnInput(Stream& stream, absl::string_view input) override {
    stream.Write(input);
    return input.size();
  }
};

// Counts answers, and sends the next message after each.
class Caller final : public StreamHandler {
 public:
  int answers = 0;

 private:
  void OnOpen(Stream& stream) override { stream.Write("x"); }
  size_t OnInput(Stream& stream, absl::string_view input) override {
    ++answers;
    stream.Write("x");
    return input.size();
  }
};

// Sends a byte there and back, through a real server and real connections.
void BM_RoundTrip(benchmark::State& state) {
  SimNetwork network({.trace = false});
  SimHost* const server_host = network.AddHost("server");
  const auto server = TcpServer::Start(
      &server_host->platform(), {server_host->NewLoop()},
      server_host->address(7),
      [](const auto&) { return std::make_unique<Echo>(); }, {});
  SimHost* const host = network.AddHost("client");
  EventLoop* const loop = host->NewLoop();
  ConnectionContext context(loop, {});
  Caller caller;
  std::unique_ptr<TcpConnection> connection;
  TcpConnector connector(
      &host->platform(), loop, server_host->address(7), {},
      [&](absl::StatusOr<Socket> socket) {
        connection = std::make_unique<TcpConnection>(
            &context, host->platform().new_transport(loop, *std::move(socket)),
            &caller);
      });
  for (auto _ : state) {
    const int last = caller.answers;
    SLUICE_CHECK(network.RunUntil([&] { return caller.answers > last; },
                                  absl::Minutes(1)));
  }
  connection.reset();
}
BENCHMARK(BM_RoundTrip);

}  // namespace
}  // namespace sluice
