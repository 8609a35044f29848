#include "sluice/net/tcp_connection.h"

#include <dirent.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <ostream>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/status_matchers.h"
#include "sluice/event/epoll_poller.h"
#include "sluice/event/event_loop.h"
#include "sluice/event/loop_task.h"
#include "sluice/net/close_reason.h"
#include "sluice/net/deferred_transport.h"
#include "sluice/net/kernel_sockets.h"
#include "sluice/net/socket_api.h"
#include "sluice/net/socket_transport.h"
#include "sluice/net/stream.h"
#include "sluice/net/test_peer.h"
#include "sluice/net/transport.h"
#include "sluice/timer/sim_clock.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// More than the kernel holds for a connection made with kSmallBuffers.
constexpr size_t kManyBytes = 2 << 20;
constexpr int kSmallBuffers = 256 * 1024;

std::string Pattern(size_t size) {
  std::string bytes(size, '\0');
  uint32_t state = 1;
  for (char& byte : bytes) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<char>(state >> 24);
  }
  return bytes;
}

// kManyBytes of it.
const std::string& ManyBytes() {
  static const std::string& bytes = *new std::string(Pattern(kManyBytes));
  return bytes;
}

int OpenDescriptors() {
  DIR* const dir = opendir("/proc/self/fd");
  int count = 0;
  while (readdir(dir) != nullptr) ++count;
  closedir(dir);
  return count;
}

enum class Callback {
  kOpen,
  kInput,
  kInputEnd,
  kDrained,
  kTimeout,
  kDraining,
  kClosed,
};
constexpr std::array kAllCallbacks = {Callback::kOpen,     Callback::kInput,
                                      Callback::kInputEnd, Callback::kDrained,
                                      Callback::kTimeout,  Callback::kDraining,
                                      Callback::kClosed};

// Takes down what it is told, consumes all input unless on_input says
// otherwise, and fails if the calls break their order. A hook takes the place
// of the default of StreamHandler, and may destroy the stream.
class TestHandler final : public StreamHandler {
 public:
  std::function<void(Stream&)> on_open;
  std::function<size_t(Stream&, absl::string_view)> on_input;
  std::function<void(Stream&)> on_input_end;
  std::function<void(Stream&)> on_drained;
  std::function<void(Stream&)> on_timeout;
  std::function<void(Stream&)> on_draining;
  std::function<void(Stream&)> on_closed;
  // Before the hook of the same call; false: no hook is called.
  std::function<bool(Callback, Stream&)> on_any;

  std::vector<std::string> offered;  // what OnInput() was shown
  std::string input;                 // what it consumed
  absl::Status why;
  CloseReason reason = CloseReason::kDone;
  bool forbidden = false;  // no call may come

  int count(Callback callback) const {
    return counts_[static_cast<size_t>(callback)];
  }
  bool closed() const { return count(Callback::kClosed) > 0; }

  void OnOpen(Stream& stream) override {
    if (!Note(Callback::kOpen, stream)) return;
    on_open ? on_open(stream) : StreamHandler::OnOpen(stream);
  }
  size_t OnInput(Stream& stream, absl::string_view bytes) override {
    EXPECT_FALSE(bytes.empty());
    // After the end of input only a rest is offered anew.
    EXPECT_TRUE(count(Callback::kInputEnd) == 0 || bytes.size() == rest_);
    if (keep_offered) offered.emplace_back(bytes);
    if (!Note(Callback::kInput, stream)) return 0;
    const size_t consumed = on_input ? on_input(stream, bytes) : bytes.size();
    if (keep_input) input.append(bytes.data(), consumed);
    rest_ = bytes.size() - consumed;
    return consumed;
  }
  void OnInputEnd(Stream& stream) override {
    if (!Note(Callback::kInputEnd, stream)) return;
    EXPECT_EQ(count(Callback::kInputEnd), 1);
    on_input_end ? on_input_end(stream) : StreamHandler::OnInputEnd(stream);
  }
  void OnDrained(Stream& stream) override {
    if (!Note(Callback::kDrained, stream)) return;
    on_drained ? on_drained(stream) : StreamHandler::OnDrained(stream);
  }
  void OnTimeout(Stream& stream) override {
    if (!Note(Callback::kTimeout, stream)) return;
    on_timeout ? on_timeout(stream) : StreamHandler::OnTimeout(stream);
  }
  void OnDraining(Stream& stream) override {
    EXPECT_EQ(count(Callback::kDraining), 0);
    if (!Note(Callback::kDraining, stream)) return;
    on_draining ? on_draining(stream) : StreamHandler::OnDraining(stream);
  }
  void OnClosed(Stream& stream, absl::Status status,
                CloseReason closed_for) override {
    EXPECT_EQ(status.ok(), closed_for == CloseReason::kDone) << status;
    why = status;
    reason = closed_for;
    if (!Note(Callback::kClosed, stream)) return;
    on_closed ? on_closed(stream)
              : StreamHandler::OnClosed(stream, std::move(status), closed_for);
  }

  bool keep_offered = true;
  bool keep_input = true;

 private:
  // False: the stream may be gone.
  bool Note(Callback callback, Stream& stream) {
    EXPECT_FALSE(forbidden) << static_cast<int>(callback);
    EXPECT_FALSE(closed()) << static_cast<int>(callback);
    if (callback == Callback::kOpen) {
      EXPECT_EQ(count(callback), 0);
    } else if (callback != Callback::kClosed &&
               callback != Callback::kTimeout) {
      EXPECT_EQ(count(Callback::kOpen), 1) << static_cast<int>(callback);
    }
    ++counts_[static_cast<size_t>(callback)];
    return !on_any || on_any(callback, stream);
  }

  std::array<int, kAllCallbacks.size()> counts_{};
  size_t rest_ = 0;
};

struct TransportKind {
  friend std::ostream& operator<<(std::ostream& os, const TransportKind& kind) {
    return os << kind.name;
  }
  const char* name;
  TransportPtr (*make)(EventLoop*, Socket);
};

// A connection and its peer.
struct Link {
  explicit Link(EventLoop* its_loop, Socket socket)
      : loop(its_loop), peer(std::move(socket)) {}
  ~Link() {
    connection.reset();
    // What it leaves behind must not touch the handler.
    handler.forbidden = true;
    if (loop != nullptr) RunTurns(loop, 5);
  }

