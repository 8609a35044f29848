#include "sluice/net/sim/sim_network.h"

#include <climits>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/executor.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/event/event_loop.h"
#include "sluice/net/close_reason.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/stream.h"
#include "sluice/net/tcp/tcp_connection.h"
#include "sluice/net/tcp/tcp_connector.h"
#include "sluice/net/tcp/tcp_server.h"
#include "sluice/net/transport/platform.h"
#include "sluice/timer/clock.h"
#include "sluice/timer/timer_wheel.h"

namespace sluice {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

// ---------------------------------------------------------------------------
// Programs
// ---------------------------------------------------------------------------

class Echo final : public StreamHandler {
  size_t OnInput(Stream& stream, absl::string_view input) override {
    stream.Write(input);
    return input.size();
  }
};

// An echo server on port 7.
class EchoServer final : public SimProgram {
 public:
  explicit EchoServer(SimHost* host)
      : server_(TcpServer::Start(
                    &host->platform(), {host->NewLoop()}, host->address(7),
                    [](const auto&) { return std::make_unique<Echo>(); }, {})
                    .value()) {}

 private:
  const std::unique_ptr<TcpServer> server_;
};

std::unique_ptr<SimProgram> NewEchoServer(SimHost* host) {
  return std::make_unique<EchoServer>(host);
}

// One connection to a server, and its results.
class Client final : public StreamHandler {
 public:
  Client(SimHost* host, const SocketAddress& server,
         absl::Duration idle_timeout = absl::InfiniteDuration(),
         absl::Duration connect_timeout = absl::InfiniteDuration())
      : host_(*host),
        loop_(host->NewLoop()),
        context_(loop_, {.idle_timeout = idle_timeout}),
        connector_(std::make_unique<TcpConnector>(
            &host->platform(), loop_, server,
            TcpConnector::Options{.timeout = connect_timeout},
            [this](absl::StatusOr<Socket> socket) {
              OnConnected(std::move(socket));
            })) {}

  void Write(absl::string_view data) { connection_->Write(data); }
  void ShutdownWrite() { connection_->ShutdownWrite(); }

  bool open = false;
  bool ended = false;
  std::string received;
  absl::Status why = absl::UnknownError("not yet");

 private:
  void OnConnected(absl::StatusOr<Socket> socket) {
    connector_.reset();
    if (!socket.ok()) {
      why = socket.status();
      ended = true;
      return;
    }
    connection_ = std::make_unique<TcpConnection>(
        &context_, host_.platform().new_transport(loop_, *std::move(socket)),
        this);
  }
  void OnOpen(Stream&) override { open = true; }
  size_t OnInput(Stream&, absl::string_view input) override {
    received.append(input.data(), input.size());
    return input.size();
  }
  void OnClosed(Stream&, absl::Status status, CloseReason) override {
    why = std::move(status);
    ended = true;
  }

  SimHost& host_;
  EventLoop* const loop_;
  ConnectionContext context_;
  std::unique_ptr<TcpConnector> connector_;
  std::unique_ptr<TcpConnection> connection_;
};

class SimNetworkTest : public ::testing::Test {
 protected:
  bool Until(const bool& done, absl::Duration at_most = absl::Minutes(30)) {
    return network_.RunUntil([&] { return done; }, at_most);
  }
  bool Echoes(Client* client, absl::string_view text,
              absl::Duration at_most = absl::Minutes(30)) {
    client->received.clear();
    client->Write(text);
    return network_.RunUntil([&] { return client->received == text; }, at_most);
  }

