#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/net/socket/gated_sockets.h"
#include "sluice/net/stream.h"
#include "sluice/net/stream_handle.h"
#include "sluice/net/tcp/tcp_connection.h"
#include "sluice/net/tcp/tcp_connection_test_base.h"
#include "sluice/net/transport/test_peer.h"
#include "sluice/timer/sim_clock.h"

namespace sluice {
namespace {

INSTANTIATE_TEST_SUITE_P(Over, TcpConnectionTest, TransportKinds(),
                         ::testing::PrintToStringParamName());

constexpr ConnectionOptions kLowMarks = {.high_water = 1000, .low_water = 500};
// Above the high-water mark, and more than a cork holds.
constexpr size_t kLarge = 100'000;

// Causes all callbacks of one connection, one after the other; returns early
// when the connection is gone.
void Provoke(Link& link, SimClock& clock, GatedSockets& sockets) {
  const auto gone = [&] { return link.connection == nullptr; };
  const auto until = [&](Callback callback) {
    return link.Until([&] {
      return gone() || link.handler.closed() ||
             link.handler.count(callback) > 0;
    });
  };
  ASSERT_TRUE(until(Callback::kOpen));
  if (gone()) return;
  sockets.room = 0;
  link.connection->Write(std::string(kLarge, 'x'));
  sockets.room = SIZE_MAX;
  ASSERT_TRUE(link.Until([&] {
    link.peer.Receive();
    return gone() || link.handler.closed() ||
           link.handler.count(Callback::kOutputWritable) > 0 ||
           link.peer.closed();
  }));
  if (gone()) return;
  char buffer[4];
  link.connection->ReadInto(absl::MakeSpan(buffer));
  link.peer.Send("fullinput");
  ASSERT_TRUE(link.Until([&] {
    return gone() || link.handler.closed() ||
           link.handler.count(Callback::kInput) > 0;
  }));
  if (gone()) return;
  link.connection->SetTimeout(absl::Seconds(1));
  clock.Advance(absl::Seconds(2));
  ASSERT_TRUE(until(Callback::kTimeout));
  if (gone()) return;
  if (!link.handler.closed() && !link.peer.closed()) link.peer.ShutdownWrite();
  ASSERT_TRUE(until(Callback::kInputEnd));
  if (gone()) return;
  link.connection->Drain();
  if (gone()) return;
  RunIterations(link.loop);
  if (gone()) return;
  link.connection->Abort(Why());
  ASSERT_TRUE(until(Callback::kClosed));
}

TEST_P(TcpConnectionTest, EachCallbackMayDestroyTheStream) {
  for (const Callback target : kAllCallbacks) {
    SCOPED_TRACE(static_cast<int>(target));
    auto link = Connect(kLowMarks);
    link->handler.on_input_end = [](Stream&) {};
    link->handler.on_draining = [](Stream&) {};
    link->handler.on_any = [&](Callback callback, Stream&) {
      if (callback != target) return true;
      link->connection.reset();
      link->handler.forbidden = true;
      return false;
    };
    Provoke(*link, clock_, sockets_);
    EXPECT_EQ(link->connection, nullptr);
    ASSERT_TRUE(link->UntilPeerIsClosed());
    EXPECT_EQ(link->peer.error(), ECONNRESET);
  }
}

// The calls that a callback may make on its stream.
std::vector<std::function<void(Stream&)>> AllCalls() {
  static const std::string& large = *new std::string(kLarge, 'x');
  static const absl::Cord& cord = *new absl::Cord(large);
  return {
      [](Stream& s) { s.Abort(Why()); },
      [](Stream& s) { s.ShutdownWrite(); },
      [](Stream& s) { s.PauseReading(); },
      [](Stream& s) { s.ResumeReading(); },
      [](Stream& s) {
        s.PauseReading();
        s.ResumeReading();
      },
      [](Stream& s) { s.Write("small"); },
      [](Stream& s) { s.Write(large); },
      [](Stream& s) { s.Write(cord); },
      [](Stream& s) {
        s.Write(large);
        s.ShutdownWrite();
      },
      [](Stream& s) {
        s.Write(large);
        s.CloseAfterFlush();
      },
      [](Stream& s) { s.CloseAfterFlush(absl::ZeroDuration()); },
      [](Stream& s) {
        s.Write(large);
        s.WhenSent([] {});
      },
      [](Stream& s) { s.Cork(); },
      [](Stream& s) {
        s.Cork();
        s.Write("small");
        s.Write(cord);
      },
      [](Stream& s) {
        s.Cork();
        s.Write("small");
        s.ShutdownWrite();
      },
      [](Stream& s) { (void)s.handle().Write("small"); },
      [](Stream& s) { (void)s.handle().ShutdownWrite(); },
      [](Stream& s) { (void)s.handle().Abort(Why()); },
      [](Stream& s) { (void)s.handle().Post([](Stream&) {}); },
      [](Stream& s) { s.SetTimeout(absl::Seconds(1)); },
      [](Stream& s) { s.SetTimeout(absl::InfiniteDuration()); },
      [](Stream& s) {
        s.ShutdownWrite();
        s.Abort(Why());
      },
  };
}

TEST_P(TcpConnectionTest, EachCallbackMayMakeEachCall) {
  const std::vector<std::function<void(Stream&)>> calls = AllCalls();
  for (const Callback target : kAllCallbacks) {
    for (size_t call = 0; call < calls.size(); ++call) {
      SCOPED_TRACE(
          absl::StrCat("callback ", static_cast<int>(target), " call ", call));
      auto link = Connect(kLowMarks);
      link->handler.on_input_end = [](Stream&) {};
      link->handler.on_draining = [](Stream&) {};
      bool called = false;
      link->handler.on_any = [&](Callback callback, Stream& stream) {
        if (callback == target && !std::exchange(called, true)) {
          sockets_.room = 0;  // until some iterations have passed
          calls[call](stream);
        }
        return true;
      };
      // The callback's call may prevent other callbacks.
      ASSERT_TRUE(link->UntilOpen());
      RunIterations(3);
      sockets_.room = 0;
      link->connection->Write(std::string(kLarge, 'x'));
      const auto turns_with_peer = [&] {
        for (int i = 0; i < 40; ++i) {
          if (i == 5) sockets_.room = SIZE_MAX;
          link->peer.Receive();
          link->peer.ForgetReceived();
          RunIterations(1);
        }
      };
      turns_with_peer();
      char buffer[4];
      link->connection->ReadInto(absl::MakeSpan(buffer));
      link->peer.Send("fullinput");
      turns_with_peer();
      link->connection->SetTimeout(absl::Seconds(1));
      clock_.Advance(absl::Seconds(2));
      RunIterations(3);
      if (!link->peer.closed()) link->peer.ShutdownWrite();
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

TEST_P(TcpConnectionTest, EachCallbackMayDestroyTheStreamAfterEachCall) {
  const std::vector<std::function<void(Stream&)>> calls = AllCalls();
  for (const Callback target : kAllCallbacks) {
    for (size_t call = 0; call < calls.size(); ++call) {
      SCOPED_TRACE(
          absl::StrCat("callback ", static_cast<int>(target), " call ", call));
      auto link = Connect(kLowMarks);
      link->handler.on_input_end = [](Stream&) {};
      link->handler.on_draining = [](Stream&) {};
      link->handler.on_any = [&](Callback callback, Stream& stream) {
        if (callback != target) return true;
        sockets_.room = 0;
        calls[call](stream);
        link->connection.reset();
        link->handler.forbidden = true;
        return false;
      };
      Provoke(*link, clock_, sockets_);
      EXPECT_EQ(link->connection, nullptr);
      ASSERT_TRUE(link->UntilPeerIsClosed());
    }
  }
}

TEST_P(TcpConnectionTest, APostedCallableMayDestroyTheStreamAfterEachCall) {
  for (const auto& call : AllCalls()) {
    for (const bool open : {false, true}) {
      auto link = Connect(kLowMarks);
      if (open) link->Open();
      SLUICE_EXPECT_OK(link->connection->handle().Post([&](Stream& stream) {
        link->handler.forbidden = true;
        sockets_.room = 0;
        call(stream);
        link->connection.reset();
      }));
      ASSERT_TRUE(link->Until([&] { return link->connection == nullptr; }));
      ASSERT_TRUE(link->UntilPeerIsClosed());
    }
  }
}

TEST_P(TcpConnectionTest, NoCallRunsTheHandlerInsideItself) {
  auto link = ConnectAndOpen({}, kSmallBuffers);
  ASSERT_TRUE(link->PeerSends("input"));
  link->peer.ShutdownWrite();
  TcpConnection& connection = *link->connection;
  link->handler.forbidden = true;
  connection.PauseReading();
  connection.ResumeReading();
  connection.Cork();
  connection.Write("small");
  connection.Write(ManyBytes());
  connection.SetTimeout(absl::ZeroDuration());
  (void)connection.handle();
  (void)connection.HasUnreadInput();
  (void)connection.peer();
  (void)connection.local();
  connection.WhenSent([] { ADD_FAILURE(); });
  connection.ShutdownWrite();
  connection.CloseAfterFlush(absl::ZeroDuration());
  connection.Abort(Why());
  link->handler.forbidden = false;
  ASSERT_TRUE(link->UntilClosed());
}

}  // namespace
}  // namespace sluice