  bool Until(absl::FunctionRef<bool()> done) { return RunUntil(loop, done); }
  void Open() { ASSERT_TRUE(UntilOpen()); }
  bool UntilOpen() {
    return Until([&] { return handler.count(Callback::kOpen) == 1; });
  }
  bool UntilClosed() {
    return Until([&] { return handler.closed(); });
  }
  bool UntilPeerIsClosed() {
    return Until([&] {
      peer.Receive();
      return peer.closed();
    });
  }
  bool PeerSends(absl::string_view bytes) {
    return Until([&] {
      bytes.remove_prefix(peer.Send(bytes));
      return bytes.empty();
    });
  }

  EventLoop* loop;  // null: it takes no more turns
  TestPeer peer;
  TestHandler handler;
  std::unique_ptr<ConnectionContext> context;
  std::unique_ptr<TcpConnection> connection;
};

class TcpConnectionTest : public ::testing::TestWithParam<TransportKind> {
 protected:
  TcpConnectionTest() : descriptors_(OpenDescriptors()) {
    EventLoop::Options options;
    options.poller = *EpollPoller::Create();
    options.clock = &clock_;
    loop_ = *EventLoop::Create(std::move(options));
  }
  // In every test.
  ~TcpConnectionTest() override {
    loop_.reset();
    EXPECT_EQ(OpenDescriptors(), descriptors_) << "descriptors are left open";
  }

  // A connection that has not opened yet.
  std::unique_ptr<Link> Connect(const ConnectionOptions& options = {},
                                int buffer_bytes = 0,
                                ConnectionOwner* owner = nullptr) {
    auto [first, second] =
        NewSocketPair(loop_.get(), KernelSockets(), buffer_bytes);
    auto link = std::make_unique<Link>(loop_.get(), std::move(first));
    link->context =
        std::make_unique<ConnectionContext>(loop_.get(), options, owner);
    link->connection = std::make_unique<TcpConnection>(
        link->context.get(), GetParam().make(loop_.get(), std::move(second)),
        &link->handler, /*tag=*/7);
    return link;
  }
  std::unique_ptr<Link> ConnectAndOpen(const ConnectionOptions& options = {},
                                       int buffer_bytes = 0) {
    auto link = Connect(options, buffer_bytes);
    EXPECT_TRUE(link->UntilOpen());
    return link;
  }

  void Turns(int turns = 20) { RunTurns(loop_.get(), turns); }
  // Lets time pass in steps, with turns at each, until `done`; how much passed.
  absl::Duration AdvanceUntil(absl::FunctionRef<bool()> done,
                              absl::Duration step, absl::Duration limit) {
    absl::Duration passed;
    while (!done() && passed < limit) {
      clock_.Advance(step);
      passed += step;
      Turns(3);
    }
    return passed;
  }

  const int descriptors_;
  SimClock clock_;
  std::unique_ptr<EventLoop> loop_;
};

INSTANTIATE_TEST_SUITE_P(
    Over, TcpConnectionTest,
    ::testing::Values(TransportKind{"socket", NewSocketTransport},
                      TransportKind{"deferred", NewDeferredTransport}),
    ::testing::PrintToStringParamName());

absl::Status Why() { return absl::AbortedError("for the test"); }

// Opening.

TEST_P(TcpConnectionTest, OpensOnceAndFirstAndNotInsideTheConstructor) {
  auto link = Connect();
  EXPECT_EQ(link->handler.count(Callback::kOpen), 0);
  EXPECT_EQ(link->connection->tag(), 7u);
  EXPECT_EQ(link->connection->executor(), loop_.get());
  ASSERT_TRUE(link->PeerSends("early"));
  ASSERT_TRUE(link->Until([&] { return link->handler.input == "early"; }));
  EXPECT_EQ(link->handler.count(Callback::kOpen), 1);
}

