// Tests of servers and clients, while each of their system calls fails in one
// run.

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/check.h"
#include "sluice/base/io_result.h"
#include "sluice/base/mutex.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/base/thread.h"
#include "sluice/event/event_loop.h"
#include "sluice/event/loop_threads.h"
#include "sluice/event/poller/poller_kind.h"
#include "sluice/net/close_reason.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/stream.h"
#include "sluice/net/tcp/tcp_connection.h"
#include "sluice/net/tcp/tcp_connector.h"
#include "sluice/net/tcp/tcp_server.h"
#include "sluice/net/tcp/thread_model.h"
#include "sluice/net/transport/linux_platform.h"
#include "sluice/net/transport/platform.h"
#include "sluice/tests/fault_injection/call_faults.h"
#include "sluice/tests/fault_injection/fault_runner.h"
#include "sluice/tests/support/test_environment.h"
#include "sluice/timer/timer_wheel.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// No timeout ends a stream: a peer that gets no event waits without end, and
// the runner detects that.
constexpr absl::Duration kNever = absl::InfiniteDuration();

// The state that the handlers of a server share. It outlives their loops.
// Thread-safe.
class Service {
 public:
  enum class Kind {
    kEcho,
    kAnswerAtEnd,  // sends the number of bytes when the client has finished
    kGoOn,         // echoes, also during a drain
  };
  explicit Service(Kind kind) : kind_(kind) {}

  Kind kind() const { return kind_; }
  // Keeps the first error that a handler gets.
  void Note(const absl::Status& why) {
    MutexLock lock(&mutex_);
    error_.Update(why);
  }
  absl::Status error() {
    MutexLock lock(&mutex_);
    return error_;
  }

 private:
  const Kind kind_;
  Mutex mutex_;
  absl::Status error_ ABSL_GUARDED_BY(mutex_);
};

class ServerHandler final : public StreamHandler {
 public:
  explicit ServerHandler(Service* service) : service_(*service) {}

  size_t OnInput(Stream& stream, absl::string_view input) override {
    received_ += input.size();
    if (service_.kind() != Service::Kind::kAnswerAtEnd) stream.Write(input);
    return input.size();
  }
  void OnInputEnd(Stream& stream) override {
    if (service_.kind() == Service::Kind::kAnswerAtEnd) {
      stream.Write(absl::StrCat(received_));
    }
    stream.ShutdownWrite();
  }
  void OnDraining(Stream& stream) override {
    if (service_.kind() != Service::Kind::kGoOn) stream.CloseAfterFlush();
  }
  void OnClosed(Stream&, absl::Status why, CloseReason) override {
    SLUICE_CHECK(!closed_);
    closed_ = true;
    service_.Note(why);
  }

 private:
  Service& service_;
  size_t received_ = 0;
  bool closed_ = false;
};

// A loop whose iterations the scenario runs by hand.
struct World {
  static absl::StatusOr<std::unique_ptr<World>> New(PollerKind kind) {
    auto world = std::make_unique<World>();
    world->platform = LinuxPlatform(kind);
    auto loop = NewEventLoop(world->platform);
    if (!loop.ok()) return loop.status();
    world->loop = *std::move(loop);
    return world;
  }
  absl::Status RunUntil(absl::FunctionRef<bool()> done) {
    while (!done()) {
      absl::Status turned = loop->RunOnce(absl::Milliseconds(100));
      if (!turned.ok()) return turned;
    }
    return absl::OkStatus();
  }
  absl::StatusOr<std::unique_ptr<TcpServer>> Serve(
      Service* service, const SocketAddress& address) {
    return Serve(service, address, {loop.get()}, ThreadModel::kSingleLoop);
  }
  absl::StatusOr<std::unique_ptr<TcpServer>> Serve(
      Service* service, const SocketAddress& address,
      std::vector<EventLoop*> loops, ThreadModel threads) {
    return TcpServer::Start(
        &platform, std::move(loops), address,
        [service](const SocketAddress&) {
          return std::make_unique<ServerHandler>(service);
        },
        {.thread_model = threads, .connection = {.idle_timeout = kNever}});
  }

  Platform platform;
  std::unique_ptr<EventLoop> loop;
};

