#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/test_seed.h"
#include "sluice/event/event_loop.h"
#include "sluice/net/close_reason.h"
#include "sluice/net/socket/kernel_sockets.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/stream.h"
#include "sluice/net/stream_handle.h"
#include "sluice/net/tcp/tcp_connection.h"
#include "sluice/net/tcp/tcp_connection_test_base.h"
#include "sluice/net/transport/test_peer.h"
#include "sluice/net/transport/transport.h"

namespace sluice {
namespace {

INSTANTIATE_TEST_SUITE_P(Over, TcpConnectionTest, TransportKinds(),
                         ::testing::PrintToStringParamName());

// Two connections whose handlers make random calls.

// The state of one end.
struct RandomEnd {
  void Act(std::mt19937_64& random) {
    if (connection == nullptr || handler.closed()) return;
    switch (random() % 16) {
      case 0:
        connection->PauseReading();
        break;
      case 1:
      case 2:
        connection->ResumeReading();
        break;
      case 3:
        if (random() % 20 == 0) ShutdownWrite();
        break;
      case 4:
        if (random() % 200 == 0) connection->Abort(Why());
        break;
      case 5:
      case 6:
        connection->Cork();
        break;
      case 7:
      case 8:
        Send(random);
        break;
      default:
        Write(random);
    }
  }
  void Write(std::mt19937_64& random) {
    if (finished) return;
    const std::string bytes = SomeBytes(random);
    random() % 2 == 0 ? connection->Write(bytes)
                      : connection->Write(absl::Cord(bytes));
    written += bytes;
  }
  // Sends by the handle if the stream has not ended. A callable posted after it
  // shows when the stream has got the bytes.
  void Send(std::mt19937_64& random) {
    const StreamHandle handle = connection->handle();
    if (random() % 100 == 0) {
      (void)handle.Post([this](Stream&) { ShutdownWrite(); });
      return;
    }
    std::string sent;
    for (int i = static_cast<int>(random() % 3); i >= 0; --i) {
      std::string bytes = SomeBytes(random);
      sent += bytes;
      (void)handle.Write(std::move(bytes));
    }
    (void)handle.Post([this, sent = std::move(sent)](Stream&) {
      if (!finished) written += sent;
    });
  }
  std::string SomeBytes(std::mt19937_64& random) const {
    const size_t size = 1 + random() % (random() % 8 == 0 ? 100'000 : 100);
    return ManyBytes().substr(written.size() % (kManyBytes / 2), size);
  }
  void ShutdownWrite() {
    finished = true;
    connection->ShutdownWrite();
  }

  TestHandler handler;
  std::unique_ptr<TcpConnection> connection;
  std::string written;
  size_t offered = 0;  // bytes of the other end's output
  bool finished = false;
  bool picky = true;  // consumes random amounts
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
      if (random() % 2 == 0 && !end.handler.closed()) end.ShutdownWrite();
    };
    end.connection = std::make_unique<TcpConnection>(
        &context, make(loop, std::move(&end == ends ? first : second)),
        &end.handler);
  }
  for (int i = 0; i < 300; ++i) {
    ends[random() % 2].Act(random);
    if (random() % 2 == 0) sluice::RunIterations(loop, 1);
  }
  // Ends the streams that are left, gracefully.
  for (RandomEnd& end : ends) {
    end.handler.on_any = nullptr;
    end.picky = false;
    end.ShutdownWrite();
    end.connection->ResumeReading();
  }
  ASSERT_TRUE(RunUntil(loop, [&] {
    return ends[0].handler.closed() && ends[1].handler.closed();
  }));
  sluice::RunIterations(loop);
  for (int i = 0; i < 2; ++i) {
    const RandomEnd& end = ends[i];
    const RandomEnd& other = ends[1 - i];
    EXPECT_EQ(end.handler.count(Callback::kClosed), 1);
    switch (end.handler.reason) {
      case CloseReason::kNormal:
        EXPECT_EQ(end.handler.count(Callback::kInputEnd), 1);
        break;
      case CloseReason::kPeerReset:
        EXPECT_NE(other.handler.reason, CloseReason::kNormal);
        break;
      default:
        EXPECT_EQ(end.handler.reason, CloseReason::kAborted);
    }
    if (end.handler.reason == CloseReason::kNormal) {
      EXPECT_EQ(end.offered, other.written.size());
    }
  }
}

TEST_P(TcpConnectionTest, KeepsItsContractUnderRandomCalls) {
  for (int i = 0; i < 25 && !HasFailure(); ++i) {
    const uint64_t seed = TestSeed();
    SCOPED_TRACE(absl::StrCat("SLUICE_SEED=", seed));
    RunRandomly(loop_.get(), GetParam().make, seed);
  }
}

}  // namespace
}  // namespace sluice
