// Tests that a loop that was held up serves all input that came in time before
// a timer closes a connection, even if more descriptors are ready than one wait
// of the poller reports.

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/event/event_loop.h"
#include "sluice/event/poller/poller_kind.h"
#include "sluice/net/close_reason.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/stream.h"
#include "sluice/net/tcp/tcp_connector.h"
#include "sluice/net/tcp/tcp_server.h"
#include "sluice/net/transport/linux_platform.h"
#include "sluice/net/transport/platform.h"
#include "sluice/tests/support/client_socket.h"
#include "sluice/timer/clock.h"
#include "sluice/timer/sim_clock.h"

namespace sluice {
namespace {

constexpr size_t kMaxEvents = 16;
constexpr size_t kConnections = 100;
constexpr absl::Duration kLimit = absl::Milliseconds(100);
constexpr absl::Duration kHoldUp = absl::Milliseconds(300);

struct Counts {
  size_t made = 0;
  size_t opened = 0;
  size_t answered = 0;
  size_t timed_out = 0;
  size_t done = 0;    // closed with kNormal
  size_t closed = 0;  // for any reason
};

// Answers its first input. After it has answered and the server drains, calls
// ShutdownWrite(). Has a read timeout if `read_timeout` is finite.
class Answerer final : public StreamHandler {
 public:
  Answerer(Counts* counts, absl::Duration read_timeout)
      : counts_(*counts), read_timeout_(read_timeout) {
    ++counts_.made;
  }

  void OnOpen(Stream& stream) override {
    ++counts_.opened;
    stream.SetTimeout(read_timeout_);
  }
  size_t OnInput(Stream& stream, absl::string_view input) override {
    ++counts_.answered;
    stream.Write("answer");
    stream.SetTimeout(absl::InfiniteDuration());
    if (draining_) stream.CloseAfterFlush(absl::ZeroDuration());
    return input.size();
  }
  void OnTimeout(Stream& stream) override {
    ++counts_.timed_out;
    stream.Abort(absl::DeadlineExceededError("no input"));
  }
  void OnDraining(Stream&) override { draining_ = true; }
  void OnClosed(Stream&, absl::Status, CloseReason reason) override {
    ++counts_.closed;
    if (reason == CloseReason::kNormal) ++counts_.done;
  }

 private:
  Counts& counts_;
  const absl::Duration read_timeout_;
  bool draining_ = false;
};

// A test with the kernel's sockets and pollers, and a clock that the test
// moves.
class LateTimersTest : public ::testing::TestWithParam<PollerKind> {
 protected:
  LateTimersTest() : platform_(LinuxPlatform(GetParam())) {
    platform_.clock = &clock_;
    platform_.new_poller = [] {
      return NewPoller(GetParam(), {.max_events = kMaxEvents});
    };
    loop_ = NewEventLoop(platform_).value();
  }

  void StartServer(absl::Duration read_timeout, absl::Duration idle_timeout) {
    auto server = TcpServer::Start(
        &platform_, {loop_.get()}, SocketAddress::Loopback4(0),
        [this, read_timeout](const SocketAddress&) {
          return std::make_unique<Answerer>(&counts_, read_timeout);
        },
        {.connection = {.idle_timeout = idle_timeout}});
    SLUICE_ASSERT_OK(server);
    server_ = *std::move(server);
  }
  void Connect() {
    for (size_t i = 0; i < kConnections; ++i) {
      auto client = ClientSocket::Connect(server_->address().ToString());
      SLUICE_ASSERT_OK(client);
      clients_.push_back(*std::move(client));
    }
  }
  // Lets all clients send in time, and then holds the loop up before it reads.
  void SendAndHoldUp() {
    for (ClientSocket& client : clients_) SLUICE_ASSERT_OK(client.Send("x"));
    clock_.Advance(kHoldUp);
  }
  bool RunUntil(absl::FunctionRef<bool()> done) {
    for (int i = 0; i < 1000 && !done(); ++i) {
      SLUICE_EXPECT_OK(loop_->RunOnce(absl::ZeroDuration()));
    }
    return done();
  }
  // Destroys the server, and runs the loop until all connections are closed.
  void TearDown() override {
    server_.reset();
    EXPECT_TRUE(RunUntil([&] { return counts_.closed == counts_.made; }));
    SLUICE_EXPECT_OK(loop_->RunOnce(absl::ZeroDuration()));
  }