// A client that connects, sends, and reads to the end.
class Client final : private StreamHandler {
 public:
  enum class Then { kHalfClose, kWait };
  Client(World* world, const SocketAddress& server, std::string data,
         Then then = Then::kHalfClose, TcpConnector::Options options = {})
      : world_(*world),
        data_(std::move(data)),
        then_(then),
        context_(world->loop.get(), {.idle_timeout = kNever}),
        connector_(&world->platform, world->loop.get(), server,
                   std::move(options), [this](absl::StatusOr<Socket> socket) {
                     Begin(std::move(socket));
                   }) {}

  bool ended() const { return ended_; }
  const std::string& received() const { return received_; }
  const absl::Status& status() const { return status_; }

  // Returns OK if the client received `answer`. If the answer is truncated and
  // the client has no error, returns the error of the server.
  absl::Status Result(absl::string_view answer, Service* service) const {
    SLUICE_CHECK(ended_ && absl::StartsWith(answer, received_));
    if (!status_.ok() || received_ == answer) return status_;
    const absl::Status error = service->error();
    SLUICE_CHECK(!error.ok());
    return error;
  }

 private:
  void Begin(absl::StatusOr<Socket> socket) {
    if (!socket.ok()) {
      status_ = socket.status();
      ended_ = true;
      return;
    }
    connection_.emplace(
        &context_,
        world_.platform.new_transport(world_.loop.get(), *std::move(socket)),
        static_cast<StreamHandler*>(this));
  }
  void OnOpen(Stream& stream) override {
    const absl::string_view data = data_;
    stream.Cork();
    stream.Write(data.substr(0, 10));
    stream.Write(data.substr(10));
    if (then_ == Then::kHalfClose) stream.ShutdownWrite();
  }
  size_t OnInput(Stream&, absl::string_view input) override {
    received_.append(input);
    return input.size();
  }
  void OnClosed(Stream&, absl::Status why, CloseReason) override {
    SLUICE_CHECK(!ended_);
    status_ = std::move(why);
    ended_ = true;
  }

  World& world_;
  const std::string data_;
  const Then then_;
  std::string received_;
  absl::Status status_;
  bool ended_ = false;
  ConnectionContext context_;
  std::optional<TcpConnection> connection_;
  TcpConnector connector_;
};

std::string Pattern(size_t size) {
  std::string text;
  for (int i = 0; text.size() < size; ++i) absl::StrAppend(&text, i, " ");
  text.resize(size);
  return text;
}

absl::Status Talk(PollerKind kind, Service::Kind service_kind,
                  const SocketAddress& address, const std::string& data,
                  const std::string& answer) {
  Service service(service_kind);
  const auto world = World::New(kind);
  if (!world.ok()) return world.status();
  auto server = (*world)->Serve(&service, address);
  if (!server.ok()) return server.status();
  const Client client(world->get(), (*server)->address(), data);
  absl::Status ran = (*world)->RunUntil([&] { return client.ended(); });
  if (!ran.ok()) return ran;
  ran =
      (*world)->RunUntil([&] { return (*server)->stats().front().open == 0; });
  if (!ran.ok()) return ran;
  return client.Result(answer, &service);
}

absl::Status Echo(PollerKind kind) {
  const std::string data = Pattern(1000);
  return Talk(kind, Service::Kind::kEcho, SocketAddress::Loopback4(0), data,
              data);
}

absl::Status HalfClose(PollerKind kind) {
  return Talk(kind, Service::Kind::kAnswerAtEnd, SocketAddress::Loopback6(0),
              Pattern(5000), "5000");
}

// Returns more data than the kernel holds. It is made once, before the fork.
const std::string& BigData() {
  static const auto* const data = new std::string(Pattern(4 << 20));
  return *data;
}

absl::Status BigStream(PollerKind kind) {
  return Talk(kind, Service::Kind::kEcho, SocketAddress::Loopback4(0),
              BigData(), BigData());
}

// Serves on a path where a server that has died left its socket.
absl::Status UnixEcho(PollerKind kind) {
  SLUICE_CHECK(chdir(::testing::TempDir().c_str()) == 0);
  const auto address =
      SocketAddress::Parse(absl::StrCat("unix:socket", getpid()));
  SLUICE_CHECK(address.ok());
  SocketApi& sockets = *LinuxPlatform().sockets;
  const absl::StatusOr<int> dead = sockets.Listen(*address, {});
  if (!dead.ok()) return dead.status();
  sockets.Close(*dead, CloseMode::kGraceful);
  const std::string data = Pattern(1000);
  return Talk(kind, Service::Kind::kEcho, *address, data, data);
}

