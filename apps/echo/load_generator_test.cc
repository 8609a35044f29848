#include "sluice/apps/echo/load_generator.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/apps/common/load/load_results.h"
#include "sluice/apps/common/load/message_schedule.h"
#include "sluice/apps/echo/load_test_server.h"
#include "sluice/base/open_descriptors.h"
#include "sluice/net/socket/kernel_sockets.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/stream.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr absl::Duration kTick = absl::Milliseconds(10);

class LoadGeneratorTest : public ::testing::Test {
 protected:
  void Start(LoadGenerator::Options options) {
    server_.emplace(LoadGenerator::LoopOptions(options));
    StartAt(server_->address(), std::move(options));
  }
  // REQUIRES: server_ exists.
  void StartAt(const SocketAddress& address, LoadGenerator::Options options) {
    options.server = address;
    generator_.emplace(server_->platform(), server_->loop(),
                       std::move(options));
    generator_->Start([this] { ++done_; });
  }
  [[nodiscard]] bool RunUntilDone() {
    return server_->RunUntil([&] { return done_ > 0; });
  }
  [[nodiscard]] bool RunUntilMessages(uint64_t count) {
    return server_->RunUntil([&] { return results().messages() == count; });
  }
  const LoadResults& results() const { return generator_->results(); }
  uint64_t Errors(LoadError error) const {
    return results().errors[static_cast<size_t>(error)].connections;
  }
  uint64_t ReceivedByServer() const {
    uint64_t sum = 0;
    for (const uint64_t bytes : server_->received()) sum += bytes;
    return sum;
  }

  std::optional<LoadTestServer> server_;
  std::optional<LoadGenerator> generator_;
  int done_ = 0;
};