  SimClock clock_;
  Platform platform_;
  std::unique_ptr<EventLoop> loop_;
  Counts counts_;
  std::unique_ptr<TcpServer> server_;
  std::vector<ClientSocket> clients_;
};

INSTANTIATE_TEST_SUITE_P(, LateTimersTest,
                         ::testing::Values(PollerKind::kEpoll,
                                           PollerKind::kPoll,
                                           PollerKind::kSelect),
                         [](const auto& kind) {
                           return std::string(PollerKindName(kind.param));
                         });

TEST_P(LateTimersTest, AConnectTimeoutDropsNoAnswerThatCameInTime) {
  StartServer(absl::InfiniteDuration(), absl::InfiniteDuration());
  std::vector<std::unique_ptr<TcpConnector>> connectors;
  size_t connected = 0, ended = 0;
  for (size_t i = 0; i < kConnections; ++i) {
    connectors.push_back(std::make_unique<TcpConnector>(
        &platform_, loop_.get(), server_->address(),
        TcpConnector::Options{.timeout = kLimit},
        [&](absl::StatusOr<Socket> socket) {
          SLUICE_EXPECT_OK(socket);
          if (socket.ok()) ++connected;
          ++ended;
        }));
  }
  clock_.Advance(kHoldUp);
  EXPECT_TRUE(RunUntil([&] { return ended == kConnections; }));
  EXPECT_EQ(connected, kConnections);
}

TEST_P(LateTimersTest, AReadTimeoutDropsNoInputThatCameInTime) {
  StartServer(kLimit, absl::InfiniteDuration());
  Connect();
  ASSERT_TRUE(RunUntil([&] { return counts_.opened == kConnections; }));
  SendAndHoldUp();
  EXPECT_TRUE(RunUntil(
      [&] { return counts_.answered + counts_.timed_out == kConnections; }));
  EXPECT_EQ(counts_.timed_out, 0u);
}

TEST_P(LateTimersTest, AReadTimeoutEndsConnectionsThatSentNothing) {
  StartServer(kLimit, absl::InfiniteDuration());
  Connect();
  ASSERT_TRUE(RunUntil([&] { return counts_.opened == kConnections; }));
  clock_.Advance(kHoldUp);
  EXPECT_TRUE(RunUntil([&] { return counts_.timed_out == kConnections; }));
}

TEST_P(LateTimersTest, AnIdleTimeoutDropsNoInputThatCameInTime) {
  StartServer(absl::InfiniteDuration(), kLimit);
  Connect();
  ASSERT_TRUE(RunUntil([&] { return counts_.opened == kConnections; }));
  SendAndHoldUp();
  EXPECT_TRUE(RunUntil(
      [&] { return counts_.answered + counts_.closed == kConnections; }));
  EXPECT_EQ(counts_.closed, 0u);
}

TEST_P(LateTimersTest, ADrainsDeadlineDropsNoInputThatCameInTime) {
  StartServer(absl::InfiniteDuration(), absl::InfiniteDuration());
  Connect();
  ASSERT_TRUE(RunUntil([&] { return counts_.opened == kConnections; }));
  size_t forced = SIZE_MAX;
  server_->Drain(clock_.Now() + kLimit, [&](size_t n) { forced = n; });
  SLUICE_ASSERT_OK(loop_->RunOnce(absl::ZeroDuration()));
  SendAndHoldUp();
  EXPECT_TRUE(RunUntil([&] { return forced != SIZE_MAX; }));
  EXPECT_EQ(forced, 0u);
  EXPECT_EQ(counts_.done, kConnections);
}

// The loop is held up before it starts the drain and before it has accepted a
// connection. The drain must look at connections in the backlog, too.
TEST_P(LateTimersTest, ADrainThatBeginsLateServesTheBacklog) {
  StartServer(absl::InfiniteDuration(), absl::InfiniteDuration());
  Connect();
  size_t forced = SIZE_MAX;
  server_->Drain(clock_.Now() + kLimit, [&](size_t n) { forced = n; });
  SendAndHoldUp();
  EXPECT_TRUE(RunUntil([&] { return forced != SIZE_MAX; }));
  EXPECT_EQ(forced, 0u);
  EXPECT_EQ(counts_.done, kConnections);
}

TEST_P(LateTimersTest, ADrainsDeadlineEndsConnectionsThatSentNothing) {
  StartServer(absl::InfiniteDuration(), absl::InfiniteDuration());
  Connect();
  size_t forced = SIZE_MAX;
  server_->Drain(clock_.Now() + kLimit, [&](size_t n) { forced = n; });
  clock_.Advance(kHoldUp);
  EXPECT_TRUE(RunUntil([&] { return forced != SIZE_MAX; }));
  EXPECT_EQ(forced, kConnections);
}

}  // namespace
}  // namespace sluice