// Returns OK if a client is served while the server listens, and a later client
// is refused.
absl::Status ConnectAndRefuse(PollerKind kind) {
  Service service(Service::Kind::kEcho);
  const auto world = World::New(kind);
  if (!world.ok()) return world.status();
  auto server = (*world)->Serve(&service, SocketAddress::Loopback4(0));
  if (!server.ok()) return server.status();
  const SocketAddress address = (*server)->address();
  const TcpConnector::Options options = {.local = SocketAddress::Loopback4(0)};

  const Client served(world->get(), address, "served, or not",
                      Client::Then::kHalfClose, options);
  absl::Status ran = (*world)->RunUntil([&] { return served.ended(); });
  if (!ran.ok()) return ran;
  absl::Status result = served.Result("served, or not", &service);
  server->reset();
  for (int i = 0; i < 3 && ran.ok(); ++i) {  // it stops listening
    ran = (*world)->loop->RunOnce(absl::ZeroDuration());
  }
  if (!ran.ok()) return ran;

  const Client refused(world->get(), address, "refused",
                       Client::Then::kHalfClose, options);
  ran = (*world)->RunUntil([&] { return refused.ended(); });
  if (!ran.ok()) return ran;
  SLUICE_CHECK(!refused.status().ok());
  if (!absl::IsUnavailable(refused.status())) result.Update(refused.status());
  return result;
}

// Returns OK if two clients that go on are both closed at the deadline, and
// both are counted as forced.
absl::Status Drain(PollerKind kind) {
  Service service(Service::Kind::kGoOn);
  const auto world = World::New(kind);
  if (!world.ok()) return world.status();
  auto server = (*world)->Serve(&service, SocketAddress::Loopback4(0));
  if (!server.ok()) return server.status();
  const Client one(world->get(), (*server)->address(), Pattern(100),
                   Client::Then::kWait);
  const Client two(world->get(), (*server)->address(), Pattern(200),
                   Client::Then::kWait);
  absl::Status ran = (*world)->RunUntil([&] {
    return (one.ended() || one.received().size() == 100) &&
           (two.ended() || two.received().size() == 200);
  });
  if (!ran.ok()) return ran;
  std::optional<size_t> forced;
  (*server)->Drain((*world)->loop->clock().Now() + absl::Milliseconds(5),
                   [&](size_t count) { forced = count; });
  ran = (*world)->RunUntil(
      [&] { return forced.has_value() && one.ended() && two.ended(); });
  if (!ran.ok()) return ran;
  SLUICE_CHECK(*forced <= 2);
  if (*forced == 2) return absl::OkStatus();
  absl::Status error = one.status();
  error.Update(two.status());
  error.Update(service.error());
  SLUICE_CHECK(!error.ok());
  return error;
}

// Arms timers from another thread; the last timer stops the loop.
absl::Status Timers(PollerKind kind) {
  class Alarm final : public Timer {
   public:
    Alarm(EventLoop* loop, bool is_last) : loop_(*loop), is_last_(is_last) {}
    void Arm(absl::Duration delay) {
      due_ = loop_.clock().Now() + delay;
      loop_.Arm(this, delay);
    }
    void Fire() override {
      SLUICE_CHECK(!fired_ && loop_.clock().Now() >= due_);
      fired_ = true;
      if (is_last_) loop_.Stop();
    }
    bool fired() const { return fired_; }

   private:
    EventLoop& loop_;
    const bool is_last_;
    MonotonicTime due_;
    bool fired_ = false;
  };

  const auto world = World::New(kind);
  if (!world.ok()) return world.status();
  EventLoop* const loop = (*world)->loop.get();
  Alarm one(loop, false), two(loop, false), three(loop, true);
  auto thread = Thread::Start("poster", [&] {
    // Post() refuses the callable if the loop has failed by then.
    (void)loop->Post([&] {
      one.Arm(absl::Milliseconds(1));
      two.Arm(absl::Milliseconds(3));
      three.Arm(absl::Milliseconds(6));
    });
  });
  if (!thread.ok()) return thread.status();
  absl::Status ran = loop->Run();
  thread->Join();
  SLUICE_CHECK(!ran.ok() || (one.fired() && two.fired() && three.fired()));
  return ran;
}

