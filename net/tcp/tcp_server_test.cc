#include "sluice/net/tcp/tcp_server.h"

#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/io_result.h"
#include "sluice/base/task.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/event/event_loop.h"
#include "sluice/net/close_reason.h"
#include "sluice/net/socket/gated_sockets.h"
#include "sluice/net/socket/kernel_sockets.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/stream.h"
#include "sluice/net/tcp/tcp_connection.h"
#include "sluice/net/tcp/tcp_listener.h"
#include "sluice/net/transport/linux_platform.h"
#include "sluice/net/transport/platform.h"
#include "sluice/net/transport/test_loop.h"
#include "sluice/timer/sim_clock.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// The records of a test's handlers.
struct Events {
  std::vector<CloseReason> closed;
  std::vector<absl::Status> why;
  int handlers = 0;  // alive
  int draining = 0;
  std::function<void(Stream&)> on_draining = [](Stream& s) {
    s.CloseAfterFlush();
  };
  std::function<void()> on_closed = [] {};
};

class EchoingHandler : public StreamHandler {
 public:
  explicit EchoingHandler(Events* events) : events_(events) {
    ++events_->handlers;
  }
  ~EchoingHandler() override { --events_->handlers; }
  size_t OnInput(Stream& stream, absl::string_view input) override {
    stream.Write(input);
    return input.size();
  }
  void OnDraining(Stream& stream) override {
    ++events_->draining;
    events_->on_draining(stream);
  }
  void OnClosed(Stream&, absl::Status why, CloseReason reason) override {
    events_->closed.push_back(reason);
    events_->why.push_back(std::move(why));
    events_->on_closed();
  }

 private:
  Events* const events_;
};

int LowestFreeDescriptor() {
  const int fd = dup(0);
  close(fd);
  return fd;
}

class TcpServerTest : public ::testing::Test {
 protected:
  absl::Status Start(TcpServer::Options options = {}) {
    auto server = TcpServer::Start(
        &loop_.platform(), {loop_.loop()}, SocketAddress::Loopback4(0),
        [this](const SocketAddress& peer) -> std::unique_ptr<StreamHandler> {
          peers_.push_back(peer);
          if (refuse_) return nullptr;
          return std::make_unique<EchoingHandler>(&events_);
        },
        options);
    if (!server.ok()) return server.status();
    server_ = *std::move(server);
    return absl::OkStatus();
  }
  Socket Connect() {
    const IoResult fd =
        KernelSockets()->StartConnect(server_->address(), nullptr);
    EXPECT_TRUE(fd.ok()) << fd.error();
    return Socket(KernelSockets(), static_cast<int>(fd.value()));
  }
  bool RunUntilOpen(uint64_t count) {
    return loop_.RunUntil([&] { return Stats().open == count; });
  }
  TcpServer::LoopStats Stats() { return server_->stats().front(); }
  // Returns all bytes until the server closes; "RST" at the end if it resets.
  std::string ReadAll(const Socket& client) {
    std::string all;
    bool ended = false;
    EXPECT_TRUE(loop_.RunUntil([&] {
      char buffer[4096];
      const IoResult result =
          KernelSockets()->Read(client.fd(), absl::MakeSpan(buffer));
      if (result.would_block()) return false;
      if (result.ok() && result.value() > 0) {
        all.append(buffer, static_cast<size_t>(result.value()));
        return false;
      }
      if (!result.ok()) all += "RST";
      ended = true;
      return true;
    }));
    EXPECT_TRUE(ended);
    return all;
  }
  void Send(const Socket& client, absl::string_view data) {
    ASSERT_TRUE(loop_.RunUntil([&] {
      const IoResult sent =
          KernelSockets()->Write(client.fd(), absl::MakeConstSpan(&data, 1));
      return sent.ok() && static_cast<size_t>(sent.value()) == data.size();
    }));
  }
  MonotonicTime In(absl::Duration delay) {
    return loop_.platform().clock->Now() + delay;
  }

  Events events_;
  std::vector<SocketAddress> peers_;
  bool refuse_ = false;
  TestLoop loop_;
  std::unique_ptr<TcpServer> server_;
};

