#include "sluice/net/stream_handle.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/net/close_reason.h"
#include "sluice/net/socket/kernel_sockets.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/stream.h"
#include "sluice/net/tcp/tcp_connection.h"
#include "sluice/net/tcp/tcp_connection_test_base.h"
#include "sluice/net/transport/test_peer.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;

static_assert(std::is_copy_assignable_v<StreamHandle>);
static_assert(sizeof(void*) != 8 || sizeof(StreamHandle) == 24);

// The cost of a message in addition to its bytes.
constexpr uint64_t kMessageCost = 128;

class StreamHandleTest : public TcpConnectionTest {
 protected:
  // Replaces the link's connection, in the same context.
  void Reconnect(Link& link) {
    auto [first, second] = NewSocketPair(loop_.get(), KernelSockets());
    link.connection.reset();
    link.handler = TestHandler();
    link.peer = TestPeer(std::move(first));
    link.connection = std::make_unique<TcpConnection>(
        link.context.get(), GetParam().make(loop_.get(), std::move(second)),
        &link.handler);
  }
};

INSTANTIATE_TEST_SUITE_P(Over, StreamHandleTest, TransportKinds(),
                         ::testing::PrintToStringParamName());

void ExpectGone(const StreamHandle& handle) {
  std::string data = "untouched, and long enough to have memory of its own";
  const std::string copy = data;
  EXPECT_THAT(handle.Write(std::move(data)),
              StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(data, copy);
  EXPECT_THAT(handle.ShutdownWrite(), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(handle.Abort(Why()), StatusIs(absl::StatusCode::kNotFound));
  bool called = false;
  StreamHandle::Callable callable = [&](Stream&) { called = true; };
  EXPECT_THAT(handle.Post(std::move(callable)),
              StatusIs(absl::StatusCode::kNotFound));
  ASSERT_TRUE(callable != nullptr);
  EXPECT_FALSE(called);
}

TEST_P(StreamHandleTest, ADefaultOneNamesNothing) {
  ExpectGone(StreamHandle());
  EXPECT_EQ(StreamHandle(), StreamHandle());
}

TEST_P(StreamHandleTest, NamesOneStream) {
  auto one = ConnectAndOpen();
  auto two = ConnectAndOpen();
  const StreamHandle handle = one->connection->handle();
  EXPECT_EQ(handle, one->connection->handle());
  EXPECT_NE(handle, two->connection->handle());
  EXPECT_NE(handle, StreamHandle());
  StreamHandle copy = handle;
  EXPECT_EQ(copy, handle);
  SLUICE_EXPECT_OK(copy.Write("to one"));
  ASSERT_TRUE(one->Until([&] {
    one->peer.Receive();
    return one->peer.received() == "to one";
  }));
  two->peer.Receive();
  EXPECT_EQ(two->peer.received(), "");
}

TEST_P(StreamHandleTest, MessagesComeInOrderAndByATask) {
  auto link = ConnectAndOpen();
  const StreamHandle handle = link->connection->handle();
  link->handler.forbidden = true;
  bool called = false;
  SLUICE_EXPECT_OK(handle.Write("one "));
  SLUICE_EXPECT_OK(handle.Post([&](Stream& stream) {
    EXPECT_EQ(&stream, link->connection.get());
    stream.Write("two ");
    called = true;
  }));
  SLUICE_EXPECT_OK(handle.Write("three"));
  SLUICE_EXPECT_OK(handle.ShutdownWrite());
  SLUICE_EXPECT_OK(handle.Write("ignored, as after Stream::ShutdownWrite()"));
  EXPECT_FALSE(called);
  EXPECT_EQ(link->connection->pending_output(), 0u);
  EXPECT_EQ(sockets_.writes, 0);
  // Direct calls on the loop come before messages that are delivered later.
  link->connection->Write("zero ");
  ASSERT_TRUE(link->UntilPeerIsClosed());
  EXPECT_TRUE(link->peer.ended());
  EXPECT_EQ(link->peer.received(), "zero one two three");
  EXPECT_EQ(link->context->messages_delivered(), 5u);
  EXPECT_EQ(link->context->messages_dropped(), 0u);
  link->handler.forbidden = false;
}

TEST_P(StreamHandleTest, AStreamThatIsNotOpenYetTakesMessages) {
  auto link = Connect();
  SLUICE_EXPECT_OK(link->connection->handle().Write("early"));
  ASSERT_TRUE(link->Until([&] {
    link->peer.Receive();
    return link->peer.received() == "early";
  }));
}

TEST_P(StreamHandleTest, ALargeMessageArrivesWhole) {
  auto link = ConnectAndOpen({}, kSmallBuffers);
  SLUICE_EXPECT_OK(link->connection->handle().Write(std::string(ManyBytes())));
  SLUICE_EXPECT_OK(link->connection->handle().ShutdownWrite());
  ASSERT_TRUE(link->UntilPeerIsClosed());
  EXPECT_TRUE(link->peer.received() == ManyBytes());
}

TEST_P(StreamHandleTest, WritesThatFollowEachOtherAreSentTogether) {
  auto link = ConnectAndOpen();
  const StreamHandle handle = link->connection->handle();
  std::string expected;
  for (int i = 0; i < 100; ++i) {
    SLUICE_EXPECT_OK(handle.Write(absl::StrCat(i, " ")));
    absl::StrAppend(&expected, i, " ");
  }
  ASSERT_TRUE(link->Until([&] {
    link->peer.Receive();
    return link->peer.received() == expected;
  }));
  EXPECT_EQ(sockets_.writes, 1);
}

// The end of a stream

TEST_P(StreamHandleTest, AfterTheEndOfTheStreamItReturnsNotFound) {
  for (const bool destroyed : {false, true}) {
    auto link = ConnectAndOpen();
    const StreamHandle handle = link->connection->handle();
    link->handler.on_closed = [&](Stream& stream) {
      ExpectGone(handle);
      ExpectGone(stream.handle());
    };
    if (destroyed) {
      link->connection.reset();
    } else {
      link->connection->Abort(Why());
    }
    ExpectGone(handle);
    if (!destroyed) {
      ASSERT_TRUE(link->UntilClosed());
      link->connection.reset();
    }
    link->context.reset();
    ExpectGone(handle);
  }
}

TEST_P(StreamHandleTest, MessagesAfterTheEndAreDroppedAndCounted) {
  for (const bool destroyed : {false, true}) {
    auto link = ConnectAndOpen();
    const StreamHandle handle = link->connection->handle();
    const auto alive = std::make_shared<int>();
    SLUICE_EXPECT_OK(handle.Write("lost"));
    SLUICE_EXPECT_OK(handle.Post([alive](Stream&) { ADD_FAILURE(); }));
    SLUICE_EXPECT_OK(handle.ShutdownWrite());
    destroyed ? link->connection.reset() : link->connection->Abort(Why());
    EXPECT_EQ(alive.use_count(), 2);
    RunIterations();
    EXPECT_EQ(alive.use_count(), 1);
    EXPECT_EQ(link->context->messages_delivered(), 0u);
    EXPECT_EQ(link->context->messages_dropped(), 3u);
  }
}

TEST_P(StreamHandleTest, TheNextStreamInItsPlaceGetsNothing) {
  auto link = ConnectAndOpen();
  std::vector<StreamHandle> earlier;
  for (int i = 0; i < 20; ++i) {
    const StreamHandle handle = link->connection->handle();
    for (const StreamHandle& other : earlier) EXPECT_NE(handle, other);
    earlier.push_back(handle);
    SLUICE_EXPECT_OK(handle.Write("to the former one"));
    SLUICE_EXPECT_OK(handle.ShutdownWrite());
    Reconnect(*link);
    SLUICE_EXPECT_OK(link->connection->handle().Write("to this one"));
    for (const StreamHandle& other : earlier) ExpectGone(other);
    ASSERT_TRUE(link->Until([&] {
      link->peer.Receive();
      return link->peer.received().size() >= 11;
    }));
    EXPECT_EQ(link->peer.received(), "to this one");
    EXPECT_FALSE(link->peer.closed());
    EXPECT_EQ(link->context->messages_delivered(), i + 1u);
    Reconnect(*link);
  }
}

TEST_P(StreamHandleTest, AfterAnAbortItReturnsNotFoundAtOnce) {
  auto link = ConnectAndOpen();
  const StreamHandle handle = link->connection->handle();
  SLUICE_EXPECT_OK(handle.Write("before"));
  SLUICE_EXPECT_OK(handle.Abort(Why()));
  ExpectGone(handle);
  ExpectGone(link->connection->handle());
  EXPECT_FALSE(link->handler.closed());
  ASSERT_TRUE(link->UntilClosed());
  EXPECT_EQ(link->handler.why, Why());
  EXPECT_EQ(link->handler.reason, CloseReason::kAborted);
  EXPECT_EQ(link->context->messages_delivered(), 2u);
}

TEST_P(StreamHandleTest, MoreThanThePeerTakesEndsTheStream) {
  auto link = ConnectAndOpen({.max_output = 100});
  sockets_.room = 0;
  const StreamHandle handle = link->connection->handle();
  SLUICE_EXPECT_OK(handle.Write(std::string(100, 'x')));
  SLUICE_EXPECT_OK(handle.Write("y"));
  ASSERT_TRUE(link->UntilClosed());
  EXPECT_EQ(link->handler.reason, CloseReason::kOutputLimit);
  ExpectGone(handle);
}

// Bounds

TEST_P(StreamHandleTest, PastMaxHandleBytesMessagesAreRefused) {
  const std::string data(1000, 'x');
  auto link = ConnectAndOpen(
      {.max_handle_bytes = 3 * (kMessageCost + data.capacity())});
  const StreamHandle handle = link->connection->handle();
  for (int round = 1; round <= 3; ++round) {
    for (int i = 0; i < 3; ++i) {
      std::string copy = data;
      copy.shrink_to_fit();
      SLUICE_EXPECT_OK(handle.Write(std::move(copy)));
    }
    std::string small = "small";
    EXPECT_THAT(handle.Write(std::move(small)),
                StatusIs(absl::StatusCode::kResourceExhausted,
                         HasSubstr("max_handle_bytes")));
    EXPECT_EQ(small, "small");
    bool called = false;
    StreamHandle::Callable callable = [&](Stream&) { called = true; };
    EXPECT_THAT(handle.Post(std::move(callable)),
                StatusIs(absl::StatusCode::kResourceExhausted));
    ASSERT_TRUE(callable != nullptr);
    std::move(callable)(*link->connection);
    EXPECT_TRUE(called);
    RunIterations();
  }
  EXPECT_EQ(link->context->messages_delivered(), 9u);
  EXPECT_EQ(link->context->messages_dropped(), 0u);
}

TEST_P(StreamHandleTest, TheBoundCountsTheCapacityOfStrings) {
  auto link = ConnectAndOpen({.max_handle_bytes = 10'000});
  std::string data = "short";
  data.reserve(20'000);
  EXPECT_THAT(link->connection->handle().Write(std::move(data)),
              StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST_P(StreamHandleTest, AllStreamsShareTheBound) {
  auto link = ConnectAndOpen({.max_handle_bytes = kMessageCost + 100});
  auto [first, second] = NewSocketPair(loop_.get(), KernelSockets());
  TestHandler handler;
  TcpConnection other(link->context.get(),
                      GetParam().make(loop_.get(), std::move(second)),
                      &handler);
  SLUICE_EXPECT_OK(link->connection->handle().Write("first"));
  EXPECT_THAT(other.handle().Write("second"),
              StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST_P(StreamHandleTest, CallablesCountToo) {
  auto link = ConnectAndOpen({.max_handle_bytes = 10 * kMessageCost});
  const StreamHandle handle = link->connection->handle();
  int called = 0;
  for (int i = 0; i < 10; ++i) {
    SLUICE_EXPECT_OK(handle.Post([&](Stream&) {
      // A message is under way until the iteration has delivered it.
      EXPECT_THAT(handle.Write(""),
                  StatusIs(absl::StatusCode::kResourceExhausted));
      ++called;
    }));
  }
  EXPECT_THAT(handle.Post([](Stream&) {}),
              StatusIs(absl::StatusCode::kResourceExhausted));
  RunIterations(1);
  EXPECT_EQ(called, 10);
  SLUICE_EXPECT_OK(handle.Post([](Stream&) {}));
}

TEST_P(StreamHandleTest, ThereIsAlwaysRoomForHalfCloseAndAbort) {
  auto link = ConnectAndOpen({.max_handle_bytes = 0});
  const StreamHandle handle = link->connection->handle();
  EXPECT_THAT(handle.Write(""), StatusIs(absl::StatusCode::kResourceExhausted));
  for (int i = 0; i < 100; ++i) SLUICE_EXPECT_OK(handle.ShutdownWrite());
  SLUICE_EXPECT_OK(handle.Abort(Why()));
  ASSERT_TRUE(link->UntilClosed());
  EXPECT_EQ(link->handler.reason, CloseReason::kAborted);
  // The mailbox queues at most one of each.
  EXPECT_EQ(link->context->messages_delivered(), 2u);
}

TEST_P(StreamHandleTest, DeliversAtMost1024MessagesPerIteration) {
  auto link = ConnectAndOpen();
  const StreamHandle handle = link->connection->handle();
  int called = 0;
  for (int i = 0; i < 2500; ++i) {
    SLUICE_EXPECT_OK(handle.Post([&, i](Stream&) { EXPECT_EQ(called++, i); }));
  }
  for (const int expected : {1024, 2048, 2500, 2500}) {
    RunIterations(1);
    EXPECT_EQ(called, expected);
  }
}

TEST_P(StreamHandleTest, MessagesSentByAMessageComeInALaterIteration) {
  auto link = ConnectAndOpen();
  const StreamHandle handle = link->connection->handle();
  SLUICE_EXPECT_OK(handle.Post([&](Stream&) {
    SLUICE_EXPECT_OK(handle.Post([&](Stream& stream) { stream.Write("x"); }));
  }));
  RunIterations(1);
  EXPECT_EQ(link->context->messages_delivered(), 1u);
  RunIterations(1);
  EXPECT_EQ(link->context->messages_delivered(), 2u);
}

// The freedom of users' code

TEST_P(StreamHandleTest, ACallableMayDestroyTheStreamAndItsContext) {
  for (const bool context_too : {false, true}) {
    auto link = ConnectAndOpen();
    // The last handle is in the mailbox itself.
    std::optional<StreamHandle> handle = link->connection->handle();
    const auto alive = std::make_shared<int>();
    SLUICE_EXPECT_OK(handle->Post([&](Stream&) {
      link->connection.reset();
      if (context_too) link->context.reset();
    }));
    SLUICE_EXPECT_OK(handle->Post([alive](Stream&) { ADD_FAILURE(); }));
    SLUICE_EXPECT_OK(handle->Write("lost"));
    handle.reset();
    RunIterations();
    EXPECT_EQ(link->connection, nullptr);
    EXPECT_EQ(alive.use_count(), 1);
    ASSERT_TRUE(link->UntilPeerIsClosed());
    EXPECT_EQ(link->peer.received(), "");
  }
}

TEST_P(StreamHandleTest, ACallableMayCallTheStream) {
  auto link = ConnectAndOpen();
  link->handler.on_input_end = [](Stream&) {};
  const StreamHandle handle = link->connection->handle();
  SLUICE_EXPECT_OK(handle.Post([](Stream& stream) {
    stream.PauseReading();
    stream.Cork();
    stream.Write("one ");
    stream.Write("two");
    stream.ResumeReading();
    stream.ShutdownWrite();
  }));
  ASSERT_TRUE(link->UntilPeerIsClosed());
  EXPECT_EQ(link->peer.received(), "one two");
  EXPECT_EQ(sockets_.writes, 1);
  link->peer.ShutdownWrite();
  ASSERT_TRUE(link->UntilClosed());
  EXPECT_EQ(link->handler.reason, CloseReason::kNormal);
}

// A callable that calls its handle when it is moved or destroyed: with a lock
// held, it would deadlock. Small enough for AnyInvocable to hold it in place.
class Nosy {
 public:
  explicit Nosy(const StreamHandle* handle) : handle_(handle) {}
  Nosy(Nosy&& other) noexcept : handle_(other.handle_) { Call(); }
  ~Nosy() { Call(); }

  void operator()(Stream&) && {}

 private:
  void Call() { (void)handle_->Write("nosy"); }

  const StreamHandle* const handle_;
};

TEST_P(StreamHandleTest, NoLockIsHeldWhileACallableIsMovedOrDestroyed) {
  auto link = ConnectAndOpen({.max_handle_bytes = 100'000});
  const StreamHandle handle = link->connection->handle();
  const auto post = [&] {
    return handle.Post(StreamHandle::Callable(Nosy(&handle)));
  };
  for (int i = 0; i < 20; ++i) SLUICE_EXPECT_OK(post());
  RunIterations();  // runs it
  while (post().ok()) {
  }  // refused
  RunIterations(200);
  SLUICE_EXPECT_OK(post());
  link->connection->Abort(Why());
  RunIterations();  // dropped because its stream is gone
  EXPECT_THAT(post(), StatusIs(absl::StatusCode::kNotFound));
  Reconnect(*link);
  const StreamHandle next = link->connection->handle();
  SLUICE_EXPECT_OK(next.Post(StreamHandle::Callable(Nosy(&next))));
  link->connection.reset();
  link->context.reset();  // dropped with its mailbox
}

// The end of context and loop

TEST_P(StreamHandleTest, TheEndOfItsContextDropsAllMessages) {
  auto link = ConnectAndOpen();
  const StreamHandle handle = link->connection->handle();
  const auto alive = std::make_shared<int>();
  SLUICE_EXPECT_OK(handle.Post([alive](Stream&) { ADD_FAILURE(); }));
  link->connection.reset();
  link->context.reset();
  EXPECT_EQ(alive.use_count(), 1);
  ExpectGone(handle);
  RunIterations();
}

TEST_P(StreamHandleTest, TheEndOfItsLoopDropsAllMessages) {
  auto link = ConnectAndOpen();
  const StreamHandle handle = link->connection->handle();
  const auto alive = std::make_shared<int>();
  bool delivered = false;
  SLUICE_EXPECT_OK(handle.Post([&, alive](Stream&) {
    delivered = true;
    SLUICE_EXPECT_OK(handle.Post([alive](Stream&) { ADD_FAILURE(); }));
  }));
  loop_->Stop();
  SLUICE_EXPECT_OK(loop_->Run());
  EXPECT_TRUE(delivered);
  EXPECT_EQ(alive.use_count(), 1);
  EXPECT_EQ(link->context->messages_dropped(), 1u);
  ExpectGone(handle);
  ExpectGone(link->connection->handle());
  link->connection.reset();
  link->context.reset();
  link->loop = nullptr;
  link->handler.forbidden = true;
  loop_.reset();
  ExpectGone(handle);
}

TEST_P(StreamHandleTest, MessagesLeftAfterTheLastIterationAreDropped) {
  auto link = ConnectAndOpen();
  const StreamHandle handle = link->connection->handle();
  for (int i = 0; i < 2500; ++i) {
    SLUICE_EXPECT_OK(handle.Post([](Stream&) {}));
  }
  loop_->Stop();
  SLUICE_EXPECT_OK(loop_->Run());
  const uint64_t delivered = link->context->messages_delivered();
  EXPECT_GE(delivered, 1024u);
  EXPECT_LT(delivered, 2500u);
  EXPECT_EQ(link->context->messages_dropped(), 2500 - delivered);
  link->connection.reset();
  link->loop = nullptr;
}

TEST_P(StreamHandleTest, ALoopThatEndedWithoutMessagesDropsThemLater) {
  auto link = ConnectAndOpen();
  const StreamHandle handle = link->connection->handle();
  loop_->Stop();
  SLUICE_EXPECT_OK(loop_->Run());
  const auto alive = std::make_shared<int>();
  SLUICE_EXPECT_OK(handle.Post([alive](Stream&) { ADD_FAILURE(); }));
  link->connection.reset();
  link->context.reset();
  EXPECT_EQ(alive.use_count(), 1);
  link->loop = nullptr;
  loop_.reset();
  ExpectGone(handle);
}

// Threads

TEST_P(StreamHandleTest, MessagesOfOneThreadKeepTheirOrder) {
  constexpr int kThreads = 4;
  constexpr int kMessages = 2000;
  auto link = ConnectAndOpen();
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([t, handle = link->connection->handle()] {
      for (int i = 0; i < kMessages; ++i) {
        std::string line = absl::StrCat(t, " ", i, "\n");
        if (i % 3 != 0) {
          SLUICE_EXPECT_OK(handle.Write(std::move(line)));
        } else {
          SLUICE_EXPECT_OK(handle.Post(
              [line = std::move(line)](Stream& s) { s.Write(line); }));
        }
      }
    });
  }
  int next[kThreads] = {};
  size_t at = 0;
  const std::string& received = link->peer.received();
  EXPECT_TRUE(link->Until([&] {
    link->peer.Receive();
    for (size_t end; (end = received.find('\n', at)) != received.npos;) {
      const int t = received[at] - '0';
      EXPECT_EQ(received.substr(at, end - at), absl::StrCat(t, " ", next[t]));
      ++next[t];
      at = end + 1;
    }
    return link->context->messages_delivered() == kThreads * kMessages &&
           next[0] + next[1] + next[2] + next[3] == kThreads * kMessages;
  }));
  for (std::thread& thread : threads) thread.join();
}

TEST_P(StreamHandleTest, StreamContextAndLoopMayGoWhileThreadsCall) {
  constexpr int kRounds = 30;
  for (int round = 0; round < kRounds; ++round) {
    auto link = ConnectAndOpen();
    const auto alive = std::make_shared<int>();
    std::atomic<int> calls{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&, t, handle = link->connection->handle()] {
        absl::Status status;
        while (!absl::IsNotFound(status)) {
          status =
              t == 0 ? handle.Write("data") : handle.Post([alive](Stream&) {});
          calls.fetch_add(1);
        }
      });
    }
    EXPECT_TRUE(link->Until([&] { return calls.load() > 10; }));
    if (round % 3 > 0) link->connection.reset();
    if (round % 3 > 1) link->context.reset();
    if (round % 3 == 0) {
      // A message is under way when the loop ends, and is abandoned.
      loop_->Stop();
      SLUICE_EXPECT_OK(loop_->Run());
      link->connection.reset();
      link->context.reset();
      link->loop = nullptr;
      NewLoop();
    }
    for (std::thread& thread : threads) thread.join();
    link.reset();
    RunIterations(5);
    EXPECT_EQ(alive.use_count(), 1);
  }
}

TEST_P(StreamHandleTest, MisuseIsFatal) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  auto link = ConnectAndOpen();
  const StreamHandle handle = link->connection->handle();
  EXPECT_DEATH((void)handle.Abort(absl::OkStatus()), "why.ok");
  EXPECT_DEATH((void)handle.Post(nullptr), "callable != nullptr");
}

}  // namespace
}  // namespace sluice
