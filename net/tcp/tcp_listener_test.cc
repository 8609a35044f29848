#include "sluice/net/tcp/tcp_listener.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/io_result.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/net/socket/kernel_sockets.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/transport/test_loop.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;

class TcpListenerTest : public ::testing::Test {
 protected:
  absl::Status Listen(const SocketAddress& address,
                      TcpListener::Options options = {}) {
    auto listener = TcpListener::Listen(
        &loop_.platform(), loop_.loop(), address, options,
        [this](Socket socket, const SocketAddress& peer) {
          accepted_.push_back(std::move(socket));
          peers_.push_back(peer);
          if (on_accept_) on_accept_();
        },
        [this](const absl::Status& error) { failures_.push_back(error); });
    if (!listener.ok()) return listener.status();
    listener_ = *std::move(listener);
    return absl::OkStatus();
  }
  // Returns a client's socket, connected or connecting.
  Socket Connect() {
    const IoResult fd =
        KernelSockets()->StartConnect(listener_->address(), nullptr);
    EXPECT_TRUE(fd.ok()) << fd.error();
    return Socket(KernelSockets(), static_cast<int>(fd.value()));
  }
  bool RunUntilAccepted(size_t count) {
    return loop_.RunUntil([&] { return accepted_.size() >= count; });
  }

  TestLoop loop_;
  std::vector<Socket> accepted_;
  std::vector<SocketAddress> peers_;
  std::vector<absl::Status> failures_;
  std::function<void()> on_accept_;
  std::unique_ptr<TcpListener> listener_;
};

TEST_F(TcpListenerTest, ResolvesPortZeroAndReportsThePeer) {
  SLUICE_ASSERT_OK(Listen(SocketAddress::Loopback4(0)));
  EXPECT_NE(listener_->address().port(), 0);
  const Socket client = Connect();
  ASSERT_TRUE(RunUntilAccepted(1));
  EXPECT_EQ(peers_[0],
            *KernelSockets()->Address(client.fd(), SocketApi::End::kLocal));
}

TEST_F(TcpListenerTest, ABusyAddressIsAnErrorThatNamesIt) {
  SLUICE_ASSERT_OK(Listen(SocketAddress::Loopback4(0)));
  EXPECT_THAT(
      TcpListener::Listen(&loop_.platform(), loop_.loop(), listener_->address(),
                          {}, [](Socket, const SocketAddress&) {}),
      StatusIs(absl::StatusCode::kFailedPrecondition,
               HasSubstr(listener_->address().ToString())));
}

TEST_F(TcpListenerTest, RefusesEachOptionOutOfRange) {
  const struct {
    const char* message;
    TcpListener::Options options;
  } kBad[] = {
      {"backlog is -1, and must be at least 0", {.listen = {.backlog = -1}}},
      {"backlog is -2147483648", {.listen = {.backlog = INT_MIN}}},
      {"max_accepts_per_iteration is 0, and must be at least 1",
       {.max_accepts_per_iteration = 0}},
  };
  for (const auto& bad : kBad) {
    EXPECT_THAT(
        Listen(SocketAddress::Loopback4(0), bad.options),
        StatusIs(absl::StatusCode::kInvalidArgument,
                 HasSubstr(absl::StrCat("TcpListener: ", bad.message))));
  }
}

TEST_F(TcpListenerTest, LimitsMayBeAsLargeAsTheyGet) {
  SLUICE_ASSERT_OK(Listen(
      SocketAddress::Loopback4(0),
      {.listen = {.backlog = INT_MAX}, .max_accepts_per_iteration = SIZE_MAX}));
  const Socket client = Connect();
  EXPECT_TRUE(RunUntilAccepted(1));
}

TEST_F(TcpListenerTest, AcceptsManyInFewIterations) {
  SLUICE_ASSERT_OK(Listen(SocketAddress::Loopback4(0)));
  std::vector<Socket> clients;
  for (int i = 0; i < 200; ++i) clients.push_back(Connect());
  int iterations = 0;
  ASSERT_TRUE(loop_.RunUntil([&] {
    ++iterations;
    return accepted_.size() == clients.size();
  }));
  EXPECT_LT(iterations, 30);
}

TEST_F(TcpListenerTest, AcceptsNoMoreThanItsBoundPerIteration) {
  SLUICE_ASSERT_OK(
      Listen(SocketAddress::Loopback4(0), {.max_accepts_per_iteration = 2}));
  std::vector<Socket> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(Connect());
  size_t before = 0;
  ASSERT_TRUE(loop_.RunUntil([&] {
    EXPECT_LE(accepted_.size() - before, 2u);
    before = accepted_.size();
    return accepted_.size() == clients.size();
  }));
}

TEST_F(TcpListenerTest, PausedItLeavesConnectionsInTheBacklogWithoutSpinning) {
  SLUICE_ASSERT_OK(Listen(SocketAddress::Loopback4(0)));
  listener_->Pause();
  listener_->Pause();
  const Socket client = Connect();
  const uint64_t events = loop_.loop()->stats().events;
  loop_.RunIterations(20);
  EXPECT_TRUE(accepted_.empty());
  EXPECT_EQ(loop_.loop()->stats().events, events);
  listener_->Resume();
  listener_->Resume();
  EXPECT_TRUE(RunUntilAccepted(1));
}

TEST_F(TcpListenerTest, PausedInsideItsCallbackItTakesNoMore) {
  SLUICE_ASSERT_OK(Listen(SocketAddress::Loopback4(0)));
  on_accept_ = [this] { listener_->Pause(); };
  std::vector<Socket> clients;
  for (int i = 0; i < 5; ++i) clients.push_back(Connect());
  ASSERT_TRUE(RunUntilAccepted(1));
  loop_.RunIterations(10);
  EXPECT_EQ(accepted_.size(), 1u);
}

