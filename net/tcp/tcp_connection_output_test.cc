#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/base/testing/test_seed.h"
#include "sluice/net/close_reason.h"
#include "sluice/net/stream.h"
#include "sluice/net/tcp/tcp_connection.h"
#include "sluice/net/tcp/tcp_connection_test_base.h"
#include "sluice/net/transport/socket_transport.h"
#include "sluice/net/transport/test_peer.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

INSTANTIATE_TEST_SUITE_P(Over, TcpConnectionTest, TransportKinds(),
                         ::testing::PrintToStringParamName());

TEST_P(TcpConnectionTest, WriteSaysWhenToStopAndOnWritableWhenToGoOn) {
  auto link = ConnectAndOpen({.high_water = 100'000, .low_water = 50'000},
                             kSmallBuffers);
  uint64_t written = 0;
  const std::string piece = TestPattern(30'000);
  link->handler.on_writable = [&](Stream& stream) {
    EXPECT_LE(stream.pending_output(), 50'000u);
  };
  for (int round = 1; round <= 3; ++round) {
    auto result = kOk;
    while (result == kOk) {
      result = link->connection->Write(piece);
      written += piece.size();
      EXPECT_EQ(result,
                link->connection->pending_output() <= 100'000 ? kOk : kFull);
    }
    // Below the high-water mark, but above the low-water mark: still full.
    ASSERT_TRUE(link->Until([&] {
      link->peer.Receive(10'000);
      return link->connection->pending_output() < 90'000;
    }));
    if (link->handler.count(Callback::kOutputWritable) < round) {
      EXPECT_EQ(link->connection->Write("x"), kFull);
      written += 1;
    }
    ASSERT_TRUE(link->Until([&] {
      link->peer.Receive();
      return link->peer.received_bytes() == written &&
             link->connection->pending_output() == 0;
    }));
    EXPECT_EQ(link->handler.count(Callback::kOutputWritable), round);
  }
}

TEST_P(TcpConnectionTest, OutputBelowHighWaterCausesNoOnWritable) {
  auto link = ConnectAndOpen({}, kSmallBuffers);
  ASSERT_EQ(link->connection->Write(TestPattern(200'000)), kOk);
  ASSERT_TRUE(link->Until([&] {
    link->peer.Receive();
    return link->peer.received_bytes() == 200'000;
  }));
  RunIterations();
  EXPECT_EQ(link->handler.count(Callback::kOutputWritable), 0);
}

TEST_P(TcpConnectionTest, AfterAHalfCloseWriteSaysThatItDroppedTheBytes) {
  auto link = ConnectAndOpen();
  EXPECT_EQ(link->connection->Write("x"), kOk);
  link->connection->ShutdownWrite();
  EXPECT_EQ(link->connection->Write("y"), kEnded);
  ASSERT_TRUE(link->UntilPeerIsClosed());
  EXPECT_EQ(link->peer.received(), "x");
}

// A handler that answers requests without a look at Write()'s result.
void AnswerALot(TestHandler* handler) {
  handler->keep_offered = handler->keep_input = false;
  handler->on_input = [](Stream& stream, absl::string_view input) {
    stream.Write(std::string(10 * input.size(), 'a'));
    return input.size();
  };
}

TEST_P(TcpConnectionTest, ItStopsReadingWhileMuchOutputIsPending) {
  auto link = ConnectAndOpen({.high_water = 100'000, .low_water = 50'000},
                             kSmallBuffers);
  AnswerALot(&link->handler);
  uint64_t sent = 0;
  uint64_t most = 0;
  for (int i = 0; i < 2000; ++i) {
    sent += link->peer.Send(std::string(1000, 'q'));
    RunIterations(1);
    most = std::max(most, link->connection->pending_output());
  }
  // The answers to the one read that passed the mark.
  EXPECT_LE(most, 100'000 + 10 * loop_->receive_buffer().size());
  EXPECT_LT(link->context->bytes_in(), sent);
  link->peer.ShutdownWrite();
  ASSERT_TRUE(link->UntilPeerIsClosed());
  EXPECT_EQ(link->peer.received_bytes(), 10 * sent);
}

TEST_P(TcpConnectionTest, WithoutBackPressureItReadsOn) {
  auto link = ConnectAndOpen({.high_water = 1000,
                              .low_water = 500,
                              .max_output = uint64_t{1} << 40,
                              .back_pressure = false},
                             kSmallBuffers);
  AnswerALot(&link->handler);
  ASSERT_TRUE(link->PeerSends(ManyBytes()));
  EXPECT_TRUE(
      link->Until([&] { return link->context->bytes_in() == kManyBytes; }));
}

TEST_P(TcpConnectionTest, AResumeDoesNotUndoAnothersPause) {
  auto link =
      ConnectAndOpen({.high_water = 1000, .low_water = 500}, kSmallBuffers);
  TcpConnection& connection = *link->connection;
  connection.PauseReading(Stream::Pauser::kRelay);
  connection.PauseReading();
  connection.PauseReading();
  ASSERT_TRUE(link->PeerSends("input"));
  connection.ResumeReading();
  RunIterations();
  EXPECT_EQ(link->handler.input, "");
  sockets_.room = 0;
  connection.Write(std::string(2000, 'x'));
  connection.ResumeReading(Stream::Pauser::kRelay);
  RunIterations();
  EXPECT_EQ(link->handler.input, "");
  sockets_.room = SIZE_MAX;
  ASSERT_TRUE(link->Until([&] { return link->handler.input == "input"; }));
}

TEST_P(TcpConnectionTest, AHandlerMayLeaveInputWhileItsOutputWaits) {
  auto link = ConnectAndOpen(
      {.max_input = 10, .high_water = 1000, .low_water = 500}, kSmallBuffers);
  link->handler.on_input = [](Stream& stream, absl::string_view input) {
    size_t consumed = 0;
    while (consumed < input.size()) {
      ++consumed;
      if (stream.Write(std::string(300'000, 'x')) == kFull) break;
    }
    return consumed;
  };
  sockets_.room = 0;
  ASSERT_TRUE(link->PeerSends(std::string(20, 'q')));
  ASSERT_TRUE(link->Until([&] { return link->handler.input.size() == 1; }));
  RunIterations();
  EXPECT_FALSE(link->handler.closed());
  sockets_.room = SIZE_MAX;
  ASSERT_TRUE(link->Until([&] {
    link->peer.Receive();
    return link->handler.input.size() == 20;
  }));
}

TEST_P(TcpConnectionTest, WhenSentComesWhenTheKernelHasTheBytes) {
  auto link = ConnectAndOpen({}, kSmallBuffers);
  std::vector<std::string> sent;
  TcpConnection& connection = *link->connection;
  sockets_.room = 0;
  connection.Write(std::string(100'000, 'a'));
  connection.WhenSent([&] {
    sent.push_back("a");
    EXPECT_LE(connection.pending_output(), 200'000u);
  });
  connection.Write(std::string(200'000, 'b'));
  connection.WhenSent([&] { sent.push_back("b"); });
  RunIterations();
  EXPECT_EQ(sent.size(), 0u);
  sockets_.room = 150'000;
  ASSERT_TRUE(link->Until([&] { return !sent.empty(); }));
  RunIterations();
  EXPECT_THAT(sent, ElementsAre("a"));
  sockets_.room = SIZE_MAX;
  ASSERT_TRUE(link->Until([&] {
    link->peer.Receive();
    return sent.size() == 2;
  }));
  EXPECT_THAT(sent, ElementsAre("a", "b"));
  EXPECT_EQ(connection.pending_output(), 0u);
  connection.WhenSent([&] { sent.push_back("nothing"); });
  EXPECT_EQ(sent.size(), 2u);
  ASSERT_TRUE(link->Until([&] { return sent.size() == 3; }));
}

TEST_P(TcpConnectionTest, WhenSentComesForTheLastBytesToo) {
  auto link = ConnectAndOpen({}, kSmallBuffers);
  bool sent = false;
  link->handler.on_input_end = [&](Stream& stream) {
    stream.Write(ManyBytes());
    stream.WhenSent([&] {
      sent = true;
      EXPECT_FALSE(link->handler.closed());
    });
    stream.ShutdownWrite();
  };
  link->peer.ShutdownWrite();
  ASSERT_TRUE(link->UntilPeerIsClosed());
  ASSERT_TRUE(link->UntilClosed());
  EXPECT_TRUE(sent);
}

TEST_P(TcpConnectionTest, AStreamThatEndsFirstDestroysTheCallsOfWhenSent) {
  auto link = ConnectAndOpen({}, kSmallBuffers);
  const auto alive = std::make_shared<bool>();
  link->connection->Write(ManyBytes());
  link->connection->WhenSent([alive] { ADD_FAILURE(); });
  link->connection->Abort(Why());
  ASSERT_TRUE(link->UntilClosed());
  link->connection.reset();
  EXPECT_EQ(alive.use_count(), 1);
}

TEST_P(TcpConnectionTest, ALargeStringIsNotCopied) {
  if (GetParam().make != NewSocketTransport) {
    GTEST_SKIP() << "this transport copies";
  }
  auto link = ConnectAndOpen();
  sockets_.room = 0;
  std::string text(100'000, 'x');
  const char* const memory = text.data();
  EXPECT_EQ(link->connection->Write(std::move(text)), kOk);
  sockets_.room = 1;
  ASSERT_TRUE(link->Until([&] { return sockets_.room == 0; }));
  EXPECT_EQ(sockets_.memory_of_last, memory);
}

TEST_P(TcpConnectionTest, OutputPastMaxOutputEndsTheStream) {
  for (const bool cord : {false, true}) {
    auto link = Connect({.max_output = 10});  // not open: queues all output
    EXPECT_EQ(link->connection->Write("0123456789"), kOk);
    EXPECT_EQ(link->connection->pending_output(), 10u);
    EXPECT_EQ((cord ? link->connection->Write(absl::Cord("a"))
                    : link->connection->Write("a")),
              kEnded);
    EXPECT_EQ(link->connection->pending_output(), 0u);
    EXPECT_FALSE(link->handler.closed());
    ASSERT_TRUE(link->UntilClosed());
    EXPECT_EQ(link->handler.reason, CloseReason::kOutputLimit);
    EXPECT_THAT(link->handler.why,
                StatusIs(absl::StatusCode::kResourceExhausted,
                         HasSubstr("10 bytes of output are waiting, 1 more")));
    ASSERT_TRUE(link->UntilPeerIsClosed());
    EXPECT_EQ(link->peer.error(), ECONNRESET);
  }
}

TEST_P(TcpConnectionTest, WrittenBytesArriveCompleteAndInOrder) {
  auto link = ConnectAndOpen({}, kSmallBuffers);
  std::string expected;
  const std::string& bytes = ManyBytes();
  absl::Cord cord;  // has more pieces than one system call takes
  size_t position = 0;
  for (int i = 0; i < 200; ++i) {
    const absl::string_view piece =
        absl::string_view(bytes).substr(position, 1 + i * 97 % 5000);
    position += piece.size();
    cord.Append(absl::MakeCordFromExternal(piece, [](absl::string_view) {}));
  }
  link->connection->Write(cord);
  expected.append(bytes, 0, position);
  link->connection->Write(bytes);
  expected += bytes;
  link->connection->Write(cord);
  expected.append(bytes, 0, position);
  link->connection->Write("");
  link->connection->Write(absl::Cord());
  link->connection->Write("end");
  expected += "end";
  link->connection->ShutdownWrite();
  ASSERT_TRUE(link->UntilPeerIsClosed());
  EXPECT_TRUE(link->peer.ended());
  EXPECT_TRUE(link->peer.received() == expected);
}

TEST_P(TcpConnectionTest, AHalfCloseSendsFinAfterPendingOutput) {
  auto link = ConnectAndOpen({}, kSmallBuffers);
  const std::string& bytes = ManyBytes();
  link->connection->Write(bytes);
  link->connection->ShutdownWrite();
  link->connection->ShutdownWrite();
  EXPECT_EQ(link->connection->Write("late"), kEnded);
  EXPECT_EQ(link->connection->Write(absl::Cord("late")), kEnded);
  ASSERT_TRUE(link->UntilPeerIsClosed());
  EXPECT_TRUE(link->peer.ended());
  EXPECT_TRUE(link->peer.received() == bytes);
  EXPECT_EQ(link->connection->Write("later"), kEnded);
  RunIterations();
  EXPECT_FALSE(link->handler.closed());  // the peer may still send
}

TEST_P(TcpConnectionTest, EchoToASlowReaderKeepsToItsLimits) {
  constexpr uint64_t kTotal = 100 << 20;
  constexpr ConnectionOptions kOptions;
  auto link = ConnectAndOpen({}, kSmallBuffers);
  TestHandler& handler = link->handler;
  handler.keep_input = false;
  handler.keep_offered = false;
  uint64_t most_pending = 0;
  handler.on_input = [&](Stream& stream, absl::string_view input) {
    stream.Write(input);
    most_pending = std::max(most_pending, stream.pending_output());
    return input.size();
  };
  const std::string block = TestPattern(1 << 20);
  uint64_t sent = 0;
  uint64_t checked = 0;
  ASSERT_TRUE(link->Until([&] {
    while (sent < kTotal) {
      const size_t more =
          link->peer.Send(absl::string_view(block).substr(sent % block.size()));
      if (more == 0) break;
      sent += more;
      if (sent == kTotal) link->peer.ShutdownWrite();
    }
    link->peer.Receive(60'000);
    const std::string& received = link->peer.received();
    for (size_t i = 0; i < received.size();) {
      const size_t at = (checked + i) % block.size();
      const size_t size = std::min(received.size() - i, block.size() - at);
      if (block.compare(at, size, received, i, size) != 0) {
        ADD_FAILURE() << "other bytes after " << checked + i;
        return true;
      }
      i += size;
    }
    checked += received.size();
    link->peer.ForgetReceived();
    return link->peer.closed();
  }));
  EXPECT_TRUE(link->peer.ended());
  EXPECT_EQ(checked, kTotal);
  EXPECT_GT(most_pending, kOptions.high_water);
  EXPECT_LE(most_pending, kOptions.high_water + 64 * 1024);
  ASSERT_TRUE(link->UntilClosed());
  EXPECT_EQ(handler.reason, CloseReason::kNormal);
}

TEST_P(TcpConnectionTest, OutputThatFitsIsSentAtOnce) {
  auto link = ConnectAndOpen();
  sockets_.room = 3;
  EXPECT_EQ(link->connection->Write("12345"), kOk);
  if (GetParam().make == NewSocketTransport) {
    EXPECT_EQ(link->connection->pending_output(), 2u);
    link->peer.Receive();
    EXPECT_EQ(link->peer.received(), "123");
  }
  sockets_.room = SIZE_MAX;
  ASSERT_TRUE(link->Until([&] {
    link->peer.Receive();
    return link->peer.received() == "12345";
  }));
}

TEST_P(TcpConnectionTest, TheWaterMarksAreExact) {
  auto link = ConnectAndOpen({.high_water = 100, .low_water = 50});
  TcpConnection& connection = *link->connection;
  sockets_.room = 0;
  EXPECT_EQ(connection.Write(std::string(100, 'a')), kOk);
  for (int crossing = 1; crossing <= 3; ++crossing) {
    EXPECT_EQ(connection.Write("b"), kFull);
    EXPECT_EQ(connection.pending_output(), 101u);
    if (GetParam().make == NewSocketTransport) {
      sockets_.room = 50;
      RunIterations();
      EXPECT_EQ(connection.pending_output(), 51u);
      // The result is kFull although the output is below the high-water mark.
      EXPECT_EQ(connection.Write(""), kFull);
      EXPECT_EQ(link->handler.count(Callback::kOutputWritable), crossing - 1);
      sockets_.room = 1;
      RunIterations();
      EXPECT_EQ(connection.pending_output(), 50u);
    } else {  // waits until all accepted output is sent
      sockets_.room = 101;
      ASSERT_TRUE(
          link->Until([&] { return connection.pending_output() == 0; }));
    }
    EXPECT_EQ(link->handler.count(Callback::kOutputWritable), crossing);
    EXPECT_EQ(
        connection.Write(std::string(100 - connection.pending_output(), 'c')),
        kOk);
    RunIterations();
    EXPECT_EQ(connection.pending_output(), 100u);
  }
}

// Holds with and without a cork, however much the kernel takes.
TEST_P(TcpConnectionTest, EachCrossingIsReportedExactlyOnce) {
  const uint64_t seed = TestSeed();
  SCOPED_TRACE(absl::StrCat("SLUICE_SEED=", seed));
  std::mt19937_64 random(seed);
  auto link = ConnectAndOpen({.high_water = 1000, .low_water = 300});
  TcpConnection& connection = *link->connection;
  bool above = false;
  int crossings = 0;
  std::string written;
  const auto write = [&] {
    const std::string bytes(random() % 500, static_cast<char>(random()));
    written += bytes;
    const bool more =
        (random() % 2 == 0 ? connection.Write(bytes)
                           : connection.Write(absl::Cord(bytes))) == kOk;
    EXPECT_FALSE(above && more);
    if (!above && !more) ++crossings;
    above = !more;
  };
  link->handler.on_writable = [&](Stream& stream) {
    EXPECT_TRUE(above);
    EXPECT_LE(stream.pending_output(), 300u);
    above = false;
    if (random() % 2 == 0) stream.Cork();
    while (random() % 4 > 0) write();
  };
  for (int i = 0; i < 3000; ++i) {
    sockets_.room = random() % 700;
    if (random() % 3 == 0) connection.Cork();
    // Sometimes writes a few times above the mark.
    while (random() % 3 > 0 && (!above || random() % 16 == 0)) write();
    RunIterations(static_cast<int>(random() % 3));
    link->peer.Receive();
  }
  sockets_.room = SIZE_MAX;
  ASSERT_TRUE(link->Until([&] {
    link->peer.Receive();
    return connection.pending_output() == 0 &&
           link->peer.received_bytes() == written.size();
  }));
  EXPECT_FALSE(above);
  EXPECT_GT(crossings, 10);
  EXPECT_EQ(link->handler.count(Callback::kOutputWritable), crossings);
  EXPECT_TRUE(link->peer.received() == written);
}

TEST_P(TcpConnectionTest, QueuedOutputSharesTheMemoryOfACord) {
  auto link = ConnectAndOpen();
  sockets_.room = 0;
  bool released = false;
  link->connection->Write(
      absl::MakeCordFromExternal(absl::string_view(ManyBytes()).substr(0, 5000),
                                 [&](absl::string_view) { released = true; }));
  RunIterations();
  EXPECT_FALSE(released);
  sockets_.room = SIZE_MAX;
  ASSERT_TRUE(link->Until([&] {
    link->peer.Receive();
    return link->peer.received_bytes() == 5000;
  }));
  RunIterations();
  EXPECT_TRUE(released);
}

}  // namespace
}  // namespace sluice
