#include <cerrno>
#include <cstddef>
#include <functional>
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
#include "sluice/event/loop_task.h"
#include "sluice/net/close_reason.h"
#include "sluice/net/socket_api.h"
#include "sluice/net/stream.h"
#include "sluice/net/tcp_connection.h"
#include "sluice/net/tcp_connection_test_base.h"
#include "sluice/net/test_peer.h"
#include "sluice/timer/sim_clock.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;

INSTANTIATE_TEST_SUITE_P(Over, TcpConnectionTest, TransportKinds(),
                         ::testing::PrintToStringParamName());

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
  connection.Cork();
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

}  // namespace
}  // namespace sluice