  SimNetwork network_{{.seed = 3}};
  SimHost* const server_ = network_.AddHost("server");
  SimHost* const client_ = network_.AddHost("client");
};

// ---------------------------------------------------------------------------

TEST(SimNetworkOptionsTest, RefusesEachOptionOutOfRange) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  const struct {
    const char* message;
    SimNetwork::Options options;
  } kBad[] = {
      {"short_count is nan, and must be 0 to 1",
       {.faults = {.short_count = kNan}}},
      {"would_block is -0.1", {.faults = {.would_block = -0.1}}},
      {"interrupted is 1.1", {.faults = {.interrupted = 1.1}}},
      {"no_descriptors is inf",
       {.faults = {.no_descriptors = std::numeric_limits<double>::infinity()}}},
      {"no_memory is nan", {.faults = {.no_memory = kNan}}},
      {"aborted is nan", {.faults = {.aborted = kNan}}},
      {"spurious is nan", {.faults = {.spurious = kNan}}},
      {"stall is -1", {.faults = {.stall = -1}}},
      {"longest_stall is inf", {.longest_stall = absl::InfiniteDuration()}},
      {"loss is 2", {.faults = {.loss = 2}}},
      {"reset is -1", {.faults = {.reset = -1}}},
      {"latency is -1ns, and must be 0 to 24h",
       {.link = {.latency = -absl::Nanoseconds(1)}}},
      {"latency is inf", {.link = {.latency = absl::InfiniteDuration()}}},
      {"jitter is -1ms", {.link = {.jitter = -absl::Milliseconds(1)}}},
      {"jitter is inf", {.link = {.jitter = absl::InfiniteDuration()}}},
      {"bytes_per_second is nan", {.link = {.bytes_per_second = kNan}}},
      {"bytes_per_second is -1", {.link = {.bytes_per_second = -1}}},
      {"buffer_bytes is 0", {.tcp = {.buffer_bytes = 0}}},
      {"buffer_bytes is 1844", {.tcp = {.buffer_bytes = SIZE_MAX}}},
      {"max_descriptors is -1", {.tcp = {.max_descriptors = -1}}},
      {"max_events is 0", {.poller = {.max_events = 0}}},
      {"max_events is 1844", {.poller = {.max_events = SIZE_MAX}}},
  };
  SLUICE_EXPECT_OK(SimNetwork::Check({}));
  for (const auto& bad : kBad) {
    EXPECT_THAT(SimNetwork::Check(bad.options),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr(absl::StrCat("SimNetwork: ", bad.message))));
  }
}

TEST(SimNetworkOptionsDeathTest, UseOfAnOptionOutOfRangeIsAnError) {
  EXPECT_DEATH(SimNetwork({.faults = {.loss = 2}}), "SLUICE_CHECK failed");
  SimNetwork network({});
  SimHost* const host = network.AddHost("host");
  EXPECT_DEATH(
      network.SetLink(host, host, {.latency = -absl::InfiniteDuration()}),
      "SLUICE_CHECK failed");
  EXPECT_DEATH(host->SetDrift(INT_MIN), "SLUICE_CHECK failed");
}

TEST_F(SimNetworkTest, AClientTalksToAServer) {
  server_->Start(NewEchoServer);
  Client client(client_, server_->address(7));
  ASSERT_TRUE(Until(client.open));
  EXPECT_TRUE(Echoes(&client, "hello"));
  client.ShutdownWrite();
  ASSERT_TRUE(Until(client.ended));
  SLUICE_EXPECT_OK(client.why);
  EXPECT_EQ(client_->open_descriptors(), 0u);
  EXPECT_THAT(
      network_.trace(),
      HasSubstr("server: descriptor 1 is accepted from 10.0.0.2:32768"));
}

TEST_F(SimNetworkTest, TimePassesOnlyWhenNothingElseHappens) {
  server_->Start(NewEchoServer);
  Client client(client_, server_->address(7));
  const MonotonicTime start = network_.now();
  ASSERT_TRUE(Until(client.open));
  // The latency there and back.
  EXPECT_EQ(network_.now() - start, absl::Microseconds(200));
  network_.RunFor(absl::Hours(24 * 365));
  EXPECT_EQ(network_.now() - start,
            absl::Hours(24 * 365) + absl::Microseconds(200));
}

