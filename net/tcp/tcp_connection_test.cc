#include "sluice/net/tcp/tcp_connection.h"

#include <malloc.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/net/close_reason.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/stream.h"
#include "sluice/net/tcp/tcp_connection_test_base.h"
#include "sluice/net/transport/socket_transport.h"
#include "sluice/net/transport/test_peer.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

INSTANTIATE_TEST_SUITE_P(Over, TcpConnectionTest, TransportKinds(),
                         ::testing::PrintToStringParamName());

// Opening

TEST_P(TcpConnectionTest, OpensOnceAndFirstAndNotInsideTheConstructor) {
  auto link = Connect();
  EXPECT_EQ(link->handler.count(Callback::kOpen), 0);
  EXPECT_EQ(link->connection->tag(), 7u);
  EXPECT_EQ(link->connection->executor(), loop_.get());
  ASSERT_TRUE(link->PeerSends("early"));
  ASSERT_TRUE(link->Until([&] { return link->handler.input == "early"; }));
  EXPECT_EQ(link->handler.count(Callback::kOpen), 1);
}

TEST_P(TcpConnectionTest, WritesAndHalfCloseBeforeOnOpenAreKept) {
  auto link = Connect();
  EXPECT_EQ(link->connection->Write("one "), kOk);
  EXPECT_EQ(link->connection->Write(absl::Cord("two")), kOk);
  EXPECT_EQ(link->connection->pending_output(), 7u);
  link->connection->ShutdownWrite();
  EXPECT_EQ(link->connection->Write("three"), kEnded);
  ASSERT_TRUE(link->UntilPeerIsClosed());
  EXPECT_TRUE(link->peer.ended());
  EXPECT_EQ(link->peer.received(), "one two");
  EXPECT_EQ(link->connection->pending_output(), 0u);
}

TEST_P(TcpConnectionTest, PauseBeforeOnOpenHolds) {
  auto link = Connect();
  link->connection->PauseReading();
  ASSERT_TRUE(link->PeerSends("kept"));
  ASSERT_TRUE(link->UntilOpen());
  ASSERT_TRUE(link->Until([&] { return link->connection->HasUnreadInput(); }));
  RunIterations();
  EXPECT_EQ(link->handler.count(Callback::kInput), 0);
  link->connection->ResumeReading();
  ASSERT_TRUE(link->Until([&] { return link->handler.input == "kept"; }));
}

TEST_P(TcpConnectionTest, EndsWithoutOnOpenIfItEndsBefore) {
  auto link = Connect();
  link->connection->Abort(Why());
  EXPECT_FALSE(link->handler.closed());
  ASSERT_TRUE(link->UntilClosed());
  EXPECT_EQ(link->handler.reason, CloseReason::kAborted);
  EXPECT_EQ(link->handler.count(Callback::kOpen), 0);
  ASSERT_TRUE(link->UntilPeerIsClosed());
  EXPECT_EQ(link->peer.error(), ECONNRESET);
}

TEST_P(TcpConnectionTest, PeerIsTheOtherEndsAddress) {
  auto link = ConnectAndOpen();
  EXPECT_EQ(link->connection->peer().value(),
            link->peer.Address(SocketApi::End::kLocal));
  link->connection->Abort(Why());
  EXPECT_THAT(link->connection->peer(),
              StatusIs(absl::StatusCode::kFailedPrecondition));
}

// Input

TEST_P(TcpConnectionTest, ShowsInputInPlace) {
  if (GetParam().make != NewSocketTransport) {
    GTEST_SKIP() << "this transport copies";
  }
  auto link = ConnectAndOpen();
  const char* where = nullptr;
  link->handler.on_input = [&](Stream&, absl::string_view input) {
    where = input.data();
    return input.size();
  };
  ASSERT_TRUE(link->PeerSends("input"));
  ASSERT_TRUE(link->Until([&] { return where != nullptr; }));
  EXPECT_EQ(where, loop_->receive_buffer().data());
}

