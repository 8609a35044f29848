#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/task.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/net/close_reason.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/stream.h"
#include "sluice/net/tcp/tcp_connection.h"
#include "sluice/net/tcp/tcp_connection_test_base.h"
#include "sluice/net/transport/test_peer.h"
#include "sluice/timer/sim_clock.h"

namespace sluice {
namespace {

INSTANTIATE_TEST_SUITE_P(Over, TcpConnectionTest, TransportKinds(),
                         ::testing::PrintToStringParamName());

// Ending

TEST_P(TcpConnectionTest, AbortResetsAndPassesTheStatus) {
  auto link = ConnectAndOpen({}, kSmallBuffers);
  link->connection->Write(ManyBytes());
  link->connection->Abort(Why());
  link->connection->Abort(absl::InternalError("the second"));
  EXPECT_EQ(link->connection->pending_output(), 0u);
  EXPECT_FALSE(link->handler.closed());  // a task calls OnClosed()
  ASSERT_TRUE(link->UntilClosed());
  EXPECT_EQ(link->handler.why, Why());
  EXPECT_EQ(link->handler.reason, CloseReason::kAborted);
  ASSERT_TRUE(link->UntilPeerIsClosed());
  EXPECT_EQ(link->peer.error(), ECONNRESET);
  EXPECT_LT(link->peer.received_bytes(), kManyBytes);
}

TEST_P(TcpConnectionTest, CloseForAReasonIsGracefulUnlessForced) {
  for (const CloseReason reason :
       {CloseReason::kIdleTimeout, CloseReason::kServerDestroyed,
        CloseReason::kDrainTimeout}) {
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
  RunIterations();
}

TEST_P(TcpConnectionTest, APeersResetEndsTheStream) {
  for (const bool paused : {false, true}) {
    for (const bool writing : {false, true}) {
      auto link = ConnectAndOpen({}, kSmallBuffers);
      if (paused) link->connection->PauseReading();
      if (writing) link->connection->Write(ManyBytes());
      RunIterations();
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

TEST_P(TcpConnectionTest,
       AResetOfAPausedStreamIsReportedOnceAndCausesNoMoreEvents) {
  for (const bool unread : {false, true}) {
    auto link = ConnectAndOpen();
    link->connection->PauseReading();
    if (unread) {
      ASSERT_TRUE(link->PeerSends("unread"));
    }
    RunIterations();
    const uint64_t events = loop_->stats().events;
    RunIterations(100);
    EXPECT_EQ(loop_->stats().events, events);
    link->peer.Close(CloseMode::kReset);
    ASSERT_TRUE(link->UntilClosed());
    RunIterations(100);
    EXPECT_LE(loop_->stats().events - events, 1u);
    EXPECT_EQ(link->handler.count(Callback::kClosed), 1);
    EXPECT_EQ(link->handler.count(Callback::kInput), 0);
  }
}

TEST_P(TcpConnectionTest, AFinForAPausedStreamCausesNoEvents) {
  auto link = ConnectAndOpen();
  link->connection->PauseReading();
  RunIterations();
  const uint64_t events = loop_->stats().events;
  link->peer.ShutdownWrite();
  RunIterations(100);
  EXPECT_EQ(loop_->stats().events, events);
  EXPECT_EQ(link->handler.count(Callback::kInputEnd), 0);
}

class RecordingOwner final : public ConnectionOwner {
 public:
  std::function<void(TcpConnection*)> on_ended;

 private:
  void OnEnded(TcpConnection* connection) override { on_ended(connection); }
};

TEST_P(TcpConnectionTest, TheOwnerIsCalledAfterOnClosedAndMayDestroy) {
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

TEST_P(TcpConnectionTest, TheOwnerIsNotCalledForAStreamThatOnClosedDestroyed) {
  RecordingOwner owner;
  auto link = Connect({}, 0, &owner);
  owner.on_ended = [](TcpConnection*) { ADD_FAILURE(); };
  link->handler.on_closed = [&](Stream&) { link->connection.reset(); };
  link->connection->Abort(Why());
  ASSERT_TRUE(link->UntilClosed());
}

class AbortTask final : public Task {
 public:
  explicit AbortTask(Stream* stream) : stream_(stream) {}
  void Run() override { stream_->Abort(Why()); }
  void Abandon() override {}

 private:
  Stream* const stream_;
};

TEST_P(TcpConnectionTest, ALoopThatEndsStillCallsOnClosed) {
  auto open = ConnectAndOpen({}, kSmallBuffers);
  open->connection->Write(ManyBytes());
  auto ended = ConnectAndOpen();
  auto destroyed = ConnectAndOpen();
  destroyed->handler.on_closed = [&](Stream&) {
    destroyed->connection.reset();
  };
  // The tasks run in the loop's last iteration, so no iteration is left for
  // OnClosed().
  AbortTask abort_ended(ended->connection.get());
  AbortTask abort_destroyed(destroyed->connection.get());
  loop_->ScheduleLocal(&abort_ended);
  loop_->ScheduleLocal(&abort_destroyed);
  loop_->Stop();
  SLUICE_EXPECT_OK(loop_->Run());
  EXPECT_TRUE(ended->handler.closed());
  EXPECT_TRUE(destroyed->handler.closed());
  EXPECT_FALSE(open->handler.closed());
  // The owner of a stream that has not ended destroys it before the loop.
  for (const auto& link : {&open, &ended, &destroyed}) {
    (*link)->handler.forbidden = true;
    (*link)->loop = nullptr;
    link->reset();
  }
}

TEST_P(TcpConnectionTest, AfterTheEndEachCallIsANoOp) {
  auto link = ConnectAndOpen();
  link->connection->Abort(Why());
  ASSERT_TRUE(link->UntilClosed());
  TcpConnection& connection = *link->connection;
  EXPECT_EQ(connection.Write("x"), kEnded);
  EXPECT_EQ(connection.Write(absl::Cord("x")), kEnded);
  EXPECT_EQ(connection.Write(std::string("x")), kEnded);
  connection.Cork();
  bool sent = false;
  connection.WhenSent([&sent] { sent = true; });
  char buffer[1];
  connection.ReadInto(absl::MakeSpan(buffer));
  connection.ShutdownWrite();
  connection.CloseAfterFlush();
  connection.Abort(Why());
  connection.PauseReading();
  connection.ResumeReading();
  connection.SetTimeout(absl::ZeroDuration());
  connection.Drain();
  EXPECT_EQ(connection.pending_output(), 0u);
  EXPECT_FALSE(connection.HasUnreadInput());
  EXPECT_THAT(connection.local(),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  clock_.Advance(absl::Hours(1));
  RunIterations();
  EXPECT_EQ(link->handler.count(Callback::kClosed), 1);
  EXPECT_FALSE(sent);
}

// Draining

TEST_P(TcpConnectionTest, ADrainingStreamEndsAfterItsLinger) {
  auto link = ConnectAndOpen();
  link->connection->Drain();
  EXPECT_EQ(link->handler.count(Callback::kDraining), 1);
  link->connection->Drain();
  RunIterations();
  EXPECT_FALSE(link->handler.closed());
  clock_.Advance(Stream::kDefaultLinger);
  ASSERT_TRUE(link->UntilClosed());
  EXPECT_EQ(link->handler.reason, CloseReason::kNormal);
  ASSERT_TRUE(link->UntilPeerIsClosed());
  EXPECT_TRUE(link->peer.ended());
}

TEST_P(TcpConnectionTest, ADrainingStreamLivesUntilItHasHalfClosedAndSentAll) {
  auto link = ConnectAndOpen({}, kSmallBuffers);
  link->handler.on_draining = [](Stream& stream) { stream.Write("bye "); };
  link->connection->Drain();
  RunIterations();
  EXPECT_FALSE(link->handler.closed());
  const std::string& bytes = ManyBytes();
  link->connection->Write(bytes);
  link->connection->CloseAfterFlush(absl::ZeroDuration());
  RunIterations();
  EXPECT_FALSE(link->handler.closed());
  ASSERT_TRUE(link->UntilPeerIsClosed());
  EXPECT_TRUE(link->peer.ended());
  EXPECT_TRUE(link->peer.received() == "bye " + bytes);
  ASSERT_TRUE(link->UntilClosed());
  EXPECT_EQ(link->handler.reason, CloseReason::kNormal);
}

TEST_P(TcpConnectionTest, AStreamThatHalfClosedBeforeTheDrainIsClosedByIt) {
  auto link = ConnectAndOpen();
  link->connection->ShutdownWrite();
  RunIterations();
  EXPECT_FALSE(link->handler.closed());
  link->connection->Drain();
  clock_.Advance(Stream::kDefaultLinger);
  ASSERT_TRUE(link->UntilClosed());
  EXPECT_EQ(link->handler.reason, CloseReason::kNormal);
}

TEST_P(TcpConnectionTest, ADrainBeforeOnOpenIsReportedAfterIt) {
  auto link = Connect();
  link->connection->Drain();
  EXPECT_EQ(link->handler.count(Callback::kDraining), 0);
  link->peer.ShutdownWrite();
  ASSERT_TRUE(link->UntilClosed());
  EXPECT_EQ(link->handler.count(Callback::kOpen), 1);
  EXPECT_EQ(link->handler.count(Callback::kDraining), 1);
  EXPECT_EQ(link->handler.reason, CloseReason::kNormal);
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

TEST_P(TcpConnectionTest, MisuseIsFatal) {
  // Each runs in a process of its own: a forked child would share the poller.
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
  EXPECT_DEATH(receive(), "consumed <= rest.size");
  link->handler.on_input = [&](Stream&, absl::string_view) {
    link->connection->Drain();
    return size_t{0};
  };
  EXPECT_DEATH(receive(), "!destructor_check_.in_call");
}

}  // namespace
}  // namespace sluice