TEST_F(TcpServerTest, NeedsALoop) {
  EXPECT_THAT(
      TcpServer::Start(&loop_.platform(), {}, SocketAddress::Loopback4(0),
                       [](const SocketAddress&) { return nullptr; }, {}),
      StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(TcpServerTest, RefusesEachOptionOutOfRange) {
  const struct {
    const char* message;
    TcpServer::Options options;
  } kBad[] = {
      {"TcpServer: max_connections is 0, and must be 1 to 2147483648",
       {.max_connections = 0}},
      {"TcpServer: max_connections is 18446744073709551615",
       {.max_connections = SIZE_MAX}},
      {"TcpListener: backlog is -1", {.listener = {.listen = {.backlog = -1}}}},
      {"TcpListener: max_accepts_per_iteration is 0",
       {.listener = {.max_accepts_per_iteration = 0}}},
      {"ConnectionOptions: low_water is 11, and must be at most high_water, "
       "which is 10",
       {.connection = {.high_water = 10, .low_water = 11}}},
      {"ConnectionOptions: max_input is 0, and must be at least 1",
       {.connection = {.max_input = 0}}},
      {"ConnectionOptions: idle_timeout is 0, and must be at least 1ns",
       {.connection = {.idle_timeout = absl::ZeroDuration()}}},
      {"ConnectionOptions: idle_timeout is -1s",
       {.connection = {.idle_timeout = -absl::Seconds(1)}}},
      {"ConnectionOptions: idle_timeout is -inf",
       {.connection = {.idle_timeout = -absl::InfiniteDuration()}}},
  };
  for (const auto& bad : kBad) {
    EXPECT_THAT(Start(bad.options), StatusIs(absl::StatusCode::kInvalidArgument,
                                             HasSubstr(bad.message)));
  }
}

TEST_F(TcpServerTest, LimitsMayBeAsLargeOrAsSmallAsTheyGet) {
  const ConnectionOptions kExtremes[] = {
      {.max_input = SIZE_MAX,
       .high_water = UINT64_MAX,
       .low_water = UINT64_MAX,
       .max_output = UINT64_MAX,
       .idle_timeout = absl::InfiniteDuration(),
       .max_handle_bytes = UINT64_MAX},
      {.max_input = 1, .high_water = 0, .low_water = 0, .max_handle_bytes = 0},
      {.idle_timeout = absl::Nanoseconds(INT64_MAX)},
  };
  for (const ConnectionOptions& extreme : kExtremes) {
    SLUICE_ASSERT_OK(Start({.connection = extreme}));
    const Socket client = Connect();
    Send(client, "hello");
    std::string answer;
    EXPECT_TRUE(loop_.RunUntil([&] {
      char buffer[16];
      const IoResult read =
          KernelSockets()->Read(client.fd(), absl::MakeSpan(buffer));
      if (!read.ok()) return false;
      answer.append(buffer, static_cast<size_t>(read.value()));
      return answer == "hello";
    }));
    server_.reset();
    loop_.RunIterations(5);
  }
}

TEST_F(TcpServerTest, ServesConnectionsAndCountsThem) {
  SLUICE_ASSERT_OK(Start());
  const Socket one = Connect(), two = Connect();
  ASSERT_TRUE(RunUntilOpen(2));
  EXPECT_THAT(
      peers_,
      ElementsAre(*KernelSockets()->Address(one.fd(), SocketApi::End::kLocal),
                  *KernelSockets()->Address(two.fd(), SocketApi::End::kLocal)));
  Send(one, "hello");
  Send(two, "hi");
  ASSERT_TRUE(KernelSockets()->ShutdownWrite(one.fd()).ok());
  ASSERT_TRUE(KernelSockets()->ShutdownWrite(two.fd()).ok());
  EXPECT_EQ(ReadAll(one), "hello");
  EXPECT_EQ(ReadAll(two), "hi");
  ASSERT_TRUE(RunUntilOpen(0));
  EXPECT_THAT(events_.closed,
              ElementsAre(CloseReason::kNormal, CloseReason::kNormal));
  EXPECT_EQ(events_.handlers, 0);
  EXPECT_EQ(Stats().accepted, 2u);
  EXPECT_EQ(Stats().bytes_in, 7u);
  EXPECT_EQ(Stats().bytes_out, 7u);
}

TEST_F(TcpServerTest, NoHandlerIsARefusal) {
  SLUICE_ASSERT_OK(Start());
  refuse_ = true;
  const Socket client = Connect();
  EXPECT_EQ(ReadAll(client), "");
  EXPECT_EQ(Stats().refused, 1u);
  EXPECT_EQ(Stats().accepted, 0u);
}

TEST_F(TcpServerTest, WithAllPlacesTakenOthersWaitAndThenAreServed) {
  SLUICE_ASSERT_OK(Start({.max_connections = 2}));
  Socket one = Connect();
  const Socket two = Connect(), three = Connect();
  ASSERT_TRUE(RunUntilOpen(2));
  Send(three, "waiting");
  const uint64_t events = loop_.loop()->stats().events;
  loop_.RunIterations(20);
  EXPECT_EQ(Stats().accepted, 2u);
  EXPECT_EQ(loop_.loop()->stats().events, events);  // the loop does not spin
  one.Close(CloseMode::kGraceful);
  ASSERT_TRUE(loop_.RunUntil([&] { return Stats().accepted == 3; }));
  ASSERT_TRUE(KernelSockets()->ShutdownWrite(three.fd()).ok());
  EXPECT_EQ(ReadAll(three), "waiting");
}

TEST_F(TcpServerTest, PlacesAreUsedAgain) {
  SLUICE_ASSERT_OK(Start());
  for (int i = 0; i < 300; ++i) {
    Socket client = Connect();
    ASSERT_TRUE(RunUntilOpen(1));
    client.Close(i % 2 == 0 ? CloseMode::kGraceful : CloseMode::kReset);
    ASSERT_TRUE(RunUntilOpen(0));
  }
  EXPECT_EQ(events_.closed.size(), 300u);
  EXPECT_EQ(events_.handlers, 0);
}

TEST_F(TcpServerTest, DrainClosesIdleConnectionsAtOnceAndRefusesNewOnes) {
  SLUICE_ASSERT_OK(Start());
  Socket one = Connect(), two = Connect();
  ASSERT_TRUE(RunUntilOpen(2));
  const SocketAddress address = server_->address();
  size_t forced = 99;
  server_->Drain(In(absl::Hours(1)), [&](size_t f) { forced = f; });
  EXPECT_EQ(ReadAll(one), "");
  EXPECT_EQ(ReadAll(two), "");
  one.Close(CloseMode::kGraceful);
  two.Close(CloseMode::kGraceful);
  ASSERT_TRUE(loop_.RunUntil([&] { return forced != 99; }));
  EXPECT_EQ(forced, 0u);
  EXPECT_EQ(events_.draining, 2);
  EXPECT_THAT(events_.closed,
              ElementsAre(CloseReason::kNormal, CloseReason::kNormal));
  const IoResult late = KernelSockets()->StartConnect(address, nullptr);
  if (late.ok()) {
    Socket socket(KernelSockets(), static_cast<int>(late.value()));
    EXPECT_EQ(KernelSockets()->PendingError(socket.fd()).error(), ECONNREFUSED);
  }
}

TEST_F(TcpServerTest, DrainWithoutConnectionsIsDoneAtOnce) {
  SLUICE_ASSERT_OK(Start());
  int done = 0;
  server_->Drain(In(absl::Hours(1)), [&](size_t) { ++done; });
  server_->Drain(In(absl::Hours(1)), [&](size_t) { ++done; });
  loop_.RunIterations(2);
  EXPECT_EQ(done, 2);
  server_->Drain(In(absl::Hours(1)), [&](size_t) { ++done; });
  loop_.RunIterations(2);
  EXPECT_EQ(done, 3);
}

TEST_F(TcpServerTest, DrainForcesOpenConnectionsAtTheDeadline) {
  SLUICE_ASSERT_OK(Start());
  events_.on_draining = [](Stream&) {};  // stays open
  const Socket one = Connect(), two = Connect();
  ASSERT_TRUE(RunUntilOpen(2));
  size_t forced = 99;
  const MonotonicTime deadline = In(absl::Milliseconds(20));
  server_->Drain(deadline, [&](size_t f) { forced = f; });
  Send(one, "still served");
  ASSERT_TRUE(loop_.RunUntil([&] { return forced != 99; }));
  EXPECT_GE(loop_.platform().clock->Now(), deadline);
  EXPECT_EQ(forced, 2u);
  EXPECT_THAT(events_.closed, ElementsAre(CloseReason::kDrainTimeout,
                                          CloseReason::kDrainTimeout));
  EXPECT_THAT(events_.why[0], StatusIs(absl::StatusCode::kDeadlineExceeded));
}

TEST_F(TcpServerTest, ASecondDrainBringsTheDeadlineForwardAndNeverBack) {
  SLUICE_ASSERT_OK(Start());
  events_.on_draining = [](Stream&) {};
  const Socket client = Connect();
  ASSERT_TRUE(RunUntilOpen(1));
  std::vector<size_t> forced;
  const auto done = [&](size_t f) { forced.push_back(f); };
  server_->Drain(In(absl::Hours(2)), done);
  server_->Drain(In(absl::Milliseconds(5)), done);
  server_->Drain(In(absl::Hours(1)), done);
  ASSERT_TRUE(loop_.RunUntil([&] { return forced.size() == 3; }));
  EXPECT_THAT(forced, ElementsAre(1, 1, 1));
  EXPECT_EQ(events_.draining, 1);
}

TEST_F(TcpServerTest, DestructionEndsConnectionsLater) {
  SLUICE_ASSERT_OK(Start());
  const Socket one = Connect(), two = Connect();
  ASSERT_TRUE(RunUntilOpen(2));
  server_.reset();
  EXPECT_THAT(events_.closed, IsEmpty());
  EXPECT_EQ(ReadAll(one), "RST");
  EXPECT_EQ(ReadAll(two), "RST");
  ASSERT_TRUE(loop_.RunUntil([&] { return events_.handlers == 0; }));
  EXPECT_THAT(events_.closed, ElementsAre(CloseReason::kServerDestroyed,
                                          CloseReason::kServerDestroyed));
}

TEST_F(TcpServerTest, DestructionDoesNotAnswerADrain) {
  SLUICE_ASSERT_OK(Start());
  events_.on_draining = [](Stream&) {};
  const Socket client = Connect();
  ASSERT_TRUE(RunUntilOpen(1));
  bool done = false;
  server_->Drain(In(absl::Hours(1)), [&](size_t) { done = true; });
  server_.reset();
  ASSERT_TRUE(loop_.RunUntil([&] { return events_.handlers == 0; }));
  EXPECT_FALSE(done);
}

TEST_F(TcpServerTest, AHandlerMayDestroyTheServer) {
  SLUICE_ASSERT_OK(Start());
  Socket one = Connect();
  const Socket two = Connect();
  ASSERT_TRUE(RunUntilOpen(2));
  events_.on_closed = [this] { server_.reset(); };
  one.Close(CloseMode::kGraceful);
  ASSERT_TRUE(loop_.RunUntil([&] { return events_.handlers == 0; }));
  EXPECT_THAT(events_.closed,
              ElementsAre(CloseReason::kNormal, CloseReason::kServerDestroyed));
}

TEST_F(TcpServerTest, TheDrainsAnswerMayDestroyTheServer) {
  SLUICE_ASSERT_OK(Start());
  server_->Drain(In(absl::Hours(1)), [this](size_t) { server_.reset(); });
  ASSERT_TRUE(loop_.RunUntil([&] { return server_ == nullptr; }));
  loop_.RunIterations(3);
}

TEST_F(TcpServerTest, ALoopThatEndsFirstCallsEveryHandler) {
  SLUICE_ASSERT_OK(Start());
  const Socket client = Connect();
  ASSERT_TRUE(RunUntilOpen(1));
  server_.reset();
  loop_.Destroy();
  EXPECT_THAT(events_.closed, ElementsAre(CloseReason::kServerDestroyed));
  EXPECT_EQ(events_.handlers, 0);
}

TEST_F(TcpServerTest, LeavesNoDescriptorOpen) {
  const int before = LowestFreeDescriptor();
  {
    SLUICE_ASSERT_OK(Start());
    std::vector<Socket> clients;
    for (int i = 0; i < 10; ++i) clients.push_back(Connect());
    ASSERT_TRUE(RunUntilOpen(10));
    server_.reset();
    ASSERT_TRUE(loop_.RunUntil([&] { return events_.handlers == 0; }));
  }
  loop_.RunIterations(3);
  EXPECT_EQ(LowestFreeDescriptor(), before);
}

TEST_F(TcpServerTest, DrainsWhenAskedFromAnotherThread) {
  SLUICE_ASSERT_OK(Start());
  const Socket client = Connect();
  ASSERT_TRUE(RunUntilOpen(1));
  std::thread other([&] {
    server_->Drain(In(absl::Hours(1)), [&](size_t) { loop_.loop()->Stop(); });
  });
  SLUICE_EXPECT_OK(loop_.loop()->Run());
  other.join();
  EXPECT_THAT(events_.closed, ElementsAre(CloseReason::kNormal));
}

// For example, a filter refuses accept4(2), and permits it again later.
TEST(TcpServerAcceptTroubleTest, IsReportedOnceAfterASecondAndWhenItEnds) {
  SimClock clock;
  GatedSockets sockets;
  Platform platform = LinuxPlatform();
  platform.clock = &clock;
  platform.sockets = &sockets;
  const auto loop = NewEventLoop(platform).value();
  const auto iterate = [&](absl::Duration pass) {
    clock.Advance(pass);
    SLUICE_ASSERT_OK(loop->RunOnce(absl::ZeroDuration()));
    SLUICE_ASSERT_OK(loop->RunOnce(absl::ZeroDuration()));
  };
  std::vector<absl::Status> reported;
  auto server = TcpServer::Start(
      &platform, {loop.get()}, SocketAddress::Loopback4(0),
      [](const SocketAddress&) -> std::unique_ptr<StreamHandler> {
        return nullptr;
      },
      {.on_accept_trouble = [&](const absl::Status& status) {
        reported.push_back(status);
      }});
  SLUICE_ASSERT_OK(server);
  const auto connect = [&] {
    return Socket(
        &sockets,
        static_cast<int>(
            sockets.StartConnect((*server)->address(), nullptr).value()));
  };
  for (int round = 1; round <= 2; ++round) {
    reported.clear();
    const uint64_t failures = (*server)->stats()[0].accept_failures;
    sockets.accept_error = EPERM;
    const Socket client = connect();
    for (int i = 0; i < 95; ++i) iterate(absl::Milliseconds(10));
    EXPECT_THAT(reported, IsEmpty());
    EXPECT_GE((*server)->stats()[0].accept_failures, failures + 5);
    for (int i = 0; i < 1000; ++i) iterate(absl::Milliseconds(10));
    EXPECT_THAT(
        reported,
        ElementsAre(StatusIs(
            absl::StatusCode::kPermissionDenied,
            HasSubstr("accept on " + (*server)->address().ToString()))));
    sockets.accept_error = 0;
    for (int i = 0; i < 90; ++i) iterate(absl::Milliseconds(10));
    EXPECT_EQ(reported.size(), 1u);
    // One call succeeds, then more fail: this is one trouble, reported once.
    sockets.accept_error = EPERM;
    const Socket another = connect();
    for (int i = 0; i < 100; ++i) iterate(absl::Milliseconds(10));
    EXPECT_EQ(reported.size(), 1u);
    sockets.accept_error = 0;
    for (int i = 0; i < 200; ++i) iterate(absl::Milliseconds(10));
    EXPECT_EQ(reported.size(), 2u);
    EXPECT_THAT(reported.back(), IsOk());
    EXPECT_EQ((*server)->stats()[0].refused, static_cast<uint64_t>(2 * round));
  }
  server->reset();
  iterate(absl::ZeroDuration());
}

}  // namespace
}  // namespace sluice