TEST_P(TcpConnectionTest, OffersARestTogetherWithTheNextInput) {
  auto link = ConnectAndOpen();
  // Consumes whole lines only.
  link->handler.on_input = [](Stream&, absl::string_view input) {
    return input.rfind('\n') + 1;
  };
  for (const char* const piece : {"one", "\ntwo\nth", "re", "e\n", "four\n"}) {
    const size_t offers = link->handler.offered.size();
    ASSERT_TRUE(link->PeerSends(piece));
    ASSERT_TRUE(
        link->Until([&] { return link->handler.offered.size() > offers; }));
  }
  RunIterations();
  EXPECT_THAT(link->handler.offered,
              ElementsAre("one", "one\ntwo\nth", "thre", "three\n", "four\n"));
  EXPECT_EQ(link->handler.input, "one\ntwo\nthree\nfour\n");
}

TEST_P(TcpConnectionTest, TheEndOfInputComesThoughARestIsKept) {
  auto link = ConnectAndOpen();
  link->handler.on_input = [](Stream&, absl::string_view) { return size_t{0}; };
  ASSERT_TRUE(link->PeerSends("rest"));
  link->peer.ShutdownWrite();
  ASSERT_TRUE(link->UntilClosed());
  EXPECT_THAT(link->handler.offered, ElementsAre("rest"));
  EXPECT_EQ(link->handler.reason, CloseReason::kNormal);
}

TEST_P(TcpConnectionTest, ARestOfMaxInputEndsTheStream) {
  auto link = ConnectAndOpen({.max_input = 10});
  link->handler.on_input = [](Stream&, absl::string_view input) {
    return std::min<size_t>(input.size(), 1);
  };
  ASSERT_TRUE(link->PeerSends("0123456789"));  // leaves 9 bytes
  ASSERT_TRUE(link->Until([&] { return link->handler.offered.size() == 1; }));
  RunIterations();
  EXPECT_FALSE(link->handler.closed());
  ASSERT_TRUE(link->PeerSends("ab"));  // leaves 10 bytes
  ASSERT_TRUE(link->UntilClosed());
  EXPECT_EQ(link->handler.reason, CloseReason::kInputLimit);
  EXPECT_THAT(link->handler.why, StatusIs(absl::StatusCode::kResourceExhausted,
                                          HasSubstr("10 bytes of input")));
  ASSERT_TRUE(link->UntilPeerIsClosed());
  EXPECT_EQ(link->peer.error(), ECONNRESET);
}

TEST_P(TcpConnectionTest, ARestOfMaxInputAtOnceEndsTheStream) {
  auto link = ConnectAndOpen({.max_input = 10});
  link->handler.on_input = [](Stream&, absl::string_view) { return size_t{0}; };
  ASSERT_TRUE(link->PeerSends("0123456789"));
  ASSERT_TRUE(link->UntilClosed());
  EXPECT_EQ(link->handler.reason, CloseReason::kInputLimit);
}

TEST_P(TcpConnectionTest, APausedStreamKeepsARestOfMaxInput) {
  auto link = ConnectAndOpen({.max_input = 10});
  link->handler.on_input = [](Stream& stream, absl::string_view) {
    stream.PauseReading();
    return size_t{0};
  };
  ASSERT_TRUE(link->PeerSends("0123456789"));
  ASSERT_TRUE(link->Until([&] { return link->handler.offered.size() == 1; }));
  RunIterations();
  EXPECT_FALSE(link->handler.closed());
  // The same holds for input that is offered again, until a handler does not
  // pause.
  link->connection->ResumeReading();
  ASSERT_TRUE(link->Until([&] { return link->handler.offered.size() == 2; }));
  RunIterations();
  EXPECT_FALSE(link->handler.closed());
  link->handler.on_input = [](Stream&, absl::string_view) { return size_t{0}; };
  link->connection->ResumeReading();
  ASSERT_TRUE(link->UntilClosed());
  EXPECT_EQ(link->handler.reason, CloseReason::kInputLimit);
}