TEST_F(SimNetworkTest, LinksHaveLatencyAndBandwidth) {
  network_.SetLink(
      server_, client_,
      {.latency = absl::Milliseconds(50), .bytes_per_second = 1e6});
  server_->Start(NewEchoServer);
  Client client(client_, server_->address(7));
  ASSERT_TRUE(Until(client.open));
  const MonotonicTime start = network_.now();
  ASSERT_TRUE(Echoes(&client, std::string(10'000, 'x')));
  const absl::Duration took = network_.now() - start;
  EXPECT_GE(took, absl::Milliseconds(2 * 50 + 2 * 10));
  EXPECT_LT(took, absl::Milliseconds(2 * 50 + 2 * 10 + 5));
}

TEST_F(SimNetworkTest, PacketsInOneDirectionShareTheLink) {
  network_.SetLink(server_, client_, {.bytes_per_second = 1e6});
  server_->Start(NewEchoServer);
  Client a(client_, server_->address(7)), b(client_, server_->address(7));
  ASSERT_TRUE(Until(a.open));
  ASSERT_TRUE(Until(b.open));
  const MonotonicTime start = network_.now();
  a.Write(std::string(10'000, 'a'));
  b.Write(std::string(10'000, 'b'));
  ASSERT_TRUE(network_.RunUntil(
      [&] { return a.received.size() + b.received.size() == 20'000; },
      absl::Seconds(1)));
  // There and back: the second message is under way while the first comes back.
  const absl::Duration took = network_.now() - start;
  EXPECT_GE(took, absl::Milliseconds(3 * 10));
  EXPECT_LT(took, absl::Milliseconds(3 * 10 + 5));
}

TEST_F(SimNetworkTest, ConnectsWithoutAListenerOrAHostFail) {
  Client refused(client_, server_->address(99));
  ASSERT_TRUE(Until(refused.ended));
  EXPECT_THAT(refused.why.message(), HasSubstr("Connection refused"));
  // As on Linux: six more attempts, in two minutes.
  Client lost(client_, SocketAddress::Parse("10.9.9.9:7").value());
  const MonotonicTime start = network_.now();
  ASSERT_TRUE(Until(lost.ended));
  EXPECT_THAT(lost.why.message(), HasSubstr("Connection timed out"));
  EXPECT_EQ(network_.now() - start, absl::Seconds(127));
}

TEST_F(SimNetworkTest, ASocketThatConnectsToItselfIsRefused) {
  SimHost* const host = network_.AddHost("host");
  const SocketAddress own = host->address(40'002);
  absl::Status status;
  TcpConnector connector(
      &host->platform(), host->NewLoop(), own, {.local = own},
      [&](absl::StatusOr<Socket> socket) { status = socket.status(); });
  EXPECT_TRUE(
      network_.RunUntil([&] { return !status.ok(); }, absl::Minutes(1)));
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnavailable,
                               HasSubstr("Connection refused")));
  EXPECT_EQ(host->open_descriptors(), 0u);
}

TEST_F(SimNetworkTest, NoConnectionOpensBeforeThePeerAnswers) {
  server_->Start(NewEchoServer);
  network_.Partition(server_, client_);
  network_.faults().spurious = 0.5;
  for (int i = 0; i < 20; ++i) {
    Client client(client_, server_->address(7), absl::InfiniteDuration(),
                  absl::Seconds(1));
    ASSERT_TRUE(Until(client.ended));
    EXPECT_FALSE(client.open);
  }
}

TEST_F(SimNetworkTest, APartitionHoldsBytesUpUntilItHeals) {
  server_->Start(NewEchoServer);
  Client client(client_, server_->address(7));
  ASSERT_TRUE(Until(client.open));
  network_.Partition(server_, client_);
  EXPECT_FALSE(Echoes(&client, "hello", absl::Seconds(30)));
  EXPECT_FALSE(client.ended);
  network_.Heal(client_, server_);
  EXPECT_TRUE(network_.RunUntil([&] { return client.received == "hello"; },
                                absl::Minutes(5)));
}

TEST_F(SimNetworkTest, APartitionForGoodEndsAConnectionThatSends) {
  server_->Start(NewEchoServer);
  Client client(client_, server_->address(7));
  ASSERT_TRUE(Until(client.open));
  network_.Partition(server_, client_);
  network_.RunFor(absl::Hours(2));
  EXPECT_FALSE(client.ended);  // it has not sent since
  client.Write("hello");
  ASSERT_TRUE(Until(client.ended));
  EXPECT_THAT(client.why.message(), HasSubstr("Connection timed out"));
}

TEST_F(SimNetworkTest, AnEndThatSendsSeesACrashOfItsPeer) {
  server_->Start(NewEchoServer);
  Client silent(client_, server_->address(7)),
      speaks(client_, server_->address(7));
  ASSERT_TRUE(Until(silent.open));
  ASSERT_TRUE(Until(speaks.open));
  server_->Crash();
  EXPECT_FALSE(server_->is_up());
  EXPECT_EQ(server_->open_descriptors(), 0u);
  EXPECT_EQ(server_->program(), nullptr);
  network_.RunFor(absl::Minutes(1));
  server_->Restart();
  ASSERT_NE(server_->program(), nullptr);
  speaks.Write("are you there?");
  ASSERT_TRUE(Until(speaks.ended));
  EXPECT_THAT(speaks.why.message(), HasSubstr("Connection reset"));
  // The connection is half open until an end sends a packet.
  network_.RunFor(absl::Hours(5));
  EXPECT_FALSE(silent.ended);
  Client again(client_, server_->address(7));
  ASSERT_TRUE(Until(again.open));
  EXPECT_TRUE(Echoes(&again, "hello"));
}

TEST_F(SimNetworkTest, TheTraceDependsOnTheSeedAlone) {
  const auto run = [](uint64_t seed) {
    SimNetwork::Options options;
    options.seed = seed;
    options.link.jitter = absl::Milliseconds(5);
    options.faults.loss = 0.1;
    options.faults.short_count = 0.3;
    SimNetwork network(options);
    SimHost* const server = network.AddHost("server");
    server->Start(NewEchoServer);
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < 5; ++i) {
      clients.push_back(std::make_unique<Client>(
          network.AddHost(absl::StrCat("client ", i)), server->address(7)));
    }
    for (const auto& client : clients) {
      network.RunUntil([&] { return client->open; }, absl::Hours(1));
      client->Write(std::string(3000, 'x'));
    }
    network.RunFor(absl::Minutes(1));
    return network.trace();
  };
  EXPECT_EQ(run(1), run(1));
  EXPECT_NE(run(1), run(2));
}

// Either of two loops may be first.
TEST_F(SimNetworkTest, EventsHappenInEveryPossibleOrder) {
  std::vector<std::string> orders;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    SimNetwork network({.seed = seed});
    SimHost* const host = network.AddHost("host");
    std::string order;
    CallbackTimer a([&] { order += 'a'; }), b([&] { order += 'b'; });
    host->NewLoop()->Arm(&a, absl::Seconds(1));
    host->NewLoop()->Arm(&b, absl::Seconds(1));
    network.RunFor(absl::Seconds(2));
    orders.push_back(order);
  }
  EXPECT_THAT(orders, Contains("ab"));
  EXPECT_THAT(orders, Contains("ba"));
}

struct NotesItself final : public Task {
  NotesItself(std::string* notes, char name) : notes_(*notes), name_(name) {}
  void Run() override { notes_ += name_; }
  void Abandon() override { notes_ += '-'; }
  std::string& notes_;
  const char name_;
};

TEST_F(SimNetworkTest, WorkersRunEachTaskOnceInAnyOrder) {
  std::vector<std::string> orders;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    SimNetwork network({.seed = seed});
    SimHost* const host = network.AddHost("host");
    std::string order;
    NotesItself a(&order, 'a'), b(&order, 'b'), c(&order, 'c');
    for (NotesItself* task : {&a, &b, &c}) {
      EXPECT_TRUE(host->workers()->Schedule(task));
      EXPECT_FALSE(host->workers()->Schedule(task));
    }
    EXPECT_EQ(order, "");
    network.RunFor(absl::ZeroDuration());
    EXPECT_EQ(order.size(), 3u);
    orders.push_back(order);
  }
  for (const char* order : {"abc", "acb", "bac", "bca", "cab", "cba"}) {
    EXPECT_THAT(orders, Contains(order));
  }
}

TEST_F(SimNetworkTest, ACrashAbandonsTasks) {
  std::string notes;
  NotesItself task(&notes, 'a');
  server_->workers()->Schedule(&task);
  server_->Crash();
  EXPECT_EQ(notes, "-");
  server_->Restart();
}

TEST_F(SimNetworkTest, ACrashAbandonsTasksOfTheProgramBeforeItIsDestroyed) {
  class Program final : public SimProgram {
   public:
    Program(SimHost* host, std::string* notes) : task_(notes, 'a') {
      EXPECT_TRUE(host->workers()->Schedule(&task_));
    }

   private:
    NotesItself task_;
  };
  std::string notes;
  server_->Start(
      [&](SimHost* host) { return std::make_unique<Program>(host, &notes); });
  server_->Crash();
  EXPECT_EQ(notes, "-");
}

// A task that one loop gives to another is run without time passing.
TEST_F(SimNetworkTest, LoopsOfAHostCallEachOther) {
  EventLoop* const a = server_->NewLoop();
  EventLoop* const b = server_->NewLoop();
  const MonotonicTime start = network_.now();
  bool done = false;
  SLUICE_ASSERT_OK(a->Post([&] {
    SLUICE_EXPECT_OK(
        b->Post([&] { SLUICE_EXPECT_OK(a->Post([&] { done = true; })); }));
  }));
  EXPECT_TRUE(Until(done));
  EXPECT_EQ(network_.now(), start);
  // The loop sleeps: only a wake-up makes it look.
  EXPECT_EQ(b->stats().wakes, 1u);
}

TEST_F(SimNetworkTest, AStoppedLoopTakesALastIterationAndNoMore) {
  EventLoop* const stops = server_->NewLoop();
  EventLoop* const other = server_->NewLoop();
  std::string notes;
  NotesItself task(&notes, 'a'), late(&notes, 'b');
  bool fired = false;
  CallbackTimer timer([&] { fired = true; });
  stops->Arm(&timer, absl::Seconds(2));
  CallbackTimer stop([&] {
    stops->Stop();
    stops->Schedule(&task);
  });
  other->Arm(&stop, absl::Seconds(1));
  network_.RunFor(absl::Seconds(3));
  EXPECT_EQ(notes, "a");
  EXPECT_FALSE(fired);
  stops->Schedule(&late);
  network_.RunFor(absl::Seconds(3));
  EXPECT_EQ(notes, "a");
  server_->Crash();
  EXPECT_EQ(notes, "a-");
}

TEST(SimNetworkDeathTest, AProgramThatSpinsEndsTheWorld) {
  struct Spins final : Task {
    explicit Spins(Executor* e) : executor(e) {}
    void Run() override { executor->Schedule(this); }
    void Abandon() override {}
    Executor* const executor;
  };
  EXPECT_DEATH(
      {
        SimNetwork network({});
        Spins task(network.AddHost("host")->workers());
        task.Run();
        network.RunFor(absl::Seconds(1));
      },
      "spins");
}

TEST_F(SimNetworkTest, ALoopMayBeRunByItsOwner) {
  server_->Start(NewEchoServer);
  auto loop = NewEventLoop(client_->platform());
  SLUICE_ASSERT_OK(loop.status());
  bool connected = false;
  TcpConnector connector(&client_->platform(), loop->get(), server_->address(7),
                         {}, [&](absl::StatusOr<Socket> socket) {
                           connected = socket.ok();
                           (*loop)->Stop();
                         });
  SLUICE_EXPECT_OK((*loop)->Run());
  EXPECT_TRUE(connected);
}

// ---------------------------------------------------------------------------
// Clocks
// ---------------------------------------------------------------------------

TEST_F(SimNetworkTest, AStepOfTheWallClockDoesNotMoveTimers) {
  const Clock& clock = *server_->platform().clock;
  bool fired = false;
  CallbackTimer timer([&] { fired = true; });
  server_->NewLoop()->Arm(&timer, absl::Seconds(10));
  const absl::Time before = clock.WallNow();
  server_->StepWall(absl::Hours(-3));
  EXPECT_EQ(clock.WallNow(), before - absl::Hours(3));
  network_.RunFor(absl::Seconds(9));
  EXPECT_FALSE(fired);
  network_.RunFor(absl::Seconds(2));
  EXPECT_TRUE(fired);
}

TEST_F(SimNetworkTest, AClockThatDriftsFiresByItself) {
  const Clock& clock = *server_->platform().clock;
  for (const int ppm : {100'000, -100'000}) {
    server_->SetDrift(ppm);
    const MonotonicTime host_start = clock.Now(), start = network_.now();
    bool fired = false;
    CallbackTimer timer([&] { fired = true; });
    server_->NewLoop()->Arm(&timer, absl::Seconds(100));
    ASSERT_TRUE(Until(fired));
    EXPECT_GE(clock.Now() - host_start, absl::Seconds(100));
    EXPECT_LT(clock.Now() - host_start, absl::Seconds(100.1));
    EXPECT_NEAR(absl::ToDoubleSeconds(network_.now() - start),
                100 / (1 + ppm * 1e-6), 0.2);
  }
}

}  // namespace
}  // namespace sluice
