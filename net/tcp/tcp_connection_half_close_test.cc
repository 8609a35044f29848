#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
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

TEST_P(TcpConnectionTest, SendsForLongAfterThePeersFin) {
  auto link = ConnectAndOpen({}, kSmallBuffers);
  link->handler.on_input_end = [](Stream&) {};
  link->peer.ShutdownWrite();
  ASSERT_TRUE(link->Until(
      [&] { return link->handler.count(Callback::kInputEnd) == 1; }));
  const std::string& bytes = ManyBytes();
  for (int i = 0; i < 2; ++i) {
    link->connection->Write(bytes);
    ASSERT_TRUE(link->Until([&] {
      link->peer.Receive();
      return link->connection->pending_output() == 0;
    }));
    RunIterations();
    EXPECT_FALSE(link->handler.closed());
  }
  link->connection->ShutdownWrite();
  EXPECT_FALSE(link->handler.closed());
  ASSERT_TRUE(link->UntilClosed());
  EXPECT_EQ(link->handler.reason, CloseReason::kNormal);
  ASSERT_TRUE(link->UntilPeerIsClosed());
  EXPECT_TRUE(link->peer.ended());
  EXPECT_TRUE(link->peer.received() == bytes + bytes);
}

TEST_P(TcpConnectionTest, AfterBothHalfClosesOutputIsStillSent) {
  auto link = ConnectAndOpen({}, kSmallBuffers);
  link->handler.on_input_end = [](Stream&) {};
  link->peer.ShutdownWrite();
  ASSERT_TRUE(link->Until(
      [&] { return link->handler.count(Callback::kInputEnd) == 1; }));
  const std::string& bytes = ManyBytes();
  link->connection->Write(bytes);
  link->connection->ShutdownWrite();
  RunIterations();
  EXPECT_FALSE(link->handler.closed());
  ASSERT_TRUE(link->UntilPeerIsClosed());
  EXPECT_TRUE(link->peer.ended());
  EXPECT_TRUE(link->peer.received() == bytes);
  ASSERT_TRUE(link->UntilClosed());
  EXPECT_EQ(link->handler.reason, CloseReason::kNormal);
}

TEST_P(TcpConnectionTest, ReceivesForLongAfterShutdownWrite) {
  auto link = ConnectAndOpen({}, kSmallBuffers);
  link->connection->ShutdownWrite();
  ASSERT_TRUE(link->UntilPeerIsClosed());
  const std::string& bytes = ManyBytes();
  ASSERT_TRUE(link->PeerSends(bytes));
  ASSERT_TRUE(
      link->Until([&] { return link->handler.input.size() >= bytes.size(); }));
  RunIterations();
  EXPECT_FALSE(link->handler.closed());
  link->peer.ShutdownWrite();
  ASSERT_TRUE(link->UntilClosed());
  EXPECT_EQ(link->handler.reason, CloseReason::kNormal);
  EXPECT_TRUE(link->handler.input == bytes);
}

TEST_P(TcpConnectionTest, BothEndsMayHalfCloseAtOnce) {
  auto link = ConnectAndOpen();
  link->connection->Write("a");
  link->connection->ShutdownWrite();
  ASSERT_TRUE(link->PeerSends("b"));
  link->peer.ShutdownWrite();
  ASSERT_TRUE(link->UntilClosed());
  EXPECT_EQ(link->handler.reason, CloseReason::kNormal);
  EXPECT_EQ(link->handler.input, "b");
  ASSERT_TRUE(link->UntilPeerIsClosed());
  EXPECT_TRUE(link->peer.ended());
  EXPECT_EQ(link->peer.received(), "a");
}

TEST_P(TcpConnectionTest, AMessageWithFinBehindItIsEchoedWhole) {
  for (int i = 0; i < 1000; ++i) {
    auto link = Connect();
    link->handler.on_input = [](Stream& stream, absl::string_view input) {
      stream.Write(input);
      return input.size();
    };
    ASSERT_TRUE(link->PeerSends("message"));
    link->peer.ShutdownWrite();
    ASSERT_TRUE(link->UntilPeerIsClosed());
    ASSERT_TRUE(link->peer.ended());
    ASSERT_EQ(link->peer.received(), "message");
    ASSERT_TRUE(link->UntilClosed());
    ASSERT_EQ(link->handler.reason, CloseReason::kNormal);
  }
}

enum class Order { kWeFirst, kPeerFirst, kBothAtOnce };

