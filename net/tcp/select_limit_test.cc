// Connections and connectors report descriptors that select(2) cannot watch.

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/select.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/event/event_loop.h"
#include "sluice/event/poller/poller_kind.h"
#include "sluice/net/close_reason.h"
#include "sluice/net/socket/kernel_sockets.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/stream.h"
#include "sluice/net/tcp/tcp_connection.h"
#include "sluice/net/tcp/tcp_connector.h"
#include "sluice/net/transport/linux_platform.h"
#include "sluice/net/transport/platform.h"
#include "sluice/net/transport/test_peer.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;

class Recorder final : public StreamHandler {
 public:
  size_t OnInput(Stream&, absl::string_view input) override {
    return input.size();
  }
  void OnClosed(Stream&, absl::Status status, CloseReason) override {
    why = std::move(status);
  }

  std::optional<absl::Status> why;
};

// Descriptors that select(2) cannot watch.
class SelectLimitTest : public ::testing::Test {
 protected:
  void SetUp() override {
    rlimit limit;
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_max < FD_SETSIZE + 64) {
      GTEST_SKIP() << "RLIMIT_NOFILE is " << limit.rlim_max;
    }
  }
  Socket MoveBeyondTheLimit(Socket socket) {
    const int fd = fcntl(socket.fd(), F_DUPFD_CLOEXEC, FD_SETSIZE);
    EXPECT_GE(fd, FD_SETSIZE);
    return Socket(KernelSockets(), fd);
  }

  const Platform platform_ = LinuxPlatform(PollerKind::kSelect);
  const std::unique_ptr<EventLoop> loop_ = *NewEventLoop(platform_);
};

TEST_F(SelectLimitTest, AConnectionsHandlerGetsTheError) {
  auto [ours, peers] = NewSocketPair(loop_.get(), KernelSockets());
  ConnectionContext context(loop_.get(), {});
  Recorder handler;
  TcpConnection connection(
      &context,
      platform_.new_transport(loop_.get(), MoveBeyondTheLimit(std::move(ours))),
      &handler);
  ASSERT_TRUE(RunUntil(loop_.get(), [&] { return handler.why.has_value(); }));
  EXPECT_THAT(*handler.why, StatusIs(absl::StatusCode::kResourceExhausted,
                                     HasSubstr("(FD_SETSIZE)")));
}

TEST_F(SelectLimitTest, AConnectorReturnsTheError) {
  const Socket listening(KernelSockets(), *KernelSockets()->Listen(
                                              SocketAddress::Loopback4(0), {}));
  std::vector<Socket> below;
  do {
    below.emplace_back(KernelSockets(),
                       fcntl(listening.fd(), F_DUPFD_CLOEXEC, 0));
    ASSERT_GE(below.back().fd(), 0);
  } while (below.back().fd() < FD_SETSIZE - 1);
  std::optional<absl::Status> status;
  TcpConnector connector(
      &platform_, loop_.get(),
      *KernelSockets()->Address(listening.fd(), SocketApi::End::kLocal), {},
      [&](absl::StatusOr<Socket> socket) { status = socket.status(); });
  ASSERT_TRUE(RunUntil(loop_.get(), [&] { return status.has_value(); }));
  EXPECT_THAT(*status, StatusIs(absl::StatusCode::kResourceExhausted,
                                HasSubstr("(FD_SETSIZE)")));
}

}  // namespace
}  // namespace sluice
