// Tests CloseAfterFlush(): the answer arrives whole, whatever the peer does,
// and the stream ends in time.

#include <cstddef>
#include <string>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "sluice/net/close_reason.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/stream.h"
#include "sluice/net/tcp/tcp_connection.h"
#include "sluice/net/tcp/tcp_connection_test_base.h"
#include "sluice/net/transport/test_peer.h"

namespace sluice {
namespace {

INSTANTIATE_TEST_SUITE_P(Over, TcpConnectionTest, TransportKinds(),
                         ::testing::PrintToStringParamName());

TEST_P(TcpConnectionTest, ThePeersFinEndsALinger) {
  auto link = ConnectAndOpen();
  link->connection->Write("bye");
  link->connection->CloseAfterFlush();
  ASSERT_TRUE(link->UntilPeerIsClosed());
  EXPECT_TRUE(link->peer.ended());
  EXPECT_EQ(link->peer.received(), "bye");
  RunIterations();
  EXPECT_FALSE(link->handler.closed());
  link->peer.ShutdownWrite();
  ASSERT_TRUE(link->UntilClosed());
  EXPECT_EQ(link->handler.reason, CloseReason::kNormal);
  EXPECT_EQ(link->handler.count(Callback::kInputEnd), 0);
}

// Without a linger, the input that nobody reads would cause a reset, which
// destroys answers that the peer has not read.
TEST_P(TcpConnectionTest, APeerThatGoesOnSendingGetsTheWholeAnswer) {
  auto link = ConnectAndOpen({}, kSmallBuffers);
  const std::string& bytes = ManyBytes();
  link->connection->Write(bytes);
  link->connection->CloseAfterFlush();
  ASSERT_TRUE(link->Until([&] {
    link->peer.Send("more and more input");
    link->peer.Receive(1000);
    return link->peer.closed();
  }));
  EXPECT_TRUE(link->peer.ended());
  EXPECT_EQ(link->peer.error(), 0);
  EXPECT_TRUE(link->peer.received() == bytes);
  EXPECT_EQ(link->handler.count(Callback::kInput), 0);
  EXPECT_FALSE(link->handler.closed());
  clock_.Advance(Stream::kDefaultLinger);
  ASSERT_TRUE(link->UntilClosed());
  EXPECT_EQ(link->handler.reason, CloseReason::kNormal);
}

TEST_P(TcpConnectionTest, TheLingerBeginsWithTheFin) {
  auto link = ConnectAndOpen({}, kSmallBuffers);
  link->connection->Write(ManyBytes());
  link->connection->CloseAfterFlush(absl::Seconds(3));
  RunIterations();
  clock_.Advance(absl::Minutes(1));
  RunIterations();
  EXPECT_FALSE(link->handler.closed());
  ASSERT_TRUE(link->UntilPeerIsClosed());
  RunIterations();
  EXPECT_FALSE(link->handler.closed());
  clock_.Advance(absl::Milliseconds(2999));
  RunIterations();
  EXPECT_FALSE(link->handler.closed());
  clock_.Advance(absl::Milliseconds(2));
  ASSERT_TRUE(link->UntilClosed());
  EXPECT_EQ(link->handler.reason, CloseReason::kNormal);
}

TEST_P(TcpConnectionTest, WithoutALingerItEndsWhenAllIsSent) {
  auto link = ConnectAndOpen({}, kSmallBuffers);
  link->connection->Write(ManyBytes());
  link->connection->CloseAfterFlush(absl::ZeroDuration());
  RunIterations();
  EXPECT_FALSE(link->handler.closed());
  ASSERT_TRUE(link->Until([&] {
    link->peer.Receive();
    return link->handler.closed();
  }));
  EXPECT_EQ(link->handler.reason, CloseReason::kNormal);
  ASSERT_TRUE(link->UntilPeerIsClosed());
  EXPECT_TRUE(link->peer.received() == ManyBytes());
}

// The natural server: "quit", with another request behind it.
TEST_P(TcpConnectionTest, PausingAfterCloseAfterFlushDoesNotKeepTheStream) {
  auto link = ConnectAndOpen();
  link->handler.on_input = [](Stream& stream, absl::string_view input) {
    stream.CloseAfterFlush();
    if (stream.Write("answer") != kOk) {
      stream.PauseReading();
    }
    return input.size();
  };
  ASSERT_TRUE(link->PeerSends("quit\n"));
  ASSERT_TRUE(link->Until([&] { return !link->handler.input.empty(); }));
  ASSERT_TRUE(link->PeerSends("get x\n"));
  link->peer.ShutdownWrite();
  ASSERT_TRUE(link->UntilClosed());
  EXPECT_EQ(link->handler.reason, CloseReason::kNormal);
  EXPECT_EQ(link->handler.input, "quit\n");
}

TEST_P(TcpConnectionTest, ItEndsAPauseAndDropsKeptInput) {
  auto link = ConnectAndOpen();
  link->handler.on_input = [](Stream& stream, absl::string_view) {
    stream.PauseReading();
    return size_t{0};
  };
  ASSERT_TRUE(link->PeerSends("kept"));
  ASSERT_TRUE(link->Until([&] { return link->handler.offered.size() == 1; }));
  ASSERT_TRUE(link->PeerSends(TestPattern(100'000)));
  link->peer.ShutdownWrite();
  link->connection->CloseAfterFlush();
  ASSERT_TRUE(link->UntilClosed());
  EXPECT_EQ(link->handler.reason, CloseReason::kNormal);
  EXPECT_EQ(link->handler.offered.size(), 1u);
}

TEST_P(TcpConnectionTest, BeforeOnOpenItSendsAndEndsWithoutOnOpen) {
  auto link = Connect();
  link->connection->Write("no");
  link->connection->CloseAfterFlush();
  link->peer.ShutdownWrite();
  ASSERT_TRUE(link->UntilClosed());
  EXPECT_EQ(link->handler.reason, CloseReason::kNormal);
  EXPECT_EQ(link->handler.count(Callback::kOpen), 0);
  ASSERT_TRUE(link->UntilPeerIsClosed());
  EXPECT_EQ(link->peer.received(), "no");
}

TEST_P(TcpConnectionTest, ItReplacesAHalfCloseAndATimeout) {
  auto link = ConnectAndOpen();
  link->connection->SetTimeout(absl::Seconds(1));
  link->connection->ShutdownWrite();
  RunIterations();
  link->connection->CloseAfterFlush(absl::Seconds(5));
  link->connection->SetTimeout(absl::Seconds(1));
  RunIterations();
  clock_.Advance(absl::Seconds(4));
  RunIterations();
  EXPECT_FALSE(link->handler.closed());
  clock_.Advance(absl::Seconds(2));
  ASSERT_TRUE(link->UntilClosed());
  EXPECT_EQ(link->handler.count(Callback::kTimeout), 0);
}

TEST_P(TcpConnectionTest, APeerThatDoesNotReadEndsItByTheIdleTimeout) {
  auto link =
      ConnectAndOpen({.idle_timeout = absl::Seconds(10)}, kSmallBuffers);
  link->connection->Write(ManyBytes());
  link->connection->CloseAfterFlush();
  AdvanceUntil(
      [&] {
        link->peer.Send("input does not count");
        return link->handler.closed();
      },
      absl::Milliseconds(500), absl::Minutes(1));
  ASSERT_TRUE(link->handler.closed());
  EXPECT_EQ(link->handler.reason, CloseReason::kIdleTimeout);
}

TEST_P(TcpConnectionTest, APeersResetEndsALingerNormally) {
  auto link = ConnectAndOpen();
  link->connection->CloseAfterFlush(absl::Hours(1));
  ASSERT_TRUE(link->UntilPeerIsClosed());
  link->peer.Close(CloseMode::kReset);
  ASSERT_TRUE(link->UntilClosed());
  EXPECT_EQ(link->handler.reason, CloseReason::kNormal);
}

TEST_P(TcpConnectionTest, ADrainsDeadlineEndsALingerNormally) {
  auto link = ConnectAndOpen();
  link->connection->CloseAfterFlush(absl::Hours(1));
  RunIterations();
  EXPECT_FALSE(link->connection->Close(Why(), CloseReason::kDrainTimeout));
  ASSERT_TRUE(link->UntilClosed());
  EXPECT_EQ(link->handler.reason, CloseReason::kNormal);
}

}  // namespace
}  // namespace sluice
