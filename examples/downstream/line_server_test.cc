#include "line_server.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "sluice/net/sim/sim_network.h"
#include "sluice/net/sim/sim_test_runner.h"
#include "sluice/net/tcp/tcp_connection.h"
#include "sluice/net/tcp/tcp_connector.h"

namespace downstream {
namespace {

constexpr int kPort = 7008;

// The program that runs on the server's host each time that the host starts.
class Program : public sluice::SimProgram {
 public:
  explicit Program(sluice::SimHost* host)
      : server_(LineServer::Start(&host->platform(), host->NewLoop(),
                                  host->address(kPort))) {
    EXPECT_TRUE(server_.ok()) << server_.status();
  }

 private:
  const absl::StatusOr<LineServer> server_;
};

// Sends a line on its own connection, and keeps the answer.
class Client : public sluice::StreamHandler {
 public:
  Client(sluice::SimHost* host, const sluice::SocketAddress& server,
         std::string line)
      : line_(std::move(line)),
        host_(*host),
        loop_(host->NewLoop()),
        context_(loop_, {.idle_timeout = absl::Minutes(1)}),
        connector_(&host->platform(), loop_, server,
                   {.timeout = absl::InfiniteDuration()},
                   [this](auto socket) { OnConnected(std::move(socket)); }) {}

  const std::string& answer() const { return answer_; }
  // Returns why the connection ended, or nullopt if it has not ended.
  const std::optional<absl::Status>& why() const { return why_; }

 private:
  void OnConnected(absl::StatusOr<sluice::Socket> socket) {
    if (socket.ok()) {
      connection_.emplace(
          &context_, host_.platform().new_transport(loop_, *std::move(socket)),
          this);
    } else {
      why_ = socket.status();
    }
  }
  void OnOpen(sluice::Stream& stream) override { stream.Write(line_); }
  size_t OnInput(sluice::Stream&, absl::string_view input) override {
    answer_.append(input.data(), input.size());
    return input.size();
  }
  void OnClosed(sluice::Stream&, absl::Status why,
                sluice::CloseReason) override {
    why_ = std::move(why);
  }

  const std::string line_;
  std::string answer_;
  std::optional<absl::Status> why_;
  sluice::SimHost& host_;
  sluice::EventLoop* const loop_;
  sluice::ConnectionContext context_;
  sluice::TcpConnector connector_;
  std::optional<sluice::TcpConnection> connection_;
};

TEST(LineServerTest, ServesAgainAfterACrash) {
  sluice::SimTestWorlds worlds;
  worlds.most.faults.short_count = 0.5;
  worlds.most.faults.would_block = 0.2;
  worlds.most.faults.loss = 0.02;
  worlds.most.link.jitter = absl::Milliseconds(2);
  sluice::RunSimTest(worlds, [](sluice::SimNetwork& network) {
    sluice::SimHost* const host = network.AddHost("server");
    host->Start(
        [](sluice::SimHost* h) { return std::make_unique<Program>(h); });
    sluice::SimHost* const other = network.AddHost("clients");
    const auto answers = [&](const Client& client) {
      return network.RunUntil([&] { return client.answer() == "5\n"; },
                              absl::Minutes(5));
    };

    Client before(other, host->address(kPort), "hello\n");
    EXPECT_TRUE(answers(before));
    host->Crash();
    host->Restart();
    Client after(other, host->address(kPort), "world\n");
    EXPECT_TRUE(answers(after));
    // The first client received no message about the crash, so it ends by its
    // timeout.
    EXPECT_TRUE(network.RunUntil([&] { return before.why().has_value(); },
                                 absl::Minutes(2)));
    EXPECT_EQ(before.why()->code(), absl::StatusCode::kDeadlineExceeded);
  });
}

}  // namespace
}  // namespace downstream
