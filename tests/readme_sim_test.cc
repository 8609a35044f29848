#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "sluice/net/sim/sim_test_runner.h"
#include "sluice/net/tcp/tcp_connection.h"
#include "sluice/net/tcp/tcp_connector.h"
#include "sluice/net/tcp/tcp_server.h"

// Answers each line with its length.
class LineLengths : public sluice::StreamHandler {
 public:
  size_t OnInput(sluice::Stream& stream, absl::string_view input) override {
    size_t done = 0;
    for (size_t end; (end = input.find('\n', done)) != input.npos;) {
      stream.Write(absl::StrCat(end - done, "\n"));
      done = end + 1;
    }
    return done;  // the rest comes again, with what arrives next
  }
};

// Connects from a simulated host, sends some lines, and keeps what is answered.
class Client : public sluice::StreamHandler {
 public:
  Client(sluice::SimHost* host, const sluice::SocketAddress& server,
         std::string lines)
      : lines_(std::move(lines)),
        loop_(host->NewLoop()),
        context_(loop_, {}),
        connector_(
            &host->platform(), loop_, server,
            {.timeout = absl::InfiniteDuration()},
            [this, host](absl::StatusOr<sluice::Socket> socket) {
              ASSERT_TRUE(socket.ok()) << socket.status();
              connection_ = std::make_unique<sluice::TcpConnection>(
                  &context_,
                  host->platform().new_transport(loop_, *std::move(socket)),
                  this);
            }) {}

  void OnOpen(sluice::Stream& stream) override { stream.Write(lines_); }
  size_t OnInput(sluice::Stream&, absl::string_view input) override {
    answers.append(input.data(), input.size());
    return input.size();
  }

  std::string answers;

 private:
  const std::string lines_;
  sluice::EventLoop* const loop_;
  sluice::ConnectionContext context_;
  std::unique_ptr<sluice::TcpConnection> connection_;
  sluice::TcpConnector connector_;
};

TEST(LineLengthsTest, AnswersThroughABadNetwork) {
  sluice::SimTestWorlds worlds{.seeds = 1000};
  worlds.most.faults.short_count = 0.5;  // up to that often: each seed draws
  worlds.most.faults.loss = 0.05;
  sluice::RunSimTest(worlds, [](sluice::SimNetwork& network) {
    sluice::SimHost* const host = network.AddHost("server");
    auto server = sluice::TcpServer::Start(
        &host->platform(), {host->NewLoop()}, host->address(7008),
        [](const auto&) { return std::make_unique<LineLengths>(); }, {});
    ASSERT_TRUE(server.ok()) << server.status();

    Client client(network.AddHost("client"), host->address(7008),
                  "hello\nworld!!\n");
    EXPECT_TRUE(network.RunUntil([&] { return client.answers == "5\n7\n"; },
                                 absl::Minutes(5)));
  });
}
