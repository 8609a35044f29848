// Tests a client that destroys connections in the callbacks of other
// connections and connects again at once. Descriptors and the loop's records
// for them are then used again while events for the earlier connections may be
// under way.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "sluice/apps/common/load/byte_pattern.h"
#include "sluice/event/event_loop.h"
#include "sluice/net/close_reason.h"
#include "sluice/net/sim/sim_network.h"
#include "sluice/net/sim/sim_random.h"
#include "sluice/net/sim/sim_test_runner.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/stream.h"
#include "sluice/net/tcp/tcp_connection.h"
#include "sluice/net/tcp/tcp_connector.h"
#include "sluice/net/transport/platform.h"
#include "sluice/tests/sim/sim_echo_programs.h"
#include "sluice/tests/sim/sim_echo_world.h"

namespace sluice {
namespace {

const BytePattern& Pattern() {
  static const BytePattern& bytes = *new BytePattern(/*seed=*/2);
  return bytes;
}

class Juggler final : public SimClient {
 public:
  Juggler(SimHost* host, SimRandom* random, const SocketAddress& server,
          const SocketAddress& nobody)
      : platform_(host->platform()),
        loop_(*host->NewLoop(SmallLoopOptions())),
        random_(*random),
        server_(server),
        nobody_(nobody),
        context_(&loop_, {.idle_timeout = absl::InfiniteDuration()}),
        balls_(2 + random->Below(5)) {
    for (auto& ball : balls_) ball = std::make_unique<Ball>(this);
  }

  bool done() const override {
    for (const auto& ball : balls_) {
      if (!ball->ended()) return false;
    }
    return true;
  }
  size_t timers() const override { return loop_.timers()->size(); }

 private:
  // A connection to the server, or an attempt to connect to an unused port.
  class Ball final : public StreamHandler {
   public:
    explicit Ball(Juggler* juggler)
        : all_(*juggler),
          to_nobody_(all_.random_.Below(4) == 0),
          offset_(1000 * all_.made_++),
          connector_(std::make_unique<TcpConnector>(
              &all_.platform_, &all_.loop_,
              to_nobody_ ? all_.nobody_ : all_.server_, TcpConnector::Options{},
              [this](absl::StatusOr<Socket> socket) {
                OnConnected(std::move(socket));
              })) {}

    bool ended() const { return ended_; }

   private:
    void OnConnected(absl::StatusOr<Socket> socket) {
      const auto connector = std::move(connector_);
      EXPECT_EQ(socket.ok(), !to_nobody_) << "it heard of another's connection";
      if (!socket.ok()) {
        ended_ = true;
        return;
      }
      connection_ = std::make_unique<TcpConnection>(
          &all_.context_,
          all_.platform_.new_transport(&all_.loop_, *std::move(socket)), this);
    }
    void OnOpen(Stream& stream) override { Write(stream); }
    size_t OnInput(Stream& stream, absl::string_view input) override {
      EXPECT_EQ(Pattern().FirstDifference(0, offset_ + received_, input),
                std::nullopt);
      received_ += input.size();
      const bool more = all_.ReplaceOther(this);
      if (received_ < written_) return input.size();
      if (more) {
        Write(stream);
      } else {
        stream.ShutdownWrite();
      }
      return input.size();
    }
    void OnClosed(Stream&, absl::Status why, CloseReason) override {
      EXPECT_TRUE(why.ok()) << why;
      EXPECT_EQ(received_, written_);
      ended_ = true;
    }
    void Write(Stream& stream) {
      const absl::string_view bytes =
          Pattern().Bytes(0, offset_ + written_, 1 + all_.random_.Below(100));
      written_ += bytes.size();
      stream.Write(bytes);
    }

    Juggler& all_;
    const bool to_nobody_;
    const size_t offset_;  // of the first byte
    size_t written_ = 0, received_ = 0;
    std::unique_ptr<TcpConnector> connector_;
    std::unique_ptr<TcpConnection> connection_;
    bool ended_ = false;
  };

  // Replaces a ball other than `ball` by a new one. The replaced ball may have
  // events in this loop iteration. Returns false if enough balls were made.
  bool ReplaceOther(const Ball* ball) {
    constexpr size_t kMost = 20;
    if (made_ >= kMost) return false;
    auto& other = balls_[random_.Below(balls_.size())];
    if (other.get() == ball) return true;
    other = nullptr;
    other = std::make_unique<Ball>(this);
    return true;
  }

  const Platform& platform_;
  EventLoop& loop_;
  SimRandom& random_;
  const SocketAddress server_, nobody_;
  ConnectionContext context_;
  size_t made_ = 0;
  std::vector<std::unique_ptr<Ball>> balls_;
};

TEST(SimReconnectTest, NoConnectionSeesEventsOfAnEarlierOne) {
  RunSimTest(
      HarmlessWorlds(/*seeds=*/100, /*loss=*/false), [](SimNetwork& network) {
        SimEchoWorld world(&network);
        world.StartServer();
        world.StartClient([&](SimHost* host) {
          return std::make_unique<Juggler>(
              host, &world.random(), world.server_host().address(kSimEchoPort),
              world.server_host().address(kSimEchoPort + 1));
        });
        ASSERT_TRUE(network.RunUntil([&] { return world.client_done(); },
                                     absl::Minutes(1)))
            << "it stalls";
        network.RunFor(absl::Seconds(1));
        EXPECT_EQ(world.counts().open(), 0u);
        EXPECT_EQ(world.counts().with(CloseReason::kNormal) +
                      world.counts().with(CloseReason::kPeerReset),
                  world.counts().closed);
        world.StopAndExpectNothingLeft();
      });
}

}  // namespace
}  // namespace sluice