absl::Status SeveralLoops(PollerKind kind) {
  Service service(Service::Kind::kEcho);
  const auto world = World::New(kind);
  if (!world.ok()) return world.status();
  auto threads = LoopThreads::Create(
      {.num_loops = 2}, [&] { return NewEventLoop((*world)->platform); });
  if (!threads.ok()) return threads.status();
  const absl::Span<EventLoop* const> loops = (*threads)->loops();
  auto server =
      (*world)->Serve(&service, SocketAddress::Loopback4(0),
                      {loops.begin(), loops.end()}, ThreadModel::kReusePort);
  if (!server.ok()) return server.status();
  std::atomic<bool> loops_ended{false};
  absl::Status ran =
      (*threads)->Start([&](absl::Status) { loops_ended = true; });
  if (!ran.ok()) return ran;

  std::vector<std::unique_ptr<Client>> clients;
  const std::string data = Pattern(1000);
  for (int i = 0; i < 4; ++i) {
    clients.push_back(
        std::make_unique<Client>(world->get(), (*server)->address(), data));
  }
  ran = (*world)->RunUntil([&] {
    size_t ended = 0;
    for (const auto& client : clients) ended += client->ended();
    return ended == clients.size() || loops_ended;
  });
  (*server)->Drain((*world)->loop->clock().Now() + absl::Milliseconds(50),
                   [&](size_t) { (*threads)->Stop(); });
  const absl::Status joined = (*threads)->Join();
  server->reset();
  ran.Update(joined);
  if (!ran.ok()) return ran;
  for (const auto& client : clients) ran.Update(client->Result(data, &service));
  return ran;
}

// Runs with standard input, output and error closed, so that sockets get those
// numbers.
absl::Status WithoutStandardDescriptors(PollerKind kind) {
  std::array<int, 3> saved;
  for (int fd = 0; fd < 3; ++fd) {
    saved[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 100);
    SLUICE_CHECK(saved[fd] >= 0);
    syscall(SYS_close, fd);  // not a call that fails
  }
  const absl::Status status = Echo(kind);
  for (int fd = 0; fd < 3; ++fd) {
    SLUICE_CHECK(dup2(saved[fd], fd) == fd);
    syscall(SYS_close, saved[fd]);
  }
  return status;
}

// Runs a server until it says that it cannot accept.
absl::Status TroubleWithAccepting(PollerKind kind) {
  auto world = World::New(kind);
  if (!world.ok()) return world.status();
  absl::Status trouble;
  auto server = TcpServer::Start(
      &(*world)->platform, {(*world)->loop.get()}, SocketAddress::Loopback4(0),
      [](const SocketAddress&) -> std::unique_ptr<StreamHandler> {
        return nullptr;
      },
      {.on_accept_trouble = [&](const absl::Status& status) {
        trouble.Update(status);
      }});
  if (!server.ok()) return server.status();
  SocketApi* const sockets = (*world)->platform.sockets;
  const IoResult fd = sockets->StartConnect((*server)->address(), nullptr);
  if (!fd.ok()) return ToStatus(fd, "connect", "the server");
  const Socket client(sockets, static_cast<int>(fd.value()));
  const absl::Status ran = (*world)->RunUntil([&] { return !trouble.ok(); });
  server->reset();
  return ran.ok() ? trouble : ran;
}

// Forks a child while threads run. The child destroys all objects; then the
// parent serves.
absl::Status ForkedChild(PollerKind kind) {
  Service service(Service::Kind::kEcho);
  auto world = World::New(kind);
  if (!world.ok()) return world.status();
  auto threads = LoopThreads::Create(
      {.num_loops = 1}, [&] { return NewEventLoop((*world)->platform); });
  if (!threads.ok()) return threads.status();
  auto server = (*world)->Serve(&service, SocketAddress::Loopback4(0));
  if (!server.ok()) return server.status();
  absl::Status ran = (*threads)->Start();
  if (!ran.ok()) return ran;

  const pid_t child = fork();
  if (child == 0) {
    server->reset();
    threads->reset();
    world->reset();
    _exit(0);
  }
  if (child > 0) {
    int status = 0;
    SLUICE_CHECK(waitpid(child, &status, 0) == child);
    SLUICE_CHECK(status == 0);
    const std::string data = Pattern(1000);
    Client client(world->get(), (*server)->address(), data);
    ran = (*world)->RunUntil([&] { return client.ended(); });
    if (ran.ok()) ran = client.Result(data, &service);
  }
  (*threads)->Stop();
  ran.Update((*threads)->Join());
  return ran;
}