TEST_P(TcpConnectionTest, AllBytesArriveInEachOrderOfHalfCloses) {
  const std::string& bytes = ManyBytes();
  for (const Order order :
       {Order::kWeFirst, Order::kPeerFirst, Order::kBothAtOnce}) {
    SCOPED_TRACE(static_cast<int>(order));
    // The peer sends all before it reads.
    auto link = ConnectAndOpen({.back_pressure = false}, kSmallBuffers);
    link->handler.on_input_end = [&](Stream& stream) {
      if (order == Order::kPeerFirst) stream.ShutdownWrite();
    };
    // More than the kernel holds, so that both sides have unsent bytes.
    link->connection->Write(bytes);
    if (order != Order::kPeerFirst) link->connection->ShutdownWrite();
    size_t sent = 0;
    bool finished = false;
    const auto exchange = [&] {
      if (sent < bytes.size()) {
        sent += link->peer.Send(absl::string_view(bytes).substr(sent));
      } else if (!std::exchange(finished, true)) {
        link->peer.ShutdownWrite();
      }
    };
    if (order == Order::kWeFirst) {
      // The peer half-closes when it has received all bytes.
      ASSERT_TRUE(link->Until([&] {
        if (sent < bytes.size()) exchange();
        link->peer.Receive();
        return link->peer.ended() && sent == bytes.size();
      }));
      EXPECT_FALSE(link->handler.closed());
    }
    ASSERT_TRUE(link->Until([&] {
      exchange();
      if (order != Order::kPeerFirst || finished) link->peer.Receive(50'000);
      return link->peer.ended() && link->handler.closed();
    }));
    EXPECT_EQ(link->handler.reason, CloseReason::kNormal);
    EXPECT_EQ(link->handler.count(Callback::kInputEnd), 1);
    EXPECT_TRUE(link->peer.received() == bytes);
    EXPECT_TRUE(link->handler.input == bytes);
  }
}

TEST_P(TcpConnectionTest, UnreadInputIsReadBeforeTheStreamIsDone) {
  for (const bool kept : {false, true}) {  // in the stream or in the kernel
    auto link = ConnectAndOpen();
    link->handler.on_input = [](Stream& stream, absl::string_view) {
      stream.PauseReading();
      return size_t{0};
    };
    if (!kept) link->connection->PauseReading();
    ASSERT_TRUE(link->PeerSends("unread"));
    link->peer.ShutdownWrite();
    if (kept) {
      ASSERT_TRUE(
          link->Until([&] { return link->handler.offered.size() == 1; }));
    }
    link->connection->Write("answer");
    link->connection->ShutdownWrite();
    ASSERT_TRUE(link->UntilPeerIsClosed());
    EXPECT_TRUE(link->peer.ended());
    EXPECT_EQ(link->peer.received(), "answer");
    // Both ends have sent FIN. The poller reports this for a stream that is not
    // reading: once, not in every iteration.
    RunIterations();
    const uint64_t events = loop_->stats().events;
    RunIterations(100);
    EXPECT_LE(loop_->stats().events - events, 1u);
    EXPECT_FALSE(link->handler.closed());
    link->handler.on_input = nullptr;
    link->connection->ResumeReading();
    ASSERT_TRUE(link->UntilClosed());
    EXPECT_EQ(link->handler.input, "unread");
    EXPECT_EQ(link->handler.reason, CloseReason::kNormal);
  }
}

TEST_P(TcpConnectionTest, AResetAfterHalfACloseEndsTheStream) {
  for (const bool we_finished : {false, true}) {
    for (const bool output_pending : {false, true}) {
      for (const bool paused : {false, true}) {
        SCOPED_TRACE(absl::StrCat(we_finished, output_pending, paused));
        auto link = ConnectAndOpen({.back_pressure = false}, kSmallBuffers);
        link->handler.on_input_end = [](Stream&) {};
        if (output_pending) link->connection->Write(ManyBytes());
        if (we_finished) {
          link->connection->ShutdownWrite();
        } else {
          link->peer.ShutdownWrite();
          ASSERT_TRUE(link->Until(
              [&] { return link->handler.count(Callback::kInputEnd) == 1; }));
        }
        if (paused) link->connection->PauseReading();
        RunIterations();
        EXPECT_FALSE(link->handler.closed());
        link->peer.Close(CloseMode::kReset);
        ASSERT_TRUE(link->UntilClosed());
        EXPECT_EQ(link->handler.reason, CloseReason::kPeerReset);
        EXPECT_EQ(link->handler.count(Callback::kInputEnd), !we_finished);
      }
    }
  }
}

TEST_P(TcpConnectionTest, BytesThatThePeerSendsAfterOurFinArrive) {
  auto link = ConnectAndOpen();
  link->connection->ShutdownWrite();
  ASSERT_TRUE(link->UntilPeerIsClosed());
  for (const char* const piece : {"one", "two"}) {
    link->handler.input.clear();
    ASSERT_TRUE(link->PeerSends(piece));
    ASSERT_TRUE(link->Until([&] { return link->handler.input == piece; }));
  }
  link->peer.ShutdownWrite();
  ASSERT_TRUE(link->UntilClosed());
  EXPECT_EQ(link->handler.reason, CloseReason::kNormal);
}

}  // namespace
}  // namespace sluice
