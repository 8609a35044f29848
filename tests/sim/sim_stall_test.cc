// Tests loops that stop for some time, as a process does after SIGSTOP. No
// timeout may end the connection of a peer that answered in time.

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "sluice/base/io_result.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/event/event_loop.h"
#include "sluice/net/sim/sim_network.h"
#include "sluice/net/sim/sim_random.h"
#include "sluice/net/sim/sim_test_runner.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/stream.h"
#include "sluice/net/tcp/tcp_server.h"
#include "sluice/net/tcp/thread_model.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

constexpr absl::Duration kReadTimeout = absl::Milliseconds(100);
constexpr absl::Duration kLatency = absl::Microseconds(100);

// The time at which the client of each port has sent its byte.
using SentAt = std::map<uint16_t, MonotonicTime>;

// Waits for a byte. Expects no timeout if the byte came in time.
class Waiter final : public StreamHandler {
 public:
  Waiter(const Clock* clock, const SentAt* sent_at)
      : clock_(*clock), sent_at_(*sent_at) {}

  void OnOpen(Stream& stream) override {
    port_ = stream.peer()->port();
    deadline_ = clock_.Now() + kReadTimeout;
    stream.SetTimeout(kReadTimeout);
  }
  size_t OnInput(Stream& stream, absl::string_view input) override {
    stream.Abort(absl::CancelledError("it has what it waited for"));
    return input.size();
  }
  void OnTimeout(Stream& stream) override {
    const auto sent = sent_at_.find(port_);
    if (sent != sent_at_.end()) {
      EXPECT_GE(sent->second + kLatency, deadline_) << "it came in time";
    }
    stream.Abort(absl::DeadlineExceededError("no input"));
  }

 private:
  const Clock& clock_;
  const SentAt& sent_at_;
  uint16_t port_ = 0;
  MonotonicTime deadline_;
};

// A client without a loop, which uses the sockets of its host. Connects at
// `connect_at` and sends a byte at `send_at`.
class Sender {
 public:
  Sender(SimNetwork* network, SimHost* host, const SocketAddress& server,
         MonotonicTime connect_at, MonotonicTime send_at, SentAt* sent_at)
      : sockets_(*host->platform().sockets) {
    network->At(connect_at, [this, server] {
      const IoResult fd = sockets_.StartConnect(server, nullptr);
      ASSERT_TRUE(fd.ok());
      socket_ = Socket(&sockets_, static_cast<int>(fd.value()));
    });
    network->At(send_at, [this, network, sent_at] {
      const absl::string_view byte = "x";
      if (!sockets_.Write(socket_.fd(), {byte}).ok()) return;  // not yet open
      (*sent_at)[sockets_.Address(socket_.fd(), SocketApi::End::kLocal)
                     ->port()] = network->now();
    });
  }

 private:
  SocketApi& sockets_;
  Socket socket_;
};

TEST(SimStallTest, ATimeoutEndsNoConnectionThatAnsweredInTime) {
  SimTestWorlds worlds;
  worlds.most.faults.stall = 0.3;
  worlds.most.longest_stall = absl::Milliseconds(300);
  worlds.most.link.latency = kLatency;
  worlds.most.poller.max_events = 2;
  RunSimTest(worlds, [](SimNetwork& network) {
    SimRandom random(~network.seed());
    SimHost* const host = network.AddHost("server");
    SimHost* const clients = network.AddHost("clients");
    SentAt sent_at;
    std::vector<EventLoop*> loops = {host->NewLoop(), host->NewLoop()};
    const ThreadModel model = random.Below(2) == 0 ? ThreadModel::kSingleLoop
                                                   : ThreadModel::kReusePort;
    if (model == ThreadModel::kSingleLoop) loops.resize(1);
    auto server = TcpServer::Start(&host->platform(), loops, host->address(7),
                                   [&](const SocketAddress&) {
                                     return std::make_unique<Waiter>(
                                         host->platform().clock, &sent_at);
                                   },
                                   {.thread_model = model});
    SLUICE_ASSERT_OK(server);
    std::vector<std::unique_ptr<Sender>> senders;
    for (uint64_t i = 1 + random.Below(12); i > 0; --i) {
      const MonotonicTime connect_at =
          network.now() + random.UpTo(2 * kReadTimeout);
      senders.push_back(std::make_unique<Sender>(
          &network, clients, host->address(7), connect_at,
          connect_at + absl::Milliseconds(1) + random.UpTo(kReadTimeout),
          &sent_at));
    }
    const size_t count = senders.size();
    EXPECT_TRUE(network.RunUntil(
        [&] {
          uint64_t closed = 0;
          for (const TcpServer::LoopStats& loop : (*server)->stats()) {
            closed += loop.accepted - loop.open;
          }
          return closed == count;
        },
        absl::Hours(1)));
    server->reset();
    network.RunFor(absl::Seconds(10));
  });
}

}  // namespace
}  // namespace sluice
