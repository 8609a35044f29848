#include "sluice/net/tcp/tcp_connector.h"

#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
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

namespace sluice {
namespace {

using ::testing::HasSubstr;

class TcpConnectorTest : public ::testing::Test {
 protected:
  void StartListening(int backlog = 16) {
    const auto fd = KernelSockets()->Listen(SocketAddress::Loopback4(0),
                                            {.backlog = backlog});
    SLUICE_ASSERT_OK(fd);
    listening_ = Socket(KernelSockets(), *fd);
    address_ = *KernelSockets()->Address(*fd, SocketApi::End::kLocal);
  }
  void Connect(TcpConnector::Options options = {}) {
    connector_ = std::make_unique<TcpConnector>(
        &loop_.platform(), loop_.loop(), address_, options,
        [this](absl::StatusOr<Socket> socket) {
          EXPECT_FALSE(result_.has_value()) << "called twice";
          result_ = std::move(socket);
        });
    EXPECT_FALSE(result_.has_value()) << "called inside the constructor";
  }
  bool RunUntilDone() {
    return loop_.RunUntil([this] { return result_.has_value(); });
  }

  TestLoop loop_;
  SocketAddress address_;
  Socket listening_;
  std::unique_ptr<TcpConnector> connector_;
  std::optional<absl::StatusOr<Socket>> result_;
};

TEST_F(TcpConnectorTest, GivesAConnectedSocket) {
  StartListening();
  Connect();
  ASSERT_TRUE(RunUntilDone());
  SLUICE_ASSERT_OK(*result_);
  EXPECT_EQ(*KernelSockets()->Address((*result_)->fd(), SocketApi::End::kPeer),
            address_);
  loop_.RunIterations(5);
}

TEST_F(TcpConnectorTest, RefusalNamesThePeer) {
  StartListening();
  listening_ = Socket();
  Connect();
  ASSERT_TRUE(RunUntilDone());
  EXPECT_THAT(result_->status(),
              StatusIs(absl::StatusCode::kUnavailable,
                       HasSubstr("connect on " + address_.ToString() +
                                 ": Connection refused")));
}

TEST_F(TcpConnectorTest, AnErrorKnownAtOnceComesLaterAllTheSame) {
  address_ = *SocketAddress::Parse("unix:/nonexistent/socket");
  Connect();
  ASSERT_TRUE(RunUntilDone());
  EXPECT_THAT(result_->status(), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(TcpConnectorTest, ConnectsFromTheGivenAddress) {
  StartListening();
  Connect({.local = *SocketAddress::Parse("127.0.0.7:0")});
  ASSERT_TRUE(RunUntilDone());
  SLUICE_ASSERT_OK(*result_);
  EXPECT_THAT(KernelSockets()
                  ->Address((*result_)->fd(), SocketApi::End::kLocal)
                  ->ToString(),
              ::testing::StartsWith("127.0.0.7:"));
}

// A socket that connects to its own address becomes its own peer, see tcp(7).
// The kernel may choose that port for a client of a local server that is gone.
TEST_F(TcpConnectorTest, ASocketThatConnectsToItselfIsRefused) {
  StartListening();
  listening_ = Socket();
  Connect({.local = address_});
  ASSERT_TRUE(RunUntilDone());
  EXPECT_THAT(result_->status(),
              StatusIs(absl::StatusCode::kUnavailable,
                       HasSubstr("connect on " + address_.ToString() +
                                 ": Connection refused")));
  // A server that starts now can use the port.
  SLUICE_EXPECT_OK(KernelSockets()->Listen(address_, {}));
}

TEST_F(TcpConnectorTest, ASocketThatConnectsToItselfByAnyAddressIsRefused) {
  StartListening();
  listening_ = Socket();
  const SocketAddress own = address_;
  address_ = *SocketAddress::Parse(absl::StrCat("0.0.0.0:", own.port()));
  Connect({.local = own});
  ASSERT_TRUE(RunUntilDone());
  EXPECT_THAT(result_->status(), StatusIs(absl::StatusCode::kUnavailable,
                                          HasSubstr("Connection refused")));
}

// With a full backlog, a SYN gets no answer.
class UnansweredTcpConnectorTest : public TcpConnectorTest {
 protected:
  UnansweredTcpConnectorTest() {
    StartListening(/*backlog=*/0);
    for (int i = 0; i < 4; ++i) {
      const IoResult fd = KernelSockets()->StartConnect(address_, nullptr);
      EXPECT_TRUE(fd.ok());
      fill_.emplace_back(KernelSockets(), static_cast<int>(fd.value()));
    }
  }

  std::vector<Socket> fill_;
};

TEST_F(UnansweredTcpConnectorTest, ThePeersSilenceEndsAtTheTimeout) {
  const MonotonicTime start = loop_.platform().clock->Now();
  Connect({.timeout = absl::Milliseconds(20)});
  ASSERT_TRUE(RunUntilDone());
  EXPECT_THAT(result_->status(), StatusIs(absl::StatusCode::kDeadlineExceeded,
                                          HasSubstr("no answer within 20ms")));
  EXPECT_GE(loop_.platform().clock->Now() - start, absl::Milliseconds(20));
}

TEST_F(UnansweredTcpConnectorTest, ATimeoutThatIsNotPositiveHasPassed) {
  for (const absl::Duration timeout :
       {absl::ZeroDuration(), -absl::Seconds(1), -absl::InfiniteDuration()}) {
    result_.reset();
    Connect({.timeout = timeout});
    ASSERT_TRUE(RunUntilDone());
    EXPECT_THAT(result_->status(),
                StatusIs(absl::StatusCode::kDeadlineExceeded));
  }
}

TEST_F(TcpConnectorTest, TheTimeoutMayBeInfinite) {
  StartListening();
  for (const absl::Duration timeout :
       {absl::InfiniteDuration(), absl::Hours(24 * 365 * 1000)}) {
    result_.reset();
    Connect({.timeout = timeout});
    ASSERT_TRUE(RunUntilDone());
    SLUICE_EXPECT_OK(*result_);
  }
}

TEST_F(TcpConnectorTest, DestructionCancels) {
  StartListening();
  Connect();
  connector_.reset();
  loop_.RunIterations(10);
  EXPECT_FALSE(result_.has_value());
}

TEST_F(TcpConnectorTest, ItsCallbackMayDestroyIt) {
  StartListening();
  bool done = false;
  connector_ = std::make_unique<TcpConnector>(
      &loop_.platform(), loop_.loop(), address_, TcpConnector::Options{},
      [&](absl::StatusOr<Socket> socket) {
        connector_.reset();
        SLUICE_EXPECT_OK(socket);
        done = true;
      });
  EXPECT_TRUE(loop_.RunUntil([&] { return done; }));
}

}  // namespace
}  // namespace sluice
