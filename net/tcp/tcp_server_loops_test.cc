// Tests TcpServer on several loops. Most tests run iterations by hand on one
// thread, so that the test decides the order; the last ones use threads.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/io_result.h"
#include "sluice/base/mutex.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/event/event_loop.h"
#include "sluice/event/loop_threads.h"
#include "sluice/net/close_reason.h"
#include "sluice/net/socket/kernel_sockets.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/stream.h"
#include "sluice/net/tcp/tcp_server.h"
#include "sluice/net/tcp/thread_model.h"
#include "sluice/net/transport/linux_platform.h"
#include "sluice/net/transport/platform.h"
#include "sluice/net/transport/test_peer.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

using ::testing::DoubleNear;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr size_t kLoops = 3;

// The records of a test's handlers, on any thread.
struct Events {
  void Closed(CloseReason reason) {
    MutexLock lock(&mutex);
    closed.push_back(reason);
  }
  std::vector<CloseReason> TakeClosed() {
    MutexLock lock(&mutex);
    return std::exchange(closed, {});
  }

  Mutex mutex;
  std::vector<CloseReason> closed ABSL_GUARDED_BY(mutex);
  bool finish_when_draining = true;
};

class EchoingHandler : public StreamHandler {
 public:
  explicit EchoingHandler(Events* events) : events_(events) {}
  size_t OnInput(Stream& stream, absl::string_view input) override {
    stream.Write(input);
    if (draining_) stream.CloseAfterFlush(absl::ZeroDuration());
    return input.size();
  }
  void OnDraining(Stream& stream) override {
    draining_ = events_->finish_when_draining;
    if (draining_ && !stream.HasUnreadInput()) {
      stream.CloseAfterFlush(absl::ZeroDuration());
    }
  }
  void OnClosed(Stream&, absl::Status, CloseReason reason) override {
    events_->Closed(reason);
  }

 private:
  Events* const events_;
  bool draining_ = false;
};

TestPeer Connect(const SocketAddress& address) {
  const IoResult fd = KernelSockets()->StartConnect(address, nullptr);
  EXPECT_TRUE(fd.ok()) << fd.error();
  return TestPeer(Socket(KernelSockets(), static_cast<int>(fd.value())));
}

class TcpServerLoopsTest : public ::testing::Test {
 protected:
  TcpServerLoopsTest() : platform_(LinuxPlatform()) {
    for (size_t i = 0; i < kLoops; ++i) {
      loops_.push_back(*NewEventLoop(platform_));
    }
  }
  ~TcpServerLoopsTest() override { server_.reset(); }

  absl::Status Start(
      TcpServer::Options options = {},
      const SocketAddress& address = SocketAddress::Loopback4(0)) {
    options.thread_model = ThreadModel::kReusePort;
    std::vector<EventLoop*> loops;
    for (const auto& loop : loops_) loops.push_back(loop.get());
    auto server = TcpServer::Start(
        &platform_, loops, address,
        [this](const SocketAddress&) {
          return std::make_unique<EchoingHandler>(&events_);
        },
        options);
    if (!server.ok()) return server.status();
    server_ = *std::move(server);
    return absl::OkStatus();
  }
  void RunAllOnce(int iterations = 1) {
    for (int i = 0; i < iterations; ++i) {
      for (const auto& loop : loops_) sluice::RunIterations(loop.get(), 1);
    }
  }
  [[nodiscard]] bool RunUntil(absl::FunctionRef<bool()> done) {
    for (int i = 0; i < 100'000; ++i) {
      if (done()) return true;
      RunAllOnce();
    }
    return false;
  }
  uint64_t Open() {
    uint64_t open = 0;
    for (const auto& loop : server_->stats()) open += loop.open;
    return open;
  }
  uint64_t Accepted() {
    uint64_t accepted = 0;
    for (const auto& loop : server_->stats()) accepted += loop.accepted;
    return accepted;
  }
  std::vector<TestPeer> ConnectMany(size_t count) {
    std::vector<TestPeer> peers;
    for (size_t i = 0; i < count; ++i) {
      peers.push_back(Connect(server_->address()));
    }
    return peers;
  }
  MonotonicTime In(absl::Duration delay) {
    return platform_.clock->Now() + delay;
  }

