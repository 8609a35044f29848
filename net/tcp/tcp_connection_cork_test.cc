#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "sluice/net/close_reason.h"
#include "sluice/net/stream.h"
#include "sluice/net/tcp/tcp_connection.h"
#include "sluice/net/tcp/tcp_connection_test_base.h"
#include "sluice/net/transport/socket_transport.h"
#include "sluice/net/transport/test_peer.h"
#include "sluice/timer/sim_clock.h"

namespace sluice {
namespace {

INSTANTIATE_TEST_SUITE_P(Over, TcpConnectionTest, TransportKinds(),
                         ::testing::PrintToStringParamName());

constexpr size_t kMostHeld = 64 * 1024;

// Returns a Cord of `pieces` pieces of `size` bytes, which are not merged.
absl::Cord CordOf(size_t pieces, size_t size) {
  const absl::string_view bytes = ManyBytes();
  absl::Cord cord;
  for (size_t i = 0; i < pieces; ++i) {
    cord.Append(absl::MakeCordFromExternal(bytes.substr(i * size, size),
                                           [](absl::string_view) {}));
  }
  return cord;
}

// Runs iterations until the peer has received so many bytes.
bool UntilReceived(Link& link, size_t size) {
  return link.Until([&] {
    link.peer.Receive();
    return link.peer.received_bytes() >= size &&
           link.connection->pending_output() == 0;
  });
}

TEST_P(TcpConnectionTest, HeaderAndBodyUnderCorkAreOneSystemCall) {
  for (const bool cork : {false, true}) {
    auto link = ConnectAndOpen();
    const int before = sockets_.writes;
    link->handler.on_input = [&](Stream& stream, absl::string_view input) {
      if (cork) stream.Cork();
      EXPECT_EQ(stream.Write("header "), kOk);
      EXPECT_EQ(stream.Write(absl::Cord("body")), kOk);
      if (cork) {
        EXPECT_EQ(stream.pending_output(), 11u);
        EXPECT_EQ(sockets_.writes, before);
      }
      return input.size();
    };
    ASSERT_TRUE(link->PeerSends("request"));
    ASSERT_TRUE(UntilReceived(*link, 11));
    EXPECT_EQ(link->peer.received(), "header body");
    if (cork || GetParam().make == NewSocketTransport) {
      EXPECT_EQ(sockets_.writes - before, cork ? 1 : 2);
    }
  }
}

TEST_P(TcpConnectionTest, UpTo64PiecesUnderCorkAreOneSystemCall) {
  auto link = ConnectAndOpen();
  link->handler.on_timeout = [](Stream& stream) {
    stream.Cork();
    for (int i = 0; i < 4; ++i) stream.Write(CordOf(16, kMostHeld / 64));
  };
  link->connection->SetTimeout(absl::ZeroDuration());
  clock_.Advance(absl::Milliseconds(2));
  ASSERT_TRUE(UntilReceived(*link, kMostHeld));
  EXPECT_EQ(sockets_.writes, 1);
  EXPECT_EQ(sockets_.written, kMostHeld);
  const std::string piece(ManyBytes(), 0, kMostHeld / 4);
  EXPECT_TRUE(link->peer.received() == piece + piece + piece + piece);
}

TEST_P(TcpConnectionTest, MoreThan64PiecesUnderCorkArriveInOrder) {
  auto link = ConnectAndOpen();
  link->connection->Cork();
  std::string expected;
  for (int i = 0; i < 30; ++i) {
    // A small piece has a block to itself.
    link->connection->Write("small");
    link->connection->Write(CordOf(1, 1024));
    expected += "small" + ManyBytes().substr(0, 1024);
  }
  link->connection->Write(CordOf(30, 1024));
  expected += ManyBytes().substr(0, 30 * 1024);
  EXPECT_EQ(sockets_.writes, 0);
  ASSERT_TRUE(UntilReceived(*link, expected.size()));
  EXPECT_TRUE(link->peer.received() == expected);
  EXPECT_EQ(sockets_.writes, 2);
}

TEST_P(TcpConnectionTest, OutsideACallbackATaskEndsTheCork) {
  auto link = ConnectAndOpen();
  link->connection->Cork();
  link->connection->Cork();
  EXPECT_EQ(link->connection->Write("one "), kOk);
  EXPECT_EQ(link->connection->Write("two"), kOk);
  EXPECT_EQ(link->connection->pending_output(), 7u);
  EXPECT_EQ(sockets_.writes, 0);
  RunIterations(1);
  if (GetParam().make == NewSocketTransport) {
    EXPECT_EQ(sockets_.writes, 1);
  }
  ASSERT_TRUE(UntilReceived(*link, 7));
  EXPECT_EQ(link->peer.received(), "one two");
  EXPECT_EQ(sockets_.writes, 1);
}

TEST_P(TcpConnectionTest, ACorkEndsWithItsCallback) {
  auto link = ConnectAndOpen();
  link->handler.on_input = [](Stream& stream, absl::string_view input) {
    stream.Cork();
    return input.size();
  };
  ASSERT_TRUE(link->PeerSends("request"));
  ASSERT_TRUE(link->Until([&] { return !link->handler.input.empty(); }));
  link->connection->Write("now");
  if (GetParam().make == NewSocketTransport) {
    EXPECT_EQ(sockets_.writes, 1);
    EXPECT_EQ(link->connection->pending_output(), 0u);
  }
  ASSERT_TRUE(UntilReceived(*link, 3));
}

TEST_P(TcpConnectionTest, TheCallbackThatCorksSendsInEveryCase) {
  for (const Callback target :
       {Callback::kOpen, Callback::kInput, Callback::kInputEnd,
        Callback::kOutputWritable, Callback::kTimeout, Callback::kDraining}) {
    SCOPED_TRACE(static_cast<int>(target));
    auto link = Connect({.high_water = 1000, .low_water = 1000});
    sockets_.room = 0;
    bool corked = false;
    link->handler.on_input_end = [](Stream&) {};
    link->handler.on_draining = [](Stream&) {};
    link->handler.on_any = [&](Callback callback, Stream& stream) {
      if (callback != target) return true;
      corked = true;
      stream.Cork();
      stream.Write("cor");
      stream.Write("ked");
      return true;
    };
    link->Open();
    link->connection->Write(std::string(1001, 'x'));
    sockets_.room = SIZE_MAX;
    link->peer.Send("input");
    link->peer.ShutdownWrite();
    link->connection->SetTimeout(absl::ZeroDuration());
    clock_.Advance(absl::Milliseconds(2));
    ASSERT_TRUE(link->Until(
        [&] { return link->handler.count(Callback::kInputEnd) == 1; }));
    link->connection->Drain();
    ASSERT_TRUE(UntilReceived(*link, 1007));
    EXPECT_TRUE(corked);
    EXPECT_NE(link->peer.received().find("corked"), std::string::npos);
  }
}

TEST_P(TcpConnectionTest, AHalfCloseUnderCorkSendsFinAfterCorkedOutput) {
  for (const bool open : {false, true}) {
    auto link = Connect();
    if (open) link->Open();
    const int before = sockets_.writes;
    link->connection->Cork();
    link->connection->Write("one ");
    link->connection->Write("two");
    link->connection->ShutdownWrite();
    link->connection->Cork();
    EXPECT_EQ(link->connection->Write("late"), kEnded);
    ASSERT_TRUE(link->UntilPeerIsClosed());
    EXPECT_TRUE(link->peer.ended());
    EXPECT_EQ(link->peer.received(), "one two");
    EXPECT_EQ(sockets_.writes - before, 1);
    link->peer.ShutdownWrite();
    ASSERT_TRUE(link->UntilClosed());
    EXPECT_EQ(link->handler.reason, CloseReason::kNormal);
  }
}

TEST_P(TcpConnectionTest, TheEndDropsCorkedOutputAndResets) {
  for (const CloseReason reason :
       {CloseReason::kAborted, CloseReason::kIdleTimeout}) {
    auto link = ConnectAndOpen();
    link->connection->Cork();
    link->connection->Write("held");
    link->connection->Close(Why(), reason);
    EXPECT_EQ(link->connection->pending_output(), 0u);
    link->connection->Cork();
    ASSERT_TRUE(link->UntilClosed());
    ASSERT_TRUE(link->UntilPeerIsClosed());
    EXPECT_EQ(link->peer.error(), ECONNRESET);
    EXPECT_EQ(link->peer.received(), "");
  }
}

TEST_P(TcpConnectionTest, TheWriteThatPassesTheMostHeldSends) {
  struct Case {
    ConnectionOptions options;
    size_t most;
  };
  for (const Case& each :
       {Case{{}, kMostHeld}, Case{{.high_water = 1000, .low_water = 500}, 1000},
        Case{{.max_output = 2000}, 2000}}) {
    SCOPED_TRACE(each.most);
    auto link = ConnectAndOpen(each.options);
    TcpConnection& connection = *link->connection;
    const int before = sockets_.writes;
    sockets_.written = 0;
    connection.Cork();
    EXPECT_EQ(connection.Write(TestPattern(each.most - 1)), kOk);
    EXPECT_EQ(connection.Write("x"), kOk);
    EXPECT_EQ(connection.pending_output(), each.most);
    EXPECT_EQ(sockets_.writes, before);
    if (GetParam().make == NewSocketTransport) {
      // Sent together with the corked output, without a copy.
      EXPECT_EQ(connection.Write("yz"), kOk);
      EXPECT_EQ(connection.pending_output(), 0u);
      EXPECT_EQ(sockets_.writes, before + 1);
      EXPECT_EQ(sockets_.written, each.most + 2);
      // The stream is still corked.
      connection.Write("more");
      EXPECT_EQ(sockets_.writes, before + 1);
      ASSERT_TRUE(UntilReceived(*link, each.most + 6));
      EXPECT_TRUE(link->peer.received() ==
                  TestPattern(each.most - 1) + "xyzmore");
    }
  }
}

TEST_P(TcpConnectionTest, MaxOutputHoldsUnderCork) {
  auto link = ConnectAndOpen({.max_output = 100});
  sockets_.room = 0;
  link->connection->Cork();
  EXPECT_EQ(link->connection->Write(std::string(100, 'x')), kOk);
  EXPECT_EQ(link->connection->Write("y"), kEnded);
  ASSERT_TRUE(link->UntilClosed());
  EXPECT_EQ(link->handler.reason, CloseReason::kOutputLimit);
}

TEST_P(TcpConnectionTest, TheWaterMarksAreExactUnderCork) {
  auto link = ConnectAndOpen({.high_water = 100, .low_water = 50});
  TcpConnection& connection = *link->connection;
  for (int round = 1; round <= 3; ++round) {
    sockets_.room = 0;
    connection.Cork();
    EXPECT_EQ(connection.Write(std::string(100, 'a')), kOk);
    EXPECT_EQ(connection.Write("b"), kFull);
    connection.Cork();
    EXPECT_EQ(connection.Write("c"), kFull);
    RunIterations();
    EXPECT_EQ(connection.pending_output(), 102u);
    EXPECT_EQ(link->handler.count(Callback::kOutputWritable), round - 1);
    if (GetParam().make == NewSocketTransport) {
      sockets_.room = 51;
      RunIterations();
      EXPECT_EQ(link->handler.count(Callback::kOutputWritable), round - 1);
      sockets_.room = 1;  // up to the mark
    } else {
      sockets_.room = SIZE_MAX;
    }
    ASSERT_TRUE(link->Until([&] {
      return link->handler.count(Callback::kOutputWritable) == round;
    }));
    connection.Cork();
    EXPECT_EQ(connection.Write("d"), kOk);
    sockets_.room = SIZE_MAX;
    ASSERT_TRUE(UntilReceived(*link, 103 * round));
    EXPECT_EQ(link->handler.count(Callback::kOutputWritable), round);
  }
}

// Corked output that is sent at once when the cork ends has not crossed the
// mark.
TEST_P(TcpConnectionTest, CorkedOutputUpToHighWaterCausesNoOnWritable) {
  auto link = ConnectAndOpen({.high_water = 100, .low_water = 50});
  for (int i = 1; i <= 5; ++i) {
    link->connection->Cork();
    EXPECT_EQ(link->connection->Write(std::string(100, 'a')), kOk);
    ASSERT_TRUE(UntilReceived(*link, i * 100));
  }
  EXPECT_EQ(link->handler.count(Callback::kOutputWritable), 0);
}

TEST_P(TcpConnectionTest, CorkedOutputFollowsPendingOutput) {
  auto link = ConnectAndOpen();
  sockets_.room = 0;
  link->connection->Write("one ");
  link->connection->Cork();
  link->connection->Write("two ");
  sockets_.room = SIZE_MAX;
  RunIterations(5);  // sends the pending output, and ends the cork
  link->connection->Cork();
  link->connection->Write("three ");
  link->connection->Write("four");
  ASSERT_TRUE(UntilReceived(*link, 18));
  EXPECT_EQ(link->peer.received(), "one two three four");
}

TEST_P(TcpConnectionTest, ACorkBeforeOnOpenHolds) {
  auto link = Connect();
  link->connection->Cork();
  link->connection->Write("one ");
  RunIterations(1);
  link->connection->Cork();
  link->connection->Write("two");
  ASSERT_TRUE(UntilReceived(*link, 7));
  EXPECT_EQ(link->peer.received(), "one two");
}

}  // namespace
}  // namespace sluice