using Scenario = absl::Status (*)(PollerKind);

class NetworkFaultTest : public ::testing::TestWithParam<PollerKind> {
 protected:
  void TryEachFault(Scenario scenario, int min_points,
                    FaultOptions options = {}) {
    const FaultReport report =
        RunWithFaults([&] { return scenario(GetParam()); }, options);
    std::printf("%s\n", report.Summary().c_str());
    EXPECT_THAT(report.failures, IsEmpty());
    EXPECT_THAT(report.gave_up, IsEmpty());
    EXPECT_GE(report.reached, min_points);
  }
};

TEST_P(NetworkFaultTest, Echo) { TryEachFault(Echo, 100); }
TEST_P(NetworkFaultTest, HalfClose) { TryEachFault(HalfClose, 100); }
TEST_P(NetworkFaultTest, BigStream) {
  BigData();
  TryEachFault(BigStream, 100);
}
TEST_P(NetworkFaultTest, UnixEcho) { TryEachFault(UnixEcho, 100); }
TEST_P(NetworkFaultTest, ConnectAndRefuse) {
  TryEachFault(ConnectAndRefuse, 100);
}
TEST_P(NetworkFaultTest, Drain) { TryEachFault(Drain, 100); }
TEST_P(NetworkFaultTest, Timers) { TryEachFault(Timers, 10); }
TEST_P(NetworkFaultTest, SeveralLoops) { TryEachFault(SeveralLoops, 100); }
TEST_P(NetworkFaultTest, ForkedChild) { TryEachFault(ForkedChild, 30); }
TEST_P(NetworkFaultTest, WithoutStandardDescriptors) {
  TryEachFault(WithoutStandardDescriptors, 30, {.max_calls_per_kind = 2});
}

// If no connection can be accepted, the program gets an error, and no loop
// spins.
TEST_P(NetworkFaultTest, AcceptThatAlwaysFails) {
  const auto kinds = CallKinds();
  const auto accept4 =
      std::find_if(kinds.begin(), kinds.end(),
                   [](const CallKind& kind) { return kind.name == "accept4"; });
  for (const int error : {EMFILE, ENOBUFS}) {
    const CallFault fault = {
        .kind = static_cast<size_t>(accept4 - kinds.begin()),
        .nth = 1,
        .error = error,
        .in_a_row = INT_MAX};
    BeginCalls(&fault);
    const absl::Status reported = TroubleWithAccepting(GetParam());
    const int calls = CallCounts()[fault.kind];
    EndCalls();
    EXPECT_THAT(reported, StatusIs(absl::StatusCode::kResourceExhausted,
                                   HasSubstr("accept on 127.0.0.1:")));
    EXPECT_LT(calls, 100);
  }
}

// A call that fails for a while is retried with growing delays, or given up; no
// loop spins.
constexpr FaultOptions kInARow = {.max_calls_per_kind = kSanitized ? 2 : 6,
                                  .in_a_row = 8};

TEST_P(NetworkFaultTest, EchoWithFaultsInARow) {
  TryEachFault(Echo, 100, kInARow);
}
TEST_P(NetworkFaultTest, DrainWithFaultsInARow) {
  TryEachFault(Drain, 100, kInARow);
}
TEST_P(NetworkFaultTest, TimersWithFaultsInARow) {
  TryEachFault(Timers, 10, kInARow);
}

constexpr FaultOptions kAllocations = {
    .max_calls_per_kind = kSanitized ? 40 : 200,
    .what = FaultOptions::What::kAllocations};

TEST_P(NetworkFaultTest, EchoWithoutMemory) {
  TryEachFault(Echo, 30, kAllocations);
}
TEST_P(NetworkFaultTest, TimersWithoutMemory) {
  TryEachFault(Timers, 10, kAllocations);
}
TEST_P(NetworkFaultTest, SeveralLoopsWithoutMemory) {
  TryEachFault(SeveralLoops, 30, kAllocations);
}

// kAuto is epoll, or poll if the kernel refuses epoll.
INSTANTIATE_TEST_SUITE_P(Pollers, NetworkFaultTest,
                         ::testing::Values(PollerKind::kAuto, PollerKind::kPoll,
                                           PollerKind::kSelect),
                         [](const auto& test) {
                           return std::string(PollerKindName(test.param));
                         });

}  // namespace
}  // namespace sluice