  Events events_;
  const Platform platform_;
  std::vector<std::unique_ptr<EventLoop>> loops_;
  std::unique_ptr<TcpServer> server_;
};

TEST_F(TcpServerLoopsTest, EachLoopAcceptsAndServesItsOwn) {
  constexpr size_t kClients = 90;
  SLUICE_ASSERT_OK(Start());
  std::vector<TestPeer> peers = ConnectMany(kClients);
  for (TestPeer& peer : peers) ASSERT_EQ(peer.Send("hello"), 5u);
  ASSERT_TRUE(RunUntil([&] {
    for (TestPeer& peer : peers) peer.Receive();
    return std::all_of(peers.begin(), peers.end(), [](const TestPeer& peer) {
      return peer.received() == "hello";
    });
  }));
  const std::vector<TcpServer::LoopStats> stats = server_->stats();
  ASSERT_THAT(stats, SizeIs(kLoops));
  for (const TcpServer::LoopStats& loop : stats) {
    EXPECT_GT(loop.accepted, 0u) << "by chance less than once in 10^15 runs";
    EXPECT_EQ(loop.open, loop.accepted);
    EXPECT_EQ(loop.bytes_in, 5 * loop.accepted);
    EXPECT_EQ(loop.bytes_out, 5 * loop.accepted);
    EXPECT_GT(loop.iterations, 0u);
  }
  EXPECT_EQ(Accepted(), kClients);
  EXPECT_GT(Fairness(stats), 0.5);
}

TEST_F(TcpServerLoopsTest, AllLoopsShareThePlaces) {
  constexpr size_t kMax = 10;
  SLUICE_ASSERT_OK(Start({.max_connections = kMax}));
  std::vector<TestPeer> peers = ConnectMany(60);
  ASSERT_TRUE(RunUntil([&] { return Open() >= kMax; }));
  RunAllOnce(20);
  EXPECT_LE(Open(), kMax + kLoops - 1);
  // Each client that leaves makes room, on whatever loop the next one waits.
  size_t left = 0;
  while (left < peers.size()) {
    for (TestPeer& peer : peers) peer.Receive();
    const uint64_t accepted = Accepted();
    // Only the server knows which of them were accepted: all leave, in order.
    peers[left++].Close(CloseMode::kGraceful);
    RunAllOnce(20);
    EXPECT_LE(Open(), kMax + kLoops - 1);
    EXPECT_GE(Accepted(), accepted);
  }
  ASSERT_TRUE(RunUntil([&] { return Accepted() == peers.size(); }));
  ASSERT_TRUE(RunUntil([&] { return Open() == 0; }));
}

TEST_F(TcpServerLoopsTest, WithAllPlacesTakenNoLoopSpins) {
  SLUICE_ASSERT_OK(Start({.max_connections = 1}));
  std::vector<TestPeer> peers = ConnectMany(30);
  ASSERT_TRUE(RunUntil([&] { return Open() >= 1; }));
  RunAllOnce(20);
  uint64_t events = 0;
  for (const auto& loop : loops_) events += loop->stats().events;
  RunAllOnce(50);
  for (const auto& loop : loops_) events -= loop->stats().events;
  EXPECT_EQ(events, 0u);
}