TEST_P(TcpConnectionTest, APausedStreamIsOfferedNothing) {
  auto link = ConnectAndOpen();
  link->connection->PauseReading();
  link->connection->PauseReading();
  ASSERT_TRUE(link->PeerSends("kept"));
  link->peer.ShutdownWrite();
  ASSERT_TRUE(link->Until([&] { return link->connection->HasUnreadInput(); }));
  RunIterations();
  EXPECT_EQ(link->handler.count(Callback::kInput), 0);
  EXPECT_EQ(link->handler.count(Callback::kInputEnd), 0);
  link->connection->ResumeReading();
  EXPECT_EQ(link->handler.count(Callback::kInput), 0);
  ASSERT_TRUE(link->UntilClosed());
  EXPECT_EQ(link->handler.input, "kept");
  EXPECT_EQ(link->handler.count(Callback::kInputEnd), 1);
}

TEST_P(TcpConnectionTest, ResumeOffersKeptInputAgainByATask) {
  auto link = ConnectAndOpen();
  bool pausing = true;
  link->handler.on_input = [&](Stream& stream, absl::string_view input) {
    if (!pausing) return input.size();
    stream.PauseReading();
    return size_t{2};
  };
  ASSERT_TRUE(link->PeerSends("abcdef"));
  ASSERT_TRUE(link->Until([&] { return link->handler.offered.size() == 1; }));
  link->peer.ShutdownWrite();
  RunIterations();
  EXPECT_TRUE(link->connection->HasUnreadInput());
  EXPECT_EQ(link->handler.offered.size(), 1u);
  link->connection->ResumeReading();
  EXPECT_EQ(link->handler.offered.size(), 1u);
  ASSERT_TRUE(link->Until([&] { return link->handler.offered.size() == 2; }));
  // That call has paused again: the end of input waits for the rest.
  RunIterations();
  EXPECT_EQ(link->handler.count(Callback::kInputEnd), 0);
  pausing = false;
  link->connection->ResumeReading();
  ASSERT_TRUE(link->UntilClosed());
  EXPECT_THAT(link->handler.offered, ElementsAre("abcdef", "cdef", "ef"));
  EXPECT_EQ(link->handler.input, "abcdef");
}

TEST_P(TcpConnectionTest, PauseTakesAResumeBack) {
  auto link = ConnectAndOpen();
  link->handler.on_input = [](Stream& stream, absl::string_view) {
    stream.PauseReading();
    return size_t{0};
  };
  ASSERT_TRUE(link->PeerSends("kept"));
  ASSERT_TRUE(link->Until([&] { return link->handler.offered.size() == 1; }));
  link->connection->ResumeReading();
  link->connection->PauseReading();
  ASSERT_TRUE(link->PeerSends("more"));
  RunIterations();
  EXPECT_EQ(link->handler.offered.size(), 1u);
  link->handler.on_input = nullptr;
  link->connection->ResumeReading();
  ASSERT_TRUE(link->Until([&] { return link->handler.input == "keptmore"; }));
}

// A handler that asks another object may get the answer at once.
TEST_P(TcpConnectionTest, ResumeInsideOnInputOffersTheRestOfThatCall) {
  auto link = ConnectAndOpen();
  link->handler.on_input = [](Stream& stream, absl::string_view) {
    stream.PauseReading();
    stream.ResumeReading();
    return size_t{1};
  };
  ASSERT_TRUE(link->PeerSends("abc"));
  ASSERT_TRUE(link->Until([&] { return link->handler.input == "abc"; }));
  EXPECT_THAT(link->handler.offered, ElementsAre("abc", "bc", "c"));
  ASSERT_TRUE(link->PeerSends("d"));
  ASSERT_TRUE(link->Until([&] { return link->handler.input == "abcd"; }));
}