TEST_P(TcpConnectionTest, WritesAndFinishBeforeOnOpenAreKept) {
  auto link = Connect();
  EXPECT_TRUE(link->connection->Write("one "));
  EXPECT_TRUE(link->connection->Write(absl::Cord("two")));
  EXPECT_EQ(link->connection->pending_output(), 7u);
  link->connection->Finish();
  EXPECT_FALSE(link->connection->Write("three"));
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
  Turns();
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

// Input.

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

TEST_P(TcpConnectionTest, OffersARestTogetherWithWhatComesNext) {
  auto link = ConnectAndOpen();
  // Whole lines.
  link->handler.on_input = [](Stream&, absl::string_view input) {
    return input.rfind('\n') + 1;
  };
  for (const char* const piece : {"one", "\ntwo\nth", "re", "e\n", "four\n"}) {
    const size_t offers = link->handler.offered.size();
    ASSERT_TRUE(link->PeerSends(piece));
    ASSERT_TRUE(
        link->Until([&] { return link->handler.offered.size() > offers; }));
  }
  Turns();
  EXPECT_THAT(link->handler.offered,
              ElementsAre("one", "one\ntwo\nth", "thre", "three\n", "four\n"));
  EXPECT_EQ(link->handler.input, "one\ntwo\nthree\nfour\n");
}

TEST_P(TcpConnectionTest, TheEndOfInputComesThoughARestIsKept) {
  auto link = ConnectAndOpen();
  link->handler.on_input = [](Stream&, absl::string_view) { return size_t{0}; };
  ASSERT_TRUE(link->PeerSends("rest"));
  link->peer.FinishSending();
  ASSERT_TRUE(link->UntilClosed());
  EXPECT_THAT(link->handler.offered, ElementsAre("rest"));
  EXPECT_EQ(link->handler.reason, CloseReason::kDone);
}

TEST_P(TcpConnectionTest, ARestOfMaxInputEndsTheStream) {
  auto link = ConnectAndOpen({.max_input = 10});
  link->handler.on_input = [](Stream&, absl::string_view input) {
    return std::min<size_t>(input.size(), 1);
  };
  ASSERT_TRUE(link->PeerSends("0123456789"));  // leaves 9
  ASSERT_TRUE(link->Until([&] { return link->handler.offered.size() == 1; }));
  Turns();
  EXPECT_FALSE(link->handler.closed());
  ASSERT_TRUE(link->PeerSends("ab"));  // leaves 10
  ASSERT_TRUE(link->UntilClosed());
  EXPECT_EQ(link->handler.reason, CloseReason::kInputCap);
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
  EXPECT_EQ(link->handler.reason, CloseReason::kInputCap);
}

TEST_P(TcpConnectionTest, ARestOfMaxInputIsKeptByWhoPauses) {
  auto link = ConnectAndOpen({.max_input = 10});
  link->handler.on_input = [](Stream& stream, absl::string_view) {
    stream.PauseReading();
    return size_t{0};
  };
  ASSERT_TRUE(link->PeerSends("0123456789"));
  ASSERT_TRUE(link->Until([&] { return link->handler.offered.size() == 1; }));
  Turns();
  EXPECT_FALSE(link->handler.closed());
  // The same for what is offered anew; until somebody does not pause.
  link->connection->ResumeReading();
  ASSERT_TRUE(link->Until([&] { return link->handler.offered.size() == 2; }));
  Turns();
  EXPECT_FALSE(link->handler.closed());
  link->handler.on_input = [](Stream&, absl::string_view) { return size_t{0}; };
  link->connection->ResumeReading();
  ASSERT_TRUE(link->UntilClosed());
  EXPECT_EQ(link->handler.reason, CloseReason::kInputCap);
}

TEST_P(TcpConnectionTest, APausedStreamIsOfferedNothing) {
  auto link = ConnectAndOpen();
  link->connection->PauseReading();
  link->connection->PauseReading();
  ASSERT_TRUE(link->PeerSends("kept"));
  link->peer.FinishSending();
  ASSERT_TRUE(link->Until([&] { return link->connection->HasUnreadInput(); }));
  Turns();
  EXPECT_EQ(link->handler.count(Callback::kInput), 0);
  EXPECT_EQ(link->handler.count(Callback::kInputEnd), 0);
  link->connection->ResumeReading();
  EXPECT_EQ(link->handler.count(Callback::kInput), 0);
  ASSERT_TRUE(link->UntilClosed());
  EXPECT_EQ(link->handler.input, "kept");
  EXPECT_EQ(link->handler.count(Callback::kInputEnd), 1);
}

TEST_P(TcpConnectionTest, ResumeOffersWhatWasKeptAnewByATask) {
  auto link = ConnectAndOpen();
  bool pausing = true;
  link->handler.on_input = [&](Stream& stream, absl::string_view input) {
    if (!pausing) return input.size();
    stream.PauseReading();
    return size_t{2};
  };
  ASSERT_TRUE(link->PeerSends("abcdef"));
  ASSERT_TRUE(link->Until([&] { return link->handler.offered.size() == 1; }));
  link->peer.FinishSending();
  Turns();
  EXPECT_TRUE(link->connection->HasUnreadInput());
  EXPECT_EQ(link->handler.offered.size(), 1u);
  link->connection->ResumeReading();
  EXPECT_EQ(link->handler.offered.size(), 1u);
  ASSERT_TRUE(link->Until([&] { return link->handler.offered.size() == 2; }));
  // That call has paused again: the end of input waits for what is left.
  Turns();
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
  Turns();
  EXPECT_EQ(link->handler.offered.size(), 1u);
  link->handler.on_input = nullptr;
  link->connection->ResumeReading();
  ASSERT_TRUE(link->Until([&] { return link->handler.input == "keptmore"; }));
}

// As a handler does that asks somebody else and gets the answer at once.
TEST_P(TcpConnectionTest, ResumeInsideOnInputOffersWhatThatCallLeaves) {
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

TEST_P(TcpConnectionTest, ResumeOffersARestAnewAfterTheEndOfInputToo) {
  auto link = ConnectAndOpen();
  bool consume = false;
  link->handler.on_input = [&](Stream&, absl::string_view input) {
    return consume ? input.size() : 0;
  };
  link->handler.on_input_end = [](Stream&) {};
  ASSERT_TRUE(link->PeerSends("rest"));
  link->peer.FinishSending();
  ASSERT_TRUE(link->Until(
      [&] { return link->handler.count(Callback::kInputEnd) == 1; }));
  consume = true;
  link->connection->PauseReading();
  link->connection->ResumeReading();
  ASSERT_TRUE(link->Until([&] { return link->handler.input == "rest"; }));
}

TEST_P(TcpConnectionTest, UnreadInputIsWhatArrivedAndWasNotConsumed) {
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

// Output.

TEST_P(TcpConnectionTest, WriteSaysWhenToStopAndOnDrainedWhenToGoOn) {
  auto link = ConnectAndOpen({.high_water = 100'000, .low_water = 50'000},
                             kSmallBuffers);
  uint64_t written = 0;
  const std::string piece = Pattern(30'000);
  link->handler.on_drained = [&](Stream& stream) {
    EXPECT_LE(stream.pending_output(), 50'000u);
  };
  for (int round = 1; round <= 3; ++round) {
    bool more = true;
    while (more) {
      more = link->connection->Write(piece);
      written += piece.size();
      EXPECT_EQ(more, link->connection->pending_output() <= 100'000);
    }
    // Below the mark, but not drained: still no.
    ASSERT_TRUE(link->Until([&] {
      link->peer.Receive(10'000);
      return link->connection->pending_output() < 90'000;
    }));
    if (link->handler.count(Callback::kDrained) < round) {
      EXPECT_FALSE(link->connection->Write("x"));
      written += 1;
    }
    ASSERT_TRUE(link->Until([&] {
      link->peer.Receive();
      return link->peer.received_bytes() == written &&
             link->connection->pending_output() == 0;
    }));
    EXPECT_EQ(link->handler.count(Callback::kDrained), round);
  }
}

TEST_P(TcpConnectionTest, OutputThatStaysBelowHighWaterIsNotDrained) {
  auto link = ConnectAndOpen({}, kSmallBuffers);
  ASSERT_TRUE(link->connection->Write(Pattern(200'000)));
  ASSERT_TRUE(link->Until([&] {
    link->peer.Receive();
    return link->peer.received_bytes() == 200'000;
  }));
  Turns();
  EXPECT_EQ(link->handler.count(Callback::kDrained), 0);
}

TEST_P(TcpConnectionTest, OutputPastMaxOutputEndsTheStream) {
  for (const bool cord : {false, true}) {
    auto link = Connect({.max_output = 10});  // not open: all is queued
    EXPECT_TRUE(link->connection->Write("0123456789"));
    EXPECT_EQ(link->connection->pending_output(), 10u);
    EXPECT_FALSE(cord ? link->connection->Write(absl::Cord("a"))
                      : link->connection->Write("a"));
    EXPECT_EQ(link->connection->pending_output(), 0u);
    EXPECT_FALSE(link->handler.closed());
    ASSERT_TRUE(link->UntilClosed());
    EXPECT_EQ(link->handler.reason, CloseReason::kOutputCap);
    EXPECT_THAT(link->handler.why,
                StatusIs(absl::StatusCode::kResourceExhausted,
                         HasSubstr("10 bytes of output wait, 1 more")));
    ASSERT_TRUE(link->UntilPeerIsClosed());
    EXPECT_EQ(link->peer.error(), ECONNRESET);
  }
}

TEST_P(TcpConnectionTest, WhatIsWrittenArrivesWholeAndInOrder) {
  auto link = ConnectAndOpen({}, kSmallBuffers);
  std::string expected;
  const std::string& bytes = ManyBytes();
  absl::Cord cord;  // of more pieces than one system call takes
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
  link->connection->Finish();
  ASSERT_TRUE(link->UntilPeerIsClosed());
  EXPECT_TRUE(link->peer.ended());
  EXPECT_TRUE(link->peer.received() == expected);
}

TEST_P(TcpConnectionTest, FinishIsFinAfterPendingOutput) {
  auto link = ConnectAndOpen({}, kSmallBuffers);
  const std::string& bytes = ManyBytes();
  link->connection->Write(bytes);
  link->connection->Finish();
  link->connection->Finish();
  EXPECT_FALSE(link->connection->Write("late"));
  EXPECT_FALSE(link->connection->Write(absl::Cord("late")));
  ASSERT_TRUE(link->UntilPeerIsClosed());
  EXPECT_TRUE(link->peer.ended());
  EXPECT_TRUE(link->peer.received() == bytes);
  EXPECT_FALSE(link->connection->Write("later"));
  Turns();
  EXPECT_FALSE(link->handler.closed());  // the peer may still send
}

// Half-close.

TEST_P(TcpConnectionTest, SendsForLongAfterThePeersFin) {
  auto link = ConnectAndOpen({}, kSmallBuffers);
  link->handler.on_input_end = [](Stream&) {};
  link->peer.FinishSending();
  ASSERT_TRUE(link->Until(
      [&] { return link->handler.count(Callback::kInputEnd) == 1; }));
  const std::string& bytes = ManyBytes();
  for (int i = 0; i < 2; ++i) {
    link->connection->Write(bytes);
    ASSERT_TRUE(link->Until([&] {
      link->peer.Receive();
      return link->connection->pending_output() == 0;
    }));
    Turns();
    EXPECT_FALSE(link->handler.closed());
  }
  link->connection->Finish();
  EXPECT_FALSE(link->handler.closed());
  ASSERT_TRUE(link->UntilClosed());
  EXPECT_EQ(link->handler.reason, CloseReason::kDone);
  ASSERT_TRUE(link->UntilPeerIsClosed());
  EXPECT_TRUE(link->peer.ended());
  EXPECT_TRUE(link->peer.received() == bytes + bytes);
}

TEST_P(TcpConnectionTest, FinishedWithThePeerOutputIsStillSent) {
  auto link = ConnectAndOpen({}, kSmallBuffers);
  link->handler.on_input_end = [](Stream&) {};
  link->peer.FinishSending();
  ASSERT_TRUE(link->Until(
      [&] { return link->handler.count(Callback::kInputEnd) == 1; }));
  const std::string& bytes = ManyBytes();
  link->connection->Write(bytes);
  link->connection->Finish();
  Turns();
  EXPECT_FALSE(link->handler.closed());
  ASSERT_TRUE(link->UntilPeerIsClosed());
  EXPECT_TRUE(link->peer.ended());
  EXPECT_TRUE(link->peer.received() == bytes);
  ASSERT_TRUE(link->UntilClosed());
  EXPECT_EQ(link->handler.reason, CloseReason::kDone);
}

TEST_P(TcpConnectionTest, ReceivesForLongAfterFinish) {
  auto link = ConnectAndOpen({}, kSmallBuffers);
  link->connection->Finish();
  ASSERT_TRUE(link->UntilPeerIsClosed());
  const std::string& bytes = ManyBytes();
  ASSERT_TRUE(link->PeerSends(bytes));
  ASSERT_TRUE(
      link->Until([&] { return link->handler.input.size() >= bytes.size(); }));
  Turns();
  EXPECT_FALSE(link->handler.closed());
  link->peer.FinishSending();
  ASSERT_TRUE(link->UntilClosed());
  EXPECT_EQ(link->handler.reason, CloseReason::kDone);
  EXPECT_TRUE(link->handler.input == bytes);
}

TEST_P(TcpConnectionTest, BothEndsMayFinishAtOnce) {
  auto link = ConnectAndOpen();
  link->connection->Write("a");
  link->connection->Finish();
  ASSERT_TRUE(link->PeerSends("b"));
  link->peer.FinishSending();
  ASSERT_TRUE(link->UntilClosed());
  EXPECT_EQ(link->handler.reason, CloseReason::kDone);
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
    link->peer.FinishSending();
    ASSERT_TRUE(link->UntilPeerIsClosed());
    ASSERT_TRUE(link->peer.ended());
    ASSERT_EQ(link->peer.received(), "message");
    ASSERT_TRUE(link->UntilClosed());
    ASSERT_EQ(link->handler.reason, CloseReason::kDone);
  }
}

// Ending.

TEST_P(TcpConnectionTest, AbortResetsAndTellsWhy) {
  auto link = ConnectAndOpen({}, kSmallBuffers);
  link->connection->Write(ManyBytes());
  link->connection->Abort(Why());
  link->connection->Abort(absl::InternalError("the second"));
  EXPECT_EQ(link->connection->pending_output(), 0u);
  EXPECT_FALSE(link->handler.closed());  // it comes by a task
  ASSERT_TRUE(link->UntilClosed());
  EXPECT_EQ(link->handler.why, Why());
  EXPECT_EQ(link->handler.reason, CloseReason::kAborted);
  ASSERT_TRUE(link->UntilPeerIsClosed());
  EXPECT_EQ(link->peer.error(), ECONNRESET);
  EXPECT_LT(link->peer.received_bytes(), kManyBytes);
}

TEST_P(TcpConnectionTest, CloseForAReasonIsGracefulUnlessForced) {
  for (const CloseReason reason :
       {CloseReason::kIdleTimeout, CloseReason::kServerGone,
        CloseReason::kDrainForced}) {
    auto link = ConnectAndOpen();
    EXPECT_TRUE(link->connection->Close(Why(), reason));
    EXPECT_FALSE(link->connection->Close(Why(), CloseReason::kAborted));
    ASSERT_TRUE(link->UntilClosed());
    EXPECT_EQ(link->handler.reason, reason);
    EXPECT_EQ(link->handler.why, Why());
    ASSERT_TRUE(link->UntilPeerIsClosed());
    EXPECT_EQ(link->peer.ended(), reason == CloseReason::kIdleTimeout);
  }
}

TEST_P(TcpConnectionTest, CloseWithOutputPendingIsAReset) {
  for (const bool open : {false, true}) {
    auto link = Connect({}, kSmallBuffers);
    if (open) link->Open();
    link->connection->Write(ManyBytes());
    link->connection->Close(Why(), CloseReason::kIdleTimeout);
    ASSERT_TRUE(link->UntilPeerIsClosed());
    EXPECT_EQ(link->peer.error(), ECONNRESET);
  }
}

TEST_P(TcpConnectionTest, DestructionResetsAndCallsNothing) {
  for (const bool open : {false, true}) {
    auto link = Connect({}, kSmallBuffers);
    if (open) link->Open();
    link->connection->Write(ManyBytes());
    link->connection->SetTimeout(absl::Seconds(1));
    link->handler.forbidden = true;
    link->connection.reset();
    clock_.Advance(absl::Seconds(2));
    ASSERT_TRUE(link->UntilPeerIsClosed());
    EXPECT_EQ(link->peer.error(), ECONNRESET);
  }
}

TEST_P(TcpConnectionTest, DestructionAfterTheEndCallsNothing) {
  auto link = ConnectAndOpen();
  link->connection->Abort(Why());
  link->handler.forbidden = true;
  link->connection.reset();
  Turns();
}

TEST_P(TcpConnectionTest, APeersResetEndsTheStream) {
  for (const bool paused : {false, true}) {
    for (const bool writing : {false, true}) {
      auto link = ConnectAndOpen({}, kSmallBuffers);
      if (paused) link->connection->PauseReading();
      if (writing) link->connection->Write(ManyBytes());
      Turns();
      const std::string peer =
          link->peer.Address(SocketApi::End::kLocal).ToString();
      link->peer.Close(CloseMode::kReset);
      ASSERT_TRUE(link->UntilClosed());
      EXPECT_EQ(link->handler.reason, CloseReason::kPeerReset);
      EXPECT_THAT(link->handler.why,
                  StatusIs(absl::StatusCode::kUnavailable,
                           "connection on " + peer +
                               ": Connection reset by peer (errno 104)"));
      EXPECT_EQ(link->connection->pending_output(), 0u);
    }
  }
}

class RecordingOwner final : public ConnectionOwner {
 public:
  std::function<void(TcpConnection*)> on_ended;

 private:
  void OnEnded(TcpConnection* connection) override { on_ended(connection); }
};

TEST_P(TcpConnectionTest, TheOwnerIsToldAfterOnClosedAndMayDestroy) {
  RecordingOwner owner;
  auto link = Connect({}, 0, &owner);
  bool ended = false;
  owner.on_ended = [&](TcpConnection* connection) {
    EXPECT_EQ(connection, link->connection.get());
    EXPECT_TRUE(link->handler.closed());
    link->connection.reset();
    ended = true;
  };
  link->connection->Abort(Why());
  EXPECT_FALSE(ended);
  ASSERT_TRUE(link->Until([&] { return ended; }));
}

TEST_P(TcpConnectionTest, TheOwnerIsNotToldOfWhatOnClosedDestroyed) {
  RecordingOwner owner;
  auto link = Connect({}, 0, &owner);
  owner.on_ended = [](TcpConnection*) { ADD_FAILURE(); };
  link->handler.on_closed = [&](Stream&) { link->connection.reset(); };
  link->connection->Abort(Why());
  ASSERT_TRUE(link->UntilClosed());
}

class AbortTask final : public LoopTask {
 public:
  explicit AbortTask(Stream* stream) : stream_(stream) {}
  void Run() override { stream_->Abort(Why()); }
  void Abandon() override {}

 private:
  Stream* const stream_;
};

TEST_P(TcpConnectionTest, ALoopThatEndsStillTellsOnClosed) {
  auto open = ConnectAndOpen({}, kSmallBuffers);
  open->connection->Write(ManyBytes());
  auto ended = ConnectAndOpen();
  auto destroyed = ConnectAndOpen();
  destroyed->handler.on_closed = [&](Stream&) {
    destroyed->connection.reset();
  };
  // They run in the loop's last turn, so that OnClosed() has no turn to run in.
  AbortTask abort_ended(ended->connection.get());
  AbortTask abort_destroyed(destroyed->connection.get());
  loop_->Schedule(&abort_ended);
  loop_->Schedule(&abort_destroyed);
  loop_->Stop();
  SLUICE_EXPECT_OK(loop_->Run());
  EXPECT_TRUE(ended->handler.closed());
  EXPECT_TRUE(destroyed->handler.closed());
  EXPECT_FALSE(open->handler.closed());
  // Whoever owns a stream that has not ended destroys it before the loop.
  for (const auto& link : {&open, &ended, &destroyed}) {
    (*link)->handler.forbidden = true;
    (*link)->loop = nullptr;
    link->reset();
  }
}

// All callbacks of one connection, one after the other; returns early when the
// connection has gone.
void Provoke(Link& link, SimClock& clock) {
  const auto gone = [&] { return link.connection == nullptr; };
  const auto until = [&](Callback callback) {
    return link.Until([&] {
      return gone() || link.handler.closed() ||
             link.handler.count(callback) > 0;
    });
  };
  ASSERT_TRUE(until(Callback::kOpen));
  if (gone()) return;
  link.connection->Write(ManyBytes());
  ASSERT_TRUE(link.Until([&] {
    link.peer.Receive();
    return gone() || link.handler.closed() ||
           link.handler.count(Callback::kDrained) > 0 || link.peer.closed();
  }));
  if (gone()) return;
  link.peer.Send("input");
  ASSERT_TRUE(link.Until([&] {
    return gone() || link.handler.closed() ||
           link.handler.count(Callback::kInput) > 0;
  }));
  if (gone()) return;
  link.connection->SetTimeout(absl::Seconds(1));
  clock.Advance(absl::Seconds(2));
  ASSERT_TRUE(until(Callback::kTimeout));
  if (gone()) return;
  if (!link.handler.closed() && !link.peer.closed()) link.peer.FinishSending();
  ASSERT_TRUE(until(Callback::kInputEnd));
  if (gone()) return;
  link.connection->Drain();
  if (gone()) return;
  RunTurns(link.loop);
  if (gone()) return;
  link.connection->Abort(Why());
  ASSERT_TRUE(until(Callback::kClosed));
}

TEST_P(TcpConnectionTest, EachCallbackMayDestroyTheStream) {
  for (const Callback target : kAllCallbacks) {
    SCOPED_TRACE(static_cast<int>(target));
    auto link = Connect({}, kSmallBuffers);
    link->handler.on_input_end = [](Stream&) {};
    link->handler.on_draining = [](Stream&) {};
    link->handler.on_any = [&](Callback callback, Stream&) {
      if (callback != target) return true;
      link->connection.reset();
      link->handler.forbidden = true;
      return false;
    };
    Provoke(*link, clock_);
    EXPECT_EQ(link->connection, nullptr);
    ASSERT_TRUE(link->UntilPeerIsClosed());
    EXPECT_EQ(link->peer.error(), ECONNRESET);
  }
}

TEST_P(TcpConnectionTest, EachCallbackMayMakeEachCall) {
  // Half as much as elsewhere, for the many combinations.
  const std::string large = ManyBytes().substr(kManyBytes / 2);
  const absl::Cord cord(large);
  const std::vector<std::function<void(Stream&)>> calls = {
      [](Stream& s) { s.Abort(Why()); },
      [](Stream& s) { s.Finish(); },
      [](Stream& s) { s.PauseReading(); },
      [](Stream& s) { s.ResumeReading(); },
      [](Stream& s) {
        s.PauseReading();
        s.ResumeReading();
      },
      [](Stream& s) { s.Write("small"); },
      [&](Stream& s) { s.Write(large); },
      [&](Stream& s) { s.Write(cord); },
      [&](Stream& s) {
        s.Write(large);
        s.Finish();
      },
      [](Stream& s) { s.SetTimeout(absl::Seconds(1)); },
      [](Stream& s) { s.SetTimeout(absl::InfiniteDuration()); },
      [](Stream& s) {
        s.Finish();
        s.Abort(Why());
      },
  };
  for (const Callback target : kAllCallbacks) {
    for (size_t call = 0; call < calls.size(); ++call) {
      SCOPED_TRACE(
          absl::StrCat("callback ", static_cast<int>(target), " call ", call));
      auto link = Connect({}, kSmallBuffers / 2);
      link->handler.on_input_end = [](Stream&) {};
      link->handler.on_draining = [](Stream&) {};
      bool called = false;
      link->handler.on_any = [&](Callback callback, Stream& stream) {
        if (callback == target && !std::exchange(called, true)) {
          calls[call](stream);
        }
        return true;
      };
      // What the callback did may keep others from coming.
      ASSERT_TRUE(link->UntilOpen());
      Turns(3);
      link->connection->Write(large);
      const auto turns_with_peer = [&] {
        for (int i = 0; i < 100; ++i) {
          link->peer.Receive();
          link->peer.ForgetReceived();
          Turns(1);
        }
      };
      turns_with_peer();
      link->peer.Send("input");
      turns_with_peer();
      link->connection->SetTimeout(absl::Seconds(1));
      clock_.Advance(absl::Seconds(2));
      Turns(3);
      if (!link->peer.closed()) link->peer.FinishSending();
      turns_with_peer();
      link->connection->ResumeReading();
      turns_with_peer();
      link->connection->Drain();
      turns_with_peer();
      link->connection->Abort(Why());
      ASSERT_TRUE(link->UntilClosed());
      EXPECT_TRUE(called);
      EXPECT_EQ(link->handler.count(Callback::kClosed), 1);
    }
  }
}

TEST_P(TcpConnectionTest, NoCallRunsTheHandlerInsideItself) {
  auto link = ConnectAndOpen({}, kSmallBuffers);
  ASSERT_TRUE(link->PeerSends("input"));
  link->peer.FinishSending();
  TcpConnection& connection = *link->connection;
  link->handler.forbidden = true;
  connection.PauseReading();
  connection.ResumeReading();
  connection.Write(ManyBytes());
  connection.SetTimeout(absl::ZeroDuration());
  (void)connection.HasUnreadInput();
  (void)connection.peer();
  connection.Finish();
  connection.Abort(Why());
  link->handler.forbidden = false;
  ASSERT_TRUE(link->UntilClosed());
}

TEST_P(TcpConnectionTest, AfterTheEndEachCallIsANoOp) {
  auto link = ConnectAndOpen();
  link->connection->Abort(Why());
  ASSERT_TRUE(link->UntilClosed());
  TcpConnection& connection = *link->connection;
  EXPECT_FALSE(connection.Write("x"));
  EXPECT_FALSE(connection.Write(absl::Cord("x")));
  connection.Finish();
  connection.Abort(Why());
  connection.PauseReading();
  connection.ResumeReading();
  connection.SetTimeout(absl::ZeroDuration());
  connection.Drain();
  EXPECT_EQ(connection.pending_output(), 0u);
  EXPECT_FALSE(connection.HasUnreadInput());
  clock_.Advance(absl::Hours(1));
  Turns();
  EXPECT_EQ(link->handler.count(Callback::kClosed), 1);
}

// Time.

TEST_P(TcpConnectionTest, TheTimeoutComesOnceAndNeverEarly) {
  auto link = ConnectAndOpen();
  link->connection->SetTimeout(absl::Seconds(10));
  clock_.Advance(absl::Seconds(10) - absl::Nanoseconds(1));
  Turns();
  EXPECT_EQ(link->handler.count(Callback::kTimeout), 0);
  clock_.Advance(absl::Milliseconds(2));
  Turns();
  EXPECT_EQ(link->handler.count(Callback::kTimeout), 1);
  clock_.Advance(absl::Seconds(60));
  Turns();
  EXPECT_EQ(link->handler.count(Callback::kTimeout), 1);
  EXPECT_FALSE(link->handler.closed());
}

TEST_P(TcpConnectionTest, ATimeoutTakesThePlaceOfTheLast) {
  auto link = ConnectAndOpen();
  link->connection->SetTimeout(absl::Seconds(10));
  clock_.Advance(absl::Seconds(9));
  link->connection->SetTimeout(absl::Seconds(10));
  clock_.Advance(absl::Seconds(9));
  Turns();
  EXPECT_EQ(link->handler.count(Callback::kTimeout), 0);
  link->connection->SetTimeout(absl::InfiniteDuration());
  clock_.Advance(absl::Seconds(60));
  Turns();
  EXPECT_EQ(link->handler.count(Callback::kTimeout), 0);
  link->connection->SetTimeout(absl::Milliseconds(1));
  clock_.Advance(absl::Milliseconds(2));
  Turns();
  EXPECT_EQ(link->handler.count(Callback::kTimeout), 1);
}

TEST_P(TcpConnectionTest, TheTimeoutMayBeSetAnewWhenItComes) {
  auto link = ConnectAndOpen();
  link->handler.on_timeout = [](Stream& stream) {
    stream.SetTimeout(absl::Seconds(1));
  };
  link->connection->SetTimeout(absl::Seconds(1));
  for (int i = 1; i <= 5; ++i) {
    clock_.Advance(absl::Seconds(1) + absl::Milliseconds(1));
    Turns();
    EXPECT_EQ(link->handler.count(Callback::kTimeout), i);
  }
}

TEST_P(TcpConnectionTest, AnIdleStreamEndsNeverEarlyAndAnEighthLateAtMost) {
  constexpr absl::Duration kTimeout = absl::Seconds(16);
  constexpr absl::Duration kStep = absl::Milliseconds(10);
  const auto is_idle_time = [&](absl::Duration passed) {
    EXPECT_GE(passed, kTimeout);
    EXPECT_LE(passed, kTimeout + kTimeout / 8 + absl::Milliseconds(1) + kStep);
  };
  auto link = ConnectAndOpen({.idle_timeout = kTimeout});
  const auto closed = [&] { return link->handler.closed(); };
  is_idle_time(AdvanceUntil(closed, kStep, absl::Minutes(2)));
  EXPECT_EQ(link->handler.reason, CloseReason::kIdleTimeout);
  EXPECT_THAT(link->handler.why, StatusIs(absl::StatusCode::kDeadlineExceeded,
                                          HasSubstr("idle for 16s")));
  ASSERT_TRUE(link->UntilPeerIsClosed());
  EXPECT_TRUE(link->peer.ended());

  // Input touches it.
  link = ConnectAndOpen({.idle_timeout = kTimeout});
  AdvanceUntil(closed, kStep, absl::Seconds(15));
  ASSERT_TRUE(link->PeerSends("x"));
  ASSERT_TRUE(link->Until([&] { return link->handler.input == "x"; }));
  is_idle_time(AdvanceUntil(closed, kStep, absl::Minutes(2)));

  // And so does what is sent, at once or later.
  link = ConnectAndOpen({.idle_timeout = kTimeout}, kSmallBuffers);
  AdvanceUntil(closed, kStep, absl::Seconds(15));
  link->connection->Write("x");
  ASSERT_TRUE(link->Until([&] {
    link->peer.Receive();
    return link->connection->pending_output() == 0;
  }));
  is_idle_time(AdvanceUntil(closed, kStep, absl::Minutes(2)));

  link = ConnectAndOpen({.idle_timeout = kTimeout}, kSmallBuffers);
  link->connection->Write(ManyBytes());
  Turns(100);
  AdvanceUntil(closed, kStep, absl::Seconds(15));
  ASSERT_GT(link->connection->pending_output(), 0u);
  ASSERT_TRUE(link->Until([&] {
    link->peer.Receive();
    return link->connection->pending_output() == 0;
  }));
  is_idle_time(AdvanceUntil(closed, kStep, absl::Minutes(2)));
}

TEST_P(TcpConnectionTest, WithoutAnIdleTimeoutItIdlesForEver) {
  auto link = ConnectAndOpen({.idle_timeout = absl::InfiniteDuration()});
  clock_.Advance(absl::Hours(1000));
  Turns();
  EXPECT_FALSE(link->handler.closed());
  EXPECT_EQ(loop_->timers()->size(), 0u);
}

// Draining.

TEST_P(TcpConnectionTest, ADrainedStreamFinishesWithoutThePeersFin) {
  auto link = ConnectAndOpen();
  link->connection->Drain();
  EXPECT_EQ(link->handler.count(Callback::kDraining), 1);
  link->connection->Drain();
  ASSERT_TRUE(link->UntilClosed());
  EXPECT_EQ(link->handler.reason, CloseReason::kDone);
  ASSERT_TRUE(link->UntilPeerIsClosed());
  EXPECT_TRUE(link->peer.ended());
}

TEST_P(TcpConnectionTest, ADrainedStreamLivesUntilItIsFinishedAndHasSentAll) {
  auto link = ConnectAndOpen({}, kSmallBuffers);
  link->handler.on_draining = [](Stream& stream) { stream.Write("bye "); };
  link->connection->Drain();
  Turns();
  EXPECT_FALSE(link->handler.closed());
  const std::string& bytes = ManyBytes();
  link->connection->Write(bytes);
  link->connection->Finish();
  Turns();
  EXPECT_FALSE(link->handler.closed());
  ASSERT_TRUE(link->UntilPeerIsClosed());
  EXPECT_TRUE(link->peer.ended());
  EXPECT_TRUE(link->peer.received() == "bye " + bytes);
  ASSERT_TRUE(link->UntilClosed());
  EXPECT_EQ(link->handler.reason, CloseReason::kDone);
}

TEST_P(TcpConnectionTest, AStreamThatFinishedBeforeTheDrainIsClosedByIt) {
  auto link = ConnectAndOpen();
  link->connection->Finish();
  Turns();
  EXPECT_FALSE(link->handler.closed());
  link->connection->Drain();
  ASSERT_TRUE(link->UntilClosed());
  EXPECT_EQ(link->handler.reason, CloseReason::kDone);
}

TEST_P(TcpConnectionTest, ADrainBeforeOnOpenIsToldAfterIt) {
  auto link = Connect();
  link->connection->Drain();
  EXPECT_EQ(link->handler.count(Callback::kDraining), 0);
  ASSERT_TRUE(link->UntilClosed());
  EXPECT_EQ(link->handler.count(Callback::kOpen), 1);
  EXPECT_EQ(link->handler.count(Callback::kDraining), 1);
  EXPECT_EQ(link->handler.reason, CloseReason::kDone);
}

TEST_P(TcpConnectionTest, ADrainBeforeOnOpenSurvivesItsDestruction) {
  for (const Callback target : {Callback::kOpen, Callback::kDraining}) {
    auto link = Connect();
    link->connection->Drain();
    link->handler.on_any = [&](Callback callback, Stream&) {
      if (callback != target) return true;
      link->connection.reset();
      return false;
    };
    ASSERT_TRUE(link->Until([&] { return link->connection == nullptr; }));
  }
}

// Limits and counters.

TEST_P(TcpConnectionTest, CountsBytesAsThePeerDoes) {
  auto link = ConnectAndOpen({}, kSmallBuffers);
  link->connection->Write("small");
  link->connection->Write(ManyBytes());
  link->connection->Finish();
  ASSERT_TRUE(link->PeerSends(Pattern(100'000)));
  link->peer.FinishSending();
  ASSERT_TRUE(link->UntilPeerIsClosed());
  ASSERT_TRUE(link->UntilClosed());
  EXPECT_EQ(link->context->bytes_out(), link->peer.received_bytes());
  EXPECT_EQ(link->context->bytes_out(), 5 + kManyBytes);
  EXPECT_EQ(link->context->bytes_in(), 100'000u);
}

TEST_P(TcpConnectionTest, EchoToASlowReaderHoldsWhatItsOptionsSay) {
  constexpr uint64_t kTotal = 100 << 20;
  constexpr ConnectionOptions kOptions;
  auto link = ConnectAndOpen({}, kSmallBuffers);
  TestHandler& handler = link->handler;
  handler.keep_input = false;
  handler.keep_offered = false;
  uint64_t most_pending = 0;
  handler.on_input = [&](Stream& stream, absl::string_view input) {
    if (!stream.Write(input)) stream.PauseReading();
    most_pending = std::max(most_pending, stream.pending_output());
    return input.size();
  };
  handler.on_drained = [](Stream& stream) { stream.ResumeReading(); };
  const std::string block = Pattern(1 << 20);
  uint64_t sent = 0;
  uint64_t checked = 0;
  ASSERT_TRUE(link->Until([&] {
    while (sent < kTotal) {
      const size_t more =
          link->peer.Send(absl::string_view(block).substr(sent % block.size()));
      if (more == 0) break;
      sent += more;
      if (sent == kTotal) link->peer.FinishSending();
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
  EXPECT_EQ(handler.reason, CloseReason::kDone);
}

TEST_P(TcpConnectionTest, TakesAtMost144BytesWhileItIdles) {
  static_assert(sizeof(void*) != 8 || sizeof(TcpConnection) <= 144);
}

TEST_P(TcpConnectionTest, MisuseIsFatal) {
  // A process of their own: a forked one would share the poller with this.
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  auto link = ConnectAndOpen();
  const auto receive = [&] {
    link->PeerSends("input");
    link->UntilClosed();
  };
  EXPECT_DEATH(link->connection->Abort(absl::OkStatus()), "why.ok");
  link->handler.on_input = [](Stream&, absl::string_view input) {
    return input.size() + 1;
  };
  EXPECT_DEATH(receive(), "consumed <= input.size");
  link->handler.on_input = [&](Stream&, absl::string_view) {
    link->connection->Drain();
    return size_t{0};
  };
  EXPECT_DEATH(receive(), "destroyed_ == nullptr");
}

// Two connections that do at random what their handlers may do.

// One end of them.
struct RandomEnd {
  void Act(std::mt19937_64& random) {
    if (connection == nullptr || handler.closed()) return;
    switch (random() % 12) {
      case 0:
        connection->PauseReading();
        break;
      case 1:
      case 2:
        connection->ResumeReading();
        break;
      case 3:
        if (random() % 20 == 0) Finish();
        break;
      case 4:
        if (random() % 200 == 0) connection->Abort(Why());
        break;
      default:
        Write(random);
    }
  }
  void Write(std::mt19937_64& random) {
    if (finished) return;
    const size_t size = 1 + random() % (random() % 8 == 0 ? 100'000 : 100);
    const std::string bytes =
        ManyBytes().substr(written.size() % (kManyBytes / 2), size);
    random() % 2 == 0 ? connection->Write(bytes)
                      : connection->Write(absl::Cord(bytes));
    written += bytes;
  }
  void Finish() {
    finished = true;
    connection->Finish();
  }

  TestHandler handler;
  std::unique_ptr<TcpConnection> connection;
  std::string written;
  size_t offered = 0;  // of what the other end has written
  bool finished = false;
  bool picky = true;  // consumes as it likes
};

void RunRandomly(EventLoop* loop, TransportPtr (*make)(EventLoop*, Socket),
                 uint64_t seed) {
  std::mt19937_64 random(seed);
  ConnectionOptions options;
  options.high_water = 1 + random() % 100'000;
  options.low_water = options.high_water / 2;
  ConnectionContext context(loop, options);
  auto [first, second] = NewSocketPair(loop, KernelSockets(), kSmallBuffers);
  RandomEnd ends[2];
  for (RandomEnd& end : ends) {
    end.handler.keep_offered = false;
    end.handler.on_any = [&](Callback callback, Stream&) {
      if (callback != Callback::kClosed && random() % 3 == 0) end.Act(random);
      return true;
    };
    end.handler.on_input = [&](Stream&, absl::string_view input) {
      const RandomEnd& other = ends[&end == ends ? 1 : 0];
      const size_t at = end.handler.input.size();
      EXPECT_TRUE(other.written.compare(at, input.size(), input) == 0);
      end.offered = at + input.size();
      return end.picky && random() % 4 == 0 ? random() % (input.size() + 1)
                                            : input.size();
    };
    end.handler.on_input_end = [&](Stream&) {
      if (random() % 2 == 0 && !end.handler.closed()) end.Finish();
    };
    end.connection = std::make_unique<TcpConnection>(
        &context, make(loop, std::move(&end == ends ? first : second)),
        &end.handler);
  }
  for (int i = 0; i < 300; ++i) {
    ends[random() % 2].Act(random);
    if (random() % 2 == 0) RunTurns(loop, 1);
  }
  // To the end, in an orderly way, if they live.
  for (RandomEnd& end : ends) {
    end.handler.on_any = nullptr;
    end.picky = false;
    end.Finish();
    end.connection->ResumeReading();
  }
  ASSERT_TRUE(RunUntil(loop, [&] {
    return ends[0].handler.closed() && ends[1].handler.closed();
  }));
  RunTurns(loop);
  for (int i = 0; i < 2; ++i) {
    const RandomEnd& end = ends[i];
    const RandomEnd& other = ends[1 - i];
    EXPECT_EQ(end.handler.count(Callback::kClosed), 1);
    switch (end.handler.reason) {
      case CloseReason::kDone:
        EXPECT_EQ(end.handler.count(Callback::kInputEnd), 1);
        break;
      case CloseReason::kPeerReset:
        EXPECT_NE(other.handler.reason, CloseReason::kDone);
        break;
      default:
        EXPECT_EQ(end.handler.reason, CloseReason::kAborted);
    }
    if (end.handler.reason == CloseReason::kDone) {
      EXPECT_EQ(end.offered, other.written.size());
    }
  }
}

TEST_P(TcpConnectionTest, KeepsItsPromisesWhateverBothEndsDo) {
  const char* const given = std::getenv("SLUICE_SEED");
  const uint64_t base = given != nullptr
                            ? std::strtoull(given, nullptr, 10)
                            : uint64_t{std::random_device()()} << 16;
  const int runs = given != nullptr ? 1 : 25;
  for (int i = 0; i < runs && !HasFailure(); ++i) {
    SCOPED_TRACE(absl::StrCat("SLUICE_SEED=", base + i));
    RunRandomly(loop_.get(), GetParam().make, base + i);
  }
}

}  // namespace
}  // namespace sluice