TEST_F(TcpServerLoopsTest, ADrainIsAnsweredOnceOnTheFirstLoopWithTheSum) {
  events_.finish_when_draining = false;
  SLUICE_ASSERT_OK(Start());
  std::vector<TestPeer> peers = ConnectMany(30);
  ASSERT_TRUE(RunUntil([&] { return Open() == 30; }));
  std::vector<size_t> answers;
  bool on_first = false;
  server_->Drain(In(absl::Milliseconds(5)), [&](size_t forced) {
    answers.push_back(forced);
    on_first = loops_[0]->role().IsCurrent();
  });
  ASSERT_TRUE(RunUntil([&] { return !answers.empty(); }));
  RunAllOnce(5);
  EXPECT_THAT(answers, ::testing::ElementsAre(30u));
  EXPECT_TRUE(on_first);
  EXPECT_EQ(Open(), 0u);
  EXPECT_THAT(events_.TakeClosed(), Each(CloseReason::kDrainTimeout));
}

TEST_F(TcpServerLoopsTest, ADrainServesTheConnectionsInEveryBacklogFirst) {
  SLUICE_ASSERT_OK(Start());
  std::vector<TestPeer> peers = ConnectMany(60);
  for (TestPeer& peer : peers) ASSERT_EQ(peer.Send("in time"), 7u);
  // No loop has run an iteration: all connections are still in the backlogs.
  std::optional<size_t> forced;
  server_->Drain(In(absl::Hours(1)), [&](size_t f) { forced = f; });
  ASSERT_TRUE(RunUntil([&] {
    for (TestPeer& peer : peers) peer.Receive();
    return std::all_of(peers.begin(), peers.end(),
                       [](const TestPeer& peer) { return peer.closed(); });
  }));
  for (const TestPeer& peer : peers) {
    EXPECT_EQ(peer.received(), "in time");
    EXPECT_EQ(peer.error(), 0);
  }
  ASSERT_TRUE(RunUntil([&] { return forced.has_value(); }));
  EXPECT_EQ(*forced, 0u);
  EXPECT_EQ(Accepted(), peers.size());
}

TEST_F(TcpServerLoopsTest, ADrainIsDestroyedUnansweredIfItsLoopEndsFirst) {
  SLUICE_ASSERT_OK(Start());
  auto held = std::make_shared<int>(0);
  bool answered = false;
  server_->Drain(In(absl::Hours(1)),
                 [&answered, held](size_t) { answered = true; });
  sluice::RunIterations(loops_[0].get(), 3);
  sluice::RunIterations(loops_[1].get(), 3);
  EXPECT_EQ(held.use_count(), 2);
  server_.reset();
  loops_.clear();
  EXPECT_FALSE(answered);
  EXPECT_EQ(held.use_count(), 1);
}

TEST_F(TcpServerLoopsTest, DestructionEndsTheConnectionsOfEachLoop) {
  SLUICE_ASSERT_OK(Start());
  std::vector<TestPeer> peers = ConnectMany(30);
  ASSERT_TRUE(RunUntil([&] { return Open() == 30; }));
  server_.reset();
  ASSERT_TRUE(RunUntil([&] {
    for (TestPeer& peer : peers) peer.Receive();
    return std::all_of(peers.begin(), peers.end(),
                       [](const TestPeer& peer) { return peer.closed(); });
  }));
  RunAllOnce(2);
  const std::vector<CloseReason> closed = events_.TakeClosed();
  EXPECT_THAT(closed, SizeIs(30));
  EXPECT_THAT(closed, Each(CloseReason::kServerDestroyed));
}

TEST_F(TcpServerLoopsTest, ALoopThatWaitsForRoomMayEndFirst) {
  SLUICE_ASSERT_OK(Start({.max_connections = 1}));
  std::vector<TestPeer> peers = ConnectMany(30);
  // Each loop takes one connection, and waits.
  ASSERT_TRUE(RunUntil([&] { return Open() == kLoops; }));
  server_.reset();
  for (auto& loop : loops_) loop.reset();
  EXPECT_THAT(events_.TakeClosed(), SizeIs(kLoops));
}

TEST_F(TcpServerLoopsTest, ManyLoopsNeedAnAddressThatCanBeShared) {
  EXPECT_THAT(Start({}, *SocketAddress::Parse("unix:@sluice-loops-test")),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("reuse_port is for IP only")));
}

