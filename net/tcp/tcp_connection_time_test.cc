
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/net/close_reason.h"
#include "sluice/net/stream.h"
#include "sluice/net/tcp/tcp_connection.h"
#include "sluice/net/tcp/tcp_connection_test_base.h"
#include "sluice/net/transport/test_peer.h"
#include "sluice/timer/sim_clock.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;

INSTANTIATE_TEST_SUITE_P(Over, TcpConnectionTest, TransportKinds(),
                         ::testing::PrintToStringParamName());

TEST_P(TcpConnectionTest, TheTimeoutComesOnceAndNeverEarly) {
  auto link = ConnectAndOpen();
  link->connection->SetTimeout(absl::Seconds(10));
  clock_.Advance(absl::Seconds(10) - absl::Nanoseconds(1));
  RunIterations();
  EXPECT_EQ(link->handler.count(Callback::kTimeout), 0);
  clock_.Advance(absl::Milliseconds(2));
  RunIterations();
  EXPECT_EQ(link->handler.count(Callback::kTimeout), 1);
  clock_.Advance(absl::Seconds(60));
  RunIterations();
  EXPECT_EQ(link->handler.count(Callback::kTimeout), 1);
  EXPECT_FALSE(link->handler.closed());
}

TEST_P(TcpConnectionTest, ATimeoutTakesThePlaceOfTheLast) {
  auto link = ConnectAndOpen();
  link->connection->SetTimeout(absl::Seconds(10));
  clock_.Advance(absl::Seconds(9));
  link->connection->SetTimeout(absl::Seconds(10));
  clock_.Advance(absl::Seconds(9));
  RunIterations();
  EXPECT_EQ(link->handler.count(Callback::kTimeout), 0);
  link->connection->SetTimeout(absl::InfiniteDuration());
  clock_.Advance(absl::Seconds(60));
  RunIterations();
  EXPECT_EQ(link->handler.count(Callback::kTimeout), 0);
  link->connection->SetTimeout(absl::Milliseconds(1));
  clock_.Advance(absl::Milliseconds(2));
  RunIterations();
  EXPECT_EQ(link->handler.count(Callback::kTimeout), 1);
}

TEST_P(TcpConnectionTest, ATimeoutThatIsNotPositiveComesInTheNextIteration) {
  auto link = ConnectAndOpen({.idle_timeout = absl::InfiniteDuration()});
  int timeouts = 0;
  for (const absl::Duration timeout :
       {absl::ZeroDuration(), -absl::Seconds(1), -absl::InfiniteDuration()}) {
    link->connection->SetTimeout(timeout);
    EXPECT_EQ(link->handler.count(Callback::kTimeout), timeouts);
    RunIterations();
    EXPECT_EQ(link->handler.count(Callback::kTimeout), ++timeouts);
  }
  // A time beyond the end of what a clock can show.
  link->connection->SetTimeout(absl::Hours(24 * 365 * 1000));
  clock_.Advance(absl::Hours(24 * 365 * 100));
  RunIterations();
  EXPECT_EQ(link->handler.count(Callback::kTimeout), timeouts);
}

TEST_P(TcpConnectionTest, OnTimeoutMaySetTheTimeoutAgain) {
  auto link = ConnectAndOpen();
  link->handler.on_timeout = [](Stream& stream) {
    stream.SetTimeout(absl::Seconds(1));
  };
  link->connection->SetTimeout(absl::Seconds(1));
  for (int i = 1; i <= 5; ++i) {
    clock_.Advance(absl::Seconds(1) + absl::Milliseconds(1));
    RunIterations();
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

  // Input restarts the idle timeout.
  link = ConnectAndOpen({.idle_timeout = kTimeout});
  AdvanceUntil(closed, kStep, absl::Seconds(15));
  ASSERT_TRUE(link->PeerSends("x"));
  ASSERT_TRUE(link->Until([&] { return link->handler.input == "x"; }));
  is_idle_time(AdvanceUntil(closed, kStep, absl::Minutes(2)));

  // Output restarts it too, whether it is sent at once or later.
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
  RunIterations(100);
  AdvanceUntil(closed, kStep, absl::Seconds(15));
  ASSERT_GT(link->connection->pending_output(), 0u);
  ASSERT_TRUE(link->Until([&] {
    link->peer.Receive();
    return link->connection->pending_output() == 0;
  }));
  is_idle_time(AdvanceUntil(closed, kStep, absl::Minutes(2)));
}

// A member of a busy room that has died: only output passes.
TEST_P(TcpConnectionTest, OutputRestartsTheIdleTimeoutOnlyIfItCounts) {
  using IdleTraffic = ConnectionOptions::IdleTraffic;
  for (const IdleTraffic traffic : {IdleTraffic::kBoth, IdleTraffic::kInput}) {
    auto link = ConnectAndOpen({.high_water = 64 << 20,
                                .idle_traffic = traffic,
                                .idle_timeout = absl::Seconds(16)},
                               kSmallBuffers);
    AdvanceUntil(
        [&] {
          link->connection->Write("x");
          link->peer.Receive();
          return link->handler.closed();
        },
        absl::Seconds(1), absl::Minutes(1));
    EXPECT_EQ(link->handler.closed(), traffic == IdleTraffic::kInput);
  }
}

TEST_P(TcpConnectionTest, WithoutAnIdleTimeoutItIdlesWithoutALimit) {
  auto link = ConnectAndOpen({.idle_timeout = absl::InfiniteDuration()});
  clock_.Advance(absl::Hours(1000));
  RunIterations();
  EXPECT_FALSE(link->handler.closed());
  EXPECT_EQ(loop_->timers()->size(), 0u);
}

TEST_P(TcpConnectionTest, ATimeoutMayComeBeforeOnOpen) {
  auto link = Connect();
  link->connection->SetTimeout(absl::ZeroDuration());
  clock_.Advance(absl::Milliseconds(2));
  RunIterations(1);
  EXPECT_EQ(link->handler.count(Callback::kTimeout), 1);
  ASSERT_TRUE(link->UntilOpen());
  EXPECT_EQ(link->handler.count(Callback::kTimeout), 1);
}

// A read timeout, made in the way that the header describes.
TEST_P(TcpConnectionTest, SetAgainInOnInputItIsAReadTimeout) {
  constexpr absl::Duration kTimeout = absl::Seconds(10);
  auto link = Connect();
  link->handler.on_open = [&](Stream& stream) { stream.SetTimeout(kTimeout); };
  link->handler.on_input = [&](Stream& stream, absl::string_view input) {
    stream.SetTimeout(kTimeout);
    return input.size();
  };
  link->handler.on_timeout = [](Stream& stream) {
    stream.Abort(absl::DeadlineExceededError("silent for 10 s"));
  };
  link->Open();
  for (int i = 1; i <= 5; ++i) {
    clock_.Advance(kTimeout - absl::Milliseconds(1));
    link->connection->Write("what we send does not count");
    RunIterations();
    ASSERT_TRUE(link->PeerSends("x"));
    ASSERT_TRUE(link->Until(
        [&] { return link->handler.count(Callback::kInput) == i; }));
  }
  clock_.Advance(kTimeout - absl::Milliseconds(1));
  RunIterations();
  EXPECT_FALSE(link->handler.closed());
  clock_.Advance(absl::Milliseconds(3));
  ASSERT_TRUE(link->UntilClosed());
  EXPECT_EQ(link->handler.reason, CloseReason::kAborted);
  EXPECT_THAT(link->handler.why, StatusIs(absl::StatusCode::kDeadlineExceeded));
}

}  // namespace
}  // namespace sluice