TEST_P(TcpConnectionTest, ResumeOffersARestAgainAfterTheEndOfInputToo) {
  auto link = ConnectAndOpen();
  bool consume = false;
  link->handler.on_input = [&](Stream&, absl::string_view input) {
    return consume ? input.size() : 0;
  };
  link->handler.on_input_end = [](Stream&) {};
  ASSERT_TRUE(link->PeerSends("rest"));
  link->peer.ShutdownWrite();
  ASSERT_TRUE(link->Until(
      [&] { return link->handler.count(Callback::kInputEnd) == 1; }));
  consume = true;
  link->connection->PauseReading();
  link->connection->ResumeReading();
  ASSERT_TRUE(link->Until([&] { return link->handler.input == "rest"; }));
}

TEST_P(TcpConnectionTest, UnreadInputCountsArrivedUnconsumedBytes) {
  auto link = ConnectAndOpen();
  EXPECT_FALSE(link->connection->HasUnreadInput());
  bool consume = false;
  link->handler.on_input = [&](Stream&, absl::string_view input) {
    return consume ? input.size() : 0;
  };
  ASSERT_TRUE(link->PeerSends("a"));
  ASSERT_TRUE(link->Until([&] { return link->handler.offered.size() == 1; }));
  EXPECT_TRUE(link->connection->HasUnreadInput());
  consume = true;
  ASSERT_TRUE(link->PeerSends("b"));
  ASSERT_TRUE(link->Until([&] { return link->handler.input == "ab"; }));
  EXPECT_FALSE(link->connection->HasUnreadInput());
  link->connection->PauseReading();
  ASSERT_TRUE(link->PeerSends("c"));
  ASSERT_TRUE(link->Until([&] { return link->connection->HasUnreadInput(); }));
  link->connection->Abort(Why());
  EXPECT_FALSE(link->connection->HasUnreadInput());
}

// Limits and counters

TEST_P(TcpConnectionTest, CountsBytesAsThePeerDoes) {
  auto link = ConnectAndOpen({}, kSmallBuffers);
  link->connection->Write("small");
  link->connection->Write(ManyBytes());
  link->connection->ShutdownWrite();
  ASSERT_TRUE(link->PeerSends(TestPattern(100'000)));
  link->peer.ShutdownWrite();
  ASSERT_TRUE(link->UntilPeerIsClosed());
  ASSERT_TRUE(link->UntilClosed());
  EXPECT_EQ(link->context->bytes_out(), link->peer.received_bytes());
  EXPECT_EQ(link->context->bytes_out(), 5 + kManyBytes);
  EXPECT_EQ(link->context->bytes_in(), 100'000u);
}

TEST_P(TcpConnectionTest, ConsumedInputAndACancelledTimeoutLeaveNoMemory) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizer has an allocator of its own";
#endif
  constexpr int kLinks = 200;
  std::vector<std::unique_ptr<Link>> links;
  for (int i = 0; i < kLinks; ++i) {
    links.push_back(ConnectAndOpen());
    TestHandler& handler = links.back()->handler;
    handler.keep_offered = handler.keep_input = false;
    handler.on_input = [](Stream&, absl::string_view input) {
      return input == "wait" ? 0 : input.size();
    };
  }
  const auto send_to_all = [&](absl::string_view text) {
    for (const auto& link : links) ASSERT_TRUE(link->PeerSends(text));
    RunIterations(50);
  };
  send_to_all("warm up");
  const auto used = [] { return static_cast<int64_t>(mallinfo2().uordblks); };
  const int64_t before = used();
  send_to_all("wait");
  EXPECT_GT(used() - before, 100 * kLinks);
  send_to_all("no more");
  EXPECT_LT(used() - before, 50 * kLinks);
  for (const auto& link : links) link->connection->SetTimeout(absl::Hours(1));
  EXPECT_GT(used() - before, 100 * kLinks);
  for (const auto& link : links) {
    link->connection->SetTimeout(absl::InfiniteDuration());
  }
  EXPECT_LT(used() - before, 50 * kLinks);
}

TEST_P(TcpConnectionTest, TakesAtMost120BytesWhileItIdles) {
  static_assert(sizeof(void*) != 8 || sizeof(TcpConnection) <= 120);
}

}  // namespace
}  // namespace sluice