TEST_F(TcpListenerTest, AcceptsItsBacklogInsideOneCall) {
  SLUICE_ASSERT_OK(
      Listen(SocketAddress::Loopback4(0), {.max_accepts_per_iteration = 2}));
  std::vector<Socket> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(Connect());
  listener_->AcceptBacklog();
  EXPECT_EQ(accepted_.size(), 20u);
  listener_->AcceptBacklog();
  EXPECT_EQ(accepted_.size(), 20u);
}

TEST_F(TcpListenerTest, AcceptsNoMoreOfItsBacklogThanFitsIntoIt) {
  SLUICE_ASSERT_OK(
      Listen(SocketAddress::Loopback4(0), {.listen = {.backlog = 3}}));
  std::vector<Socket> clients;
  for (int i = 0; i < 4; ++i) clients.push_back(Connect());
  // More clients connect as fast as they are accepted.
  on_accept_ = [&] {
    if (clients.size() < 100) clients.push_back(Connect());
  };
  listener_->AcceptBacklog();
  EXPECT_EQ(accepted_.size(), 4u);
}

TEST_F(TcpListenerTest, TheCallbackMayPauseAndDestroyInTheMidstOfTheBacklog) {
  SLUICE_ASSERT_OK(Listen(SocketAddress::Loopback4(0)));
  std::vector<Socket> clients;
  for (int i = 0; i < 10; ++i) clients.push_back(Connect());
  on_accept_ = [&] { listener_->Pause(); };
  listener_->AcceptBacklog();
  EXPECT_EQ(accepted_.size(), 1u);
  listener_->AcceptBacklog();
  EXPECT_EQ(accepted_.size(), 1u);
  listener_->Resume();
  on_accept_ = [&] { listener_.reset(); };
  listener_->AcceptBacklog();
  EXPECT_EQ(accepted_.size(), 2u);
}

TEST_F(TcpListenerTest, ItsCallbackMayDestroyIt) {
  SLUICE_ASSERT_OK(Listen(SocketAddress::Loopback4(0)));
  on_accept_ = [this] { listener_.reset(); };
  const Socket one = Connect(), two = Connect();
  ASSERT_TRUE(RunUntilAccepted(1));
  loop_.RunIterations(5);
  EXPECT_EQ(accepted_.size(), 1u);
}

TEST_F(TcpListenerTest, ItsCallbackOutlivesTheListenerThatItDestroys) {
  auto alive = std::make_shared<int>(7);
  int after = 0;
  auto listener = TcpListener::Listen(&loop_.platform(), loop_.loop(),
                                      SocketAddress::Loopback4(0), {},
                                      [&, alive](Socket, const SocketAddress&) {
                                        listener_.reset();
                                        after = *alive;
                                      });
  SLUICE_ASSERT_OK(listener);
  listener_ = *std::move(listener);
  const Socket client = Connect();
  ASSERT_TRUE(loop_.RunUntil([&] { return listener_ == nullptr; }));
  EXPECT_EQ(after, 7);
  EXPECT_EQ(alive.use_count(), 1);
}

// Lowers the limit so that no descriptor can be opened, and then lifts it.
TEST_F(TcpListenerTest, OutOfDescriptorsItBacksOffAndComesBack) {
  SLUICE_ASSERT_OK(Listen(SocketAddress::Loopback4(0)));
  const Socket client = Connect();
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none = {1, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const Clock& clock = *loop_.platform().clock;
  const MonotonicTime start = clock.Now();
  uint64_t events = loop_.loop()->stats().events;
  const bool waited = loop_.RunUntil(
      [&] { return clock.Now() - start > absl::Milliseconds(200); });
  events = loop_.loop()->stats().events - events;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(waited);
  EXPECT_TRUE(accepted_.empty());
  // The pauses are 1, 2, 4 ms and so on: exactly eight tries in 200 ms.
  EXPECT_LE(events, 8u);
  EXPECT_EQ(failures_.size(), events);
  EXPECT_THAT(failures_,
              Each(StatusIs(absl::StatusCode::kResourceExhausted,
                            HasSubstr(listener_->address().ToString()))));
  const MonotonicTime freed = clock.Now();
  ASSERT_TRUE(RunUntilAccepted(1));
  EXPECT_LT(clock.Now() - freed, absl::Seconds(1));
  // The first pause is 1 ms again.
  const Socket another = Connect();
  ASSERT_TRUE(RunUntilAccepted(2));
}

TEST_F(TcpListenerTest, RemovesItsUnixSocketFile) {
  // Uses a relative path: the path of the folder may be too long for the
  // system.
  ASSERT_EQ(chdir(::testing::TempDir().c_str()), 0);
  const std::string path = "listener.sock";
  const auto address = SocketAddress::Parse("unix:" + path);
  SLUICE_ASSERT_OK(address);
  SLUICE_ASSERT_OK(Listen(*address));
  EXPECT_EQ(access(path.c_str(), F_OK), 0);
  const Socket client = Connect();
  EXPECT_TRUE(RunUntilAccepted(1));
  listener_.reset();
  EXPECT_NE(access(path.c_str(), F_OK), 0);
}

TEST_F(TcpListenerTest, LeavesNoDescriptorOpen) {
  const int before = dup(0);
  close(before);
  SLUICE_ASSERT_OK(Listen(SocketAddress::Loopback4(0)));
  listener_.reset();
  const int after = dup(0);
  close(after);
  EXPECT_EQ(before, after);
}

}  // namespace
}  // namespace sluice