TEST_F(LoadGeneratorTest, SendsANumberOfMessages) {
  Start({.connections = 7,
         .message_size = 100,
         .pipeline = 4,
         .schedule = {.messages = 1000}});
  ASSERT_TRUE(RunUntilDone());
  EXPECT_TRUE(results().ok());
  EXPECT_EQ(results().connections, 7u);
  EXPECT_EQ(results().messages(), 1000u);
  EXPECT_EQ(results().bytes(), 100'000u);
  EXPECT_EQ(ReceivedByServer(), 100'000u);
  EXPECT_EQ(server_->peers().size(), 7u);
  EXPECT_EQ(generator_->open(), 0u);
  server_->RunIterations();
  EXPECT_EQ(done_, 1);
}

TEST_F(LoadGeneratorTest, SendsForADuration) {
  Start({.connections = 2, .schedule = {.duration = absl::Seconds(10)}});
  ASSERT_TRUE(server_->RunUntil([&] { return results().messages() > 1000; }));
  server_->Advance(absl::Seconds(9));
  const uint64_t before = results().messages();
  ASSERT_TRUE(server_->RunUntil([&] { return results().messages() > before; }));
  server_->Advance(absl::Seconds(1));
  ASSERT_TRUE(RunUntilDone());
  EXPECT_TRUE(results().ok());
  EXPECT_EQ(results().bytes(), ReceivedByServer());
}

TEST_F(LoadGeneratorTest, OpensAllConnectionsBeforeTheFirstMessage) {
  Start({.connections = 20, .schedule = {.messages = 20}});
  ASSERT_TRUE(server_->RunUntil([&] { return ReceivedByServer() > 0; }));
  EXPECT_EQ(results().connections, 20u);
}

TEST_F(LoadGeneratorTest, CountsConnectsThatAreRefused) {
  server_.emplace();
  const SocketAddress nobody =
      SocketAddress::Parse("unix:@sluice-nobody-listens-here").value();
  StartAt(nobody, {.connections = 1000});
  ASSERT_TRUE(RunUntilDone());
  EXPECT_EQ(Errors(LoadError::kConnectRefused), 1000u);
  EXPECT_EQ(results().connections, 0u);
  EXPECT_THAT(ErrorsToText(results()),
              HasSubstr("connect_refused: 1000, the first: connect on unix:@"));
}

TEST_F(LoadGeneratorTest, CountsConnectsThatFailForAnotherReason) {
  server_.emplace();
  const SocketAddress address =
      SocketAddress::Parse("unix:/dev/null/none").value();
  StartAt(address, {.connections = 2});
  ASSERT_TRUE(RunUntilDone());
  EXPECT_EQ(Errors(LoadError::kConnectFailed), 2u);
}

// A listener that takes one connection, and does not answer further ones.
class FullListener {
 public:
  FullListener()
      : socket_(KernelSockets(),
                KernelSockets()
                    ->Listen(SocketAddress::Loopback4(0), {.backlog = 0})
                    .value()) {}

  SocketAddress address() const {
    return KernelSockets()
        ->Address(socket_.fd(), SocketApi::End::kLocal)
        .value();
  }

 private:
  const Socket socket_;
};

TEST_F(LoadGeneratorTest, CountsConnectsThatAreNotAnswered) {
  server_.emplace();
  const FullListener listener;
  StartAt(listener.address(),
          {.connections = 4, .connect_timeout = absl::Seconds(3)});
  ASSERT_TRUE(server_->RunUntil([&] { return generator_->open() == 1; }));
  server_->Advance(absl::Seconds(3));
  ASSERT_TRUE(server_->RunUntil(
      [&] { return Errors(LoadError::kConnectTimeout) == 3; }));
  EXPECT_EQ(results().connections, 1u);
}

TEST_F(LoadGeneratorTest, LimitsTheConnectsUnderWay) {
  server_.emplace();
  const FullListener listener;
  const size_t before = OpenDescriptors().value().size();
  StartAt(listener.address(),
          {.connections = 900, .connect_timeout = absl::Seconds(3)});
  ASSERT_TRUE(server_->RunUntil([&] { return generator_->open() == 1; }));
  EXPECT_EQ(OpenDescriptors().value().size() - before, 513u);
  server_->Advance(absl::Seconds(3));
  ASSERT_TRUE(server_->RunUntil(
      [&] { return Errors(LoadError::kConnectTimeout) == 512; }));
  server_->Advance(absl::Seconds(3));
  ASSERT_TRUE(server_->RunUntil(
      [&] { return Errors(LoadError::kConnectTimeout) == 899; }));
}

TEST_F(LoadGeneratorTest, ConnectionsUseTheSourcesInTurn) {
  Start({.sources = {SocketAddress::Parse("127.0.0.2:0").value(),
                     SocketAddress::Parse("127.0.0.3:0").value()},
         .connections = 3,
         .schedule = {.messages = 3}});
  ASSERT_TRUE(RunUntilDone());
  EXPECT_TRUE(results().ok());
  int second = 0;
  int third = 0;
  for (const SocketAddress& peer : server_->peers()) {
    const std::string text = peer.ToString();
    if (text.rfind("127.0.0.2:", 0) == 0) ++second;
    if (text.rfind("127.0.0.3:", 0) == 0) ++third;
  }
  EXPECT_EQ(second, 2);
  EXPECT_EQ(third, 1);
}

TEST_F(LoadGeneratorTest, DoesNotMeasureTheWarmup) {
  Start({.schedule = {.warmup = absl::Seconds(1), .messages = 10}});
  ASSERT_TRUE(server_->RunUntil([&] { return ReceivedByServer() > 6400; }));
  EXPECT_EQ(results().messages(), 0u);
  server_->Advance(absl::Seconds(1));
  ASSERT_TRUE(RunUntilDone());
  EXPECT_EQ(results().messages(), 10u);
  EXPECT_EQ(results().elapsed, absl::ZeroDuration());  // the clock stood still
  EXPECT_TRUE(results().ok());
}

TEST_F(LoadGeneratorTest, MeasuresUntilTheLastAnswer) {
  Start({.schedule = {.duration = absl::Seconds(10)}});
  ASSERT_TRUE(server_->RunUntil([&] { return results().messages() > 0; }));
  server_->Stall();
  server_->Advance(absl::Seconds(12));
  server_->RunIterations();
  server_->Release();
  ASSERT_TRUE(RunUntilDone());
  EXPECT_EQ(results().elapsed, absl::Seconds(12));
  EXPECT_TRUE(results().ok());
}

TEST_F(LoadGeneratorTest, AMessageWithoutAnswerInTimeIsATimeout) {
  Start({.connections = 3,
         .pipeline = 4,
         .timeout = absl::Seconds(5),
         .schedule = {.duration = absl::Seconds(10)}});
  ASSERT_TRUE(server_->RunUntil([&] { return results().messages() > 0; }));
  server_->Stall();
  server_->RunIterations();
  server_->Advance(absl::Seconds(10));
  server_->RunIterations();
  server_->Advance(absl::Milliseconds(4990));
  server_->RunIterations();
  EXPECT_EQ(Errors(LoadError::kTimeout), 0u);
  server_->Advance(kTick);
  ASSERT_TRUE(RunUntilDone());
  EXPECT_EQ(Errors(LoadError::kTimeout), 3u);
  EXPECT_EQ(results().unanswered, 12u);
  EXPECT_EQ(results().elapsed, absl::Seconds(10));
}

TEST_F(LoadGeneratorTest, ANumberOfMessagesHasALimitForAnswersToo) {
  Start({.connections = 3,
         .pipeline = 2,
         .timeout = absl::Seconds(5),
         .schedule = {.messages = 1'000'000'000}});
  ASSERT_TRUE(server_->RunUntil([&] { return results().messages() > 0; }));
  // Goes on while any message is answered.
  for (int i = 0; i < 4; ++i) {
    server_->Advance(absl::Seconds(3));
    const uint64_t before = results().messages();
    ASSERT_TRUE(
        server_->RunUntil([&] { return results().messages() > before; }));
  }
  server_->Stall();
  server_->RunIterations();
  server_->Advance(absl::Seconds(5));
  ASSERT_TRUE(RunUntilDone());
  EXPECT_EQ(Errors(LoadError::kTimeout), 3u);
  EXPECT_EQ(results().unanswered, 6u);
}

TEST_F(LoadGeneratorTest, AServerThatSendsNoFinIsACloseTimeout) {
  Start({.connections = 2, .schedule = {.messages = 10}});
  server_->on_input_end = [](Stream&) {};
  ASSERT_TRUE(server_->RunUntil([&] { return results().messages() == 10; }));
  server_->RunIterations();
  EXPECT_EQ(done_, 0);
  server_->Advance(absl::Seconds(2));
  ASSERT_TRUE(RunUntilDone());
  EXPECT_EQ(Errors(LoadError::kCloseTimeout), 2u);
  EXPECT_EQ(results().unanswered, 0u);
}

TEST_F(LoadGeneratorTest, GoesOnWithTheOtherConnectionsAfterAFailure) {
  Start({.connections = 3, .schedule = {.messages = 1000}});
  int inputs = 0;
  server_->on_input = [&](Stream& stream, absl::string_view input, uint64_t) {
    stream.Write(input);
    if (++inputs == 100) stream.ShutdownWrite();
  };
  ASSERT_TRUE(RunUntilDone());
  EXPECT_EQ(Errors(LoadError::kClosedEarly), 1u);
  EXPECT_GE(results().messages(), 998u);
  EXPECT_EQ(results().messages() + results().unanswered, 1000u);
}

TEST_F(LoadGeneratorTest, DoesNotWaitForAnswersOfAFailedConnection) {
  Start({.connections = 2, .schedule = {.messages = 2}});
  Stream* first = nullptr;
  server_->on_input = [&](Stream& stream, absl::string_view input, uint64_t) {
    if (first == nullptr) {
      first = &stream;
    } else {
      stream.Write(input);
    }
  };
  ASSERT_TRUE(RunUntilMessages(1));
  first->Abort(absl::AbortedError("as the test says"));
  ASSERT_TRUE(RunUntilDone());
  EXPECT_EQ(Errors(LoadError::kReset), 1u);
  EXPECT_EQ(results().unanswered, 1u);
}

TEST_F(LoadGeneratorTest, EndsWhenNoConnectionIsLeft) {
  Start({.connections = 3, .schedule = {.duration = absl::Hours(1)}});
  server_->on_input = [](Stream& stream, absl::string_view, uint64_t) {
    stream.Abort(absl::AbortedError("as the test says"));
  };
  ASSERT_TRUE(RunUntilDone());
  EXPECT_EQ(Errors(LoadError::kReset), 3u);
  EXPECT_EQ(results().unanswered, 3u);
}

TEST_F(LoadGeneratorTest, StopEndsTheLoadWithTheResultsSoFar) {
  Start({.connections = 3,
         .pipeline = 4,
         .schedule = {.duration = absl::Hours(1)}});
  ASSERT_TRUE(server_->RunUntil([&] { return results().messages() > 100; }));
  generator_->Stop();
  ASSERT_TRUE(RunUntilDone());
  EXPECT_TRUE(results().ok());
  EXPECT_EQ(results().bytes(), ReceivedByServer());
}

TEST_F(LoadGeneratorTest, StopEndsTheWaitForAnswersAtOnce) {
  Start({.connections = 3, .pipeline = 4, .schedule = {.messages = 12}});
  server_->on_input = [](Stream&, absl::string_view, uint64_t) {};
  ASSERT_TRUE(server_->RunUntil([&] { return ReceivedByServer() == 12 * 64; }));
  generator_->Stop();
  EXPECT_EQ(done_, 1);
  EXPECT_EQ(results().unanswered, 12u);
  server_->RunIterations();
  EXPECT_EQ(done_, 1);
}

TEST_F(LoadGeneratorTest, StopWaitsBrieflyForAServerThatStalls) {
  Start({.connections = 3, .schedule = {.duration = absl::Hours(1)}});
  ASSERT_TRUE(server_->RunUntil([&] { return results().messages() > 100; }));
  server_->Stall();
  server_->RunIterations();
  generator_->Stop();
  server_->Advance(absl::Milliseconds(190));
  server_->RunIterations();
  EXPECT_EQ(done_, 0);
  server_->Advance(2 * kTick);
  ASSERT_TRUE(RunUntilDone());
  EXPECT_EQ(results().unanswered, 3u);
}

TEST_F(LoadGeneratorTest, StopEndsTheWaitForFinsAtOnce) {
  Start({.connections = 3, .schedule = {.messages = 3}});
  bool asked = false;
  server_->on_input_end = [&](Stream&) { asked = true; };
  ASSERT_TRUE(server_->RunUntil([&] { return asked; }));
  EXPECT_EQ(done_, 0);
  generator_->Stop();
  EXPECT_EQ(done_, 1);
  EXPECT_TRUE(results().ok());
}

TEST_F(LoadGeneratorTest, StopMayBeCalledAtAnyTime) {
  for (int iterations = 0; iterations < 12; ++iterations) {
    SCOPED_TRACE(iterations);
    done_ = 0;
    Start({.connections = 3, .schedule = {.duration = absl::Hours(1)}});
    for (int i = 0; i < iterations; ++i) {
      ASSERT_TRUE(server_->loop()->RunOnce(absl::ZeroDuration()).ok());
    }
    generator_->Stop();
    ASSERT_TRUE(RunUntilDone());
    server_->RunIterations();
    EXPECT_EQ(done_, 1);
    EXPECT_TRUE(results().ok());
    EXPECT_TRUE(iterations > 0 || results().connections == 0);
    generator_.reset();
  }
}

TEST_F(LoadGeneratorTest, MayBeDestroyedAtAnyTime) {
  for (int iterations = 0; iterations < 12; ++iterations) {
    Start({.connections = 3, .schedule = {.duration = absl::Hours(1)}});
    for (int i = 0; i < iterations; ++i) {
      ASSERT_TRUE(server_->loop()->RunOnce(absl::ZeroDuration()).ok());
    }
    generator_.reset();
    server_->RunIterations();
    EXPECT_EQ(done_, 0);
  }
}

TEST_F(LoadGeneratorTest, ReadsNoFasterThanReadRate) {
  // A read takes the bytes of a tenth of a second: one message.
  Start({.message_size = 100,
         .pipeline = 20,
         .read_rate = 1000,
         .schedule = {.messages = 20}});
  for (uint64_t messages = 1; messages < 20; ++messages) {
    ASSERT_TRUE(RunUntilMessages(messages));
    server_->Advance(absl::Milliseconds(99));
    server_->RunIterations();
    ASSERT_EQ(results().messages(), messages);
    server_->Advance(absl::Milliseconds(1));
  }
  ASSERT_TRUE(RunUntilDone());
  EXPECT_TRUE(results().ok());
}

// 1000 messages per second for a second, on ten connections, by ticks of 10 ms.
class OpenLoopTest : public LoadGeneratorTest {
 protected:
  void SetUp() override {
    Start({.connections = 10,
           .schedule = {.rate = 1000, .duration = absl::Seconds(1)}});
    ASSERT_TRUE(RunUntilMessages(1));  // due at the start
  }
  // Lets `ticks` pass. The server answers all due messages, unless it stalls.
  void Pass(int ticks) {
    for (int i = 0; i < ticks; ++i) {
      server_->Advance(kTick);
      passed_ += kTick;
      if (stalled_) {
        server_->RunIterations();
      } else {
        ASSERT_TRUE(RunUntilMessages(Due()));
      }
    }
  }
  uint64_t Due() const {
    return std::min<uint64_t>(absl::ToInt64Milliseconds(passed_) + 1, 1000);
  }
  void Stall() {
    server_->Stall();
    stalled_ = true;
  }
  void Release() {
    server_->Release();
    stalled_ = false;
    ASSERT_TRUE(RunUntilMessages(Due()));
  }
  // Returns the quantile in ms.
  double Latency(double fraction) const {
    return static_cast<double>(results().latency.Quantile(fraction)) * 1e-6;
  }

  absl::Duration passed_ = absl::ZeroDuration();
  bool stalled_ = false;
};

TEST_F(OpenLoopTest, SendsExactlyTheDueMessages) {
  Pass(99);
  EXPECT_EQ(ReceivedByServer(), 991u * 64);
  Pass(1);
  ASSERT_TRUE(RunUntilDone());
  EXPECT_EQ(results().messages(), 1000u);
  EXPECT_TRUE(results().ok());
  EXPECT_LE(Latency(1), 10);
  for (const uint64_t bytes : server_->received()) EXPECT_EQ(bytes, 6400u);
}

TEST_F(OpenLoopTest, ChargesAStallForAllMessagesDueMeanwhile) {
  Pass(30);
  Stall();
  Pass(40);
  Release();
  Pass(30);
  ASSERT_TRUE(RunUntilDone());
  EXPECT_EQ(results().messages(), 1000u);
  EXPECT_TRUE(results().ok());
  // Due 1 to 400 ms before the end of the stall: one each millisecond, though
  // only ten could be in flight.
  EXPECT_NEAR(Latency(1), 399, 1);
  EXPECT_NEAR(Latency(0.9), 300, 5);
  EXPECT_NEAR(Latency(0.7), 100, 5);
  EXPECT_LE(Latency(0.5), 10);
}

TEST_F(OpenLoopTest, SendsMessagesDueBeforeTheEndAfterIt) {
  Pass(50);
  Stall();
  Pass(60);
  EXPECT_EQ(done_, 0);
  server_->Release();
  ASSERT_TRUE(RunUntilDone());
  EXPECT_EQ(results().messages(), 1000u);
  EXPECT_TRUE(results().ok());
  EXPECT_NEAR(Latency(1), 599, 1);
}

TEST_F(OpenLoopTest, ADueMessageThatWasNeverSentIsUnanswered) {
  Pass(50);
  Stall();
  Pass(50);
  server_->Advance(absl::Seconds(10));
  ASSERT_TRUE(RunUntilDone());
  EXPECT_EQ(results().messages(), 501u);
  EXPECT_EQ(results().unanswered, 499u);
  EXPECT_EQ(Errors(LoadError::kTimeout), 10u);
}

TEST_F(OpenLoopTest, StopEndsTheDueMessages) {
  Pass(50);
  generator_->Stop();
  ASSERT_TRUE(RunUntilDone());
  EXPECT_EQ(results().messages(), 501u);
  EXPECT_TRUE(results().ok());
}

}  // namespace
}  // namespace sluice