TEST_F(TcpServerLoopsTest, SeveralLoopsNeedAModelThatUsesThem) {
  const auto server =
      TcpServer::Start(&platform_, {loops_[0].get(), loops_[1].get()},
                       SocketAddress::Loopback4(0),
                       [](const SocketAddress&) { return nullptr; }, {});
  EXPECT_THAT(
      server.status(),
      StatusIs(absl::StatusCode::kInvalidArgument,
               "TcpServer: thread_model is kSingleLoop, which serves on one "
               "loop, and there are 2: give one loop, or set thread_model to "
               "kReusePort"));
}

TEST_F(TcpServerLoopsTest, ABusyPortIsAnErrorAndLeavesNothingBehind) {
  const auto taken = KernelSockets()->Listen(SocketAddress::Loopback4(0), {});
  SLUICE_ASSERT_OK(taken);
  Socket socket(KernelSockets(), *taken);
  const auto address = KernelSockets()->Address(*taken, SocketApi::End::kLocal);
  SLUICE_ASSERT_OK(address);
  EXPECT_THAT(
      Start({}, *address),
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("in use")));
  socket.Close(CloseMode::kGraceful);
  SLUICE_EXPECT_OK(Start({}, *address));
}

TEST(FairnessTest, EqualLoopsGiveOneAndASingleBusyLoopOfNGivesOneNth) {
  using Stats = TcpServer::LoopStats;
  EXPECT_EQ(Fairness({}), 1);
  EXPECT_EQ(Fairness({Stats{}, Stats{}}), 1);
  EXPECT_EQ(Fairness({Stats{.accepted = 7}, Stats{.accepted = 7}}), 1);
  EXPECT_THAT(Fairness({Stats{.accepted = 9}, Stats{}, Stats{}}),
              DoubleNear(1.0 / 3, 1e-9));
  EXPECT_THAT(Fairness({Stats{.accepted = 1}, Stats{.accepted = 3}}),
              DoubleNear(0.8, 1e-9));
}

// Connections come, leave and are drained while all loops run on threads.
TEST(TcpServerThreadsTest, ServesAndDrainsOnThreads) {
  constexpr size_t kClients = 64;
  const Platform platform = LinuxPlatform();
  Events events;
  auto threads = LoopThreads::Create({.num_loops = kLoops},
                                     [&] { return NewEventLoop(platform); });
  SLUICE_ASSERT_OK(threads);
  const auto loops = (*threads)->loops();
  auto server = TcpServer::Start(
      &platform, {loops.begin(), loops.end()}, SocketAddress::Loopback4(0),
      [&](const SocketAddress&) {
        return std::make_unique<EchoingHandler>(&events);
      },
      {.thread_model = ThreadModel::kReusePort,
       .max_connections = kClients / 2});
  SLUICE_ASSERT_OK(server);
  SLUICE_ASSERT_OK((*threads)->Start());
  uint64_t echoed = 0;
  for (size_t i = 0; i < kClients; ++i) {
    TestPeer peer = Connect((*server)->address());
    while (peer.Send("ping") == 0) {
    }
    while (peer.received() != "ping" && !peer.closed()) peer.Receive();
    echoed += peer.received_bytes();
    // Each counter is readable while the loops run.
    uint64_t out = 0;
    for (const auto& loop : (*server)->stats()) out += loop.bytes_out;
    EXPECT_LE(echoed, out + 4);
    peer.Close(i % 2 == 0 ? CloseMode::kGraceful : CloseMode::kReset);
  }
  EXPECT_EQ(echoed, 4 * kClients);
  TestPeer idle = Connect((*server)->address());
  size_t forced = 99;
  (*server)->Drain(platform.clock->Now() + absl::Hours(1), [&](size_t f) {
    forced = f;
    (*threads)->Stop();
  });
  SLUICE_EXPECT_OK((*threads)->Join());
  EXPECT_EQ(forced, 0u);
  EXPECT_THAT(events.TakeClosed(), SizeIs(kClients + 1));
}

}  // namespace
}  // namespace sluice
