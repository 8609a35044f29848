#include "sluice/apps/echo/client_connection.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/apps/common/load/byte_pattern.h"
#include "sluice/apps/common/load/load_results.h"
#include "sluice/apps/common/load/message_schedule.h"
#include "sluice/apps/echo/load_test_server.h"
#include "sluice/event/event_loop.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/stream.h"
#include "sluice/net/tcp/tcp_connection.h"
#include "sluice/net/transport/platform.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ClientConnectionTest : public ::testing::Test,
                             protected ClientConnection::Owner {
 protected:
  // Opens the connection, and begins if it is open.
  void Begin(size_t message_size, uint64_t pipeline,
             MessageSchedule::Options schedule) {
    shared_.message_size = message_size;
    shared_.pipeline = pipeline;
    connection_ = std::make_unique<ClientConnection>(&shared_, kNumber);
    connection_->Connect(server_.address(), {});
    ASSERT_TRUE(server_.RunUntil([&] { return connect_ended_; }));
    ASSERT_TRUE(connection_->open());
    schedule_ = std::make_unique<MessageSchedule>(
        schedule, server_.platform()->clock->Now());
    shared_.schedule = schedule_.get();
    connection_->Begin(0);
  }
  [[nodiscard]] bool RunUntilEnded() {
    return server_.RunUntil([&] { return ended_; });
  }
  const LoadResults::ErrorCount& Errors(LoadError error) const {
    return results_.errors[static_cast<size_t>(error)];
  }

  static constexpr uint64_t kNumber = 5;

  LoadTestServer server_;
  const BytePattern pattern_;
  LoadResults results_;
  ConnectionContext context_{
      server_.loop(),
      {.high_water = 0, .low_water = 0, .back_pressure = false}};
  ClientConnection::Shared shared_{.platform = server_.platform(),
                                   .loop = server_.loop(),
                                   .context = &context_,
                                   .owner = this,
                                   .pattern = &pattern_,
                                   .results = &results_,
                                   .message_size = 0,
                                   .pipeline = 0};
  std::unique_ptr<MessageSchedule> schedule_;
  std::unique_ptr<ClientConnection> connection_;
  bool connect_ended_ = false;
  bool nothing_in_flight_ = false;
  bool ended_ = false;

 private:
  void OnConnectEnded(bool open) override {
    connect_ended_ = true;
    EXPECT_EQ(open, connection_->open());
  }
  void OnNothingInFlight() override { nothing_in_flight_ = true; }
  void OnEnded() override { ended_ = true; }
};

TEST_F(ClientConnectionTest, SendsAMessageAfterEachAnswer) {
  Begin(100, 1, {.messages = 50});
  ASSERT_TRUE(server_.RunUntil([&] { return nothing_in_flight_; }));
  EXPECT_EQ(results_.messages(), 50u);
  EXPECT_EQ(shared_.answered, 50u);
  EXPECT_THAT(server_.received(), ElementsAre(5000u));
  connection_->ShutdownWrite();
  ASSERT_TRUE(RunUntilEnded());
  EXPECT_TRUE(results_.ok());
}

TEST_F(ClientConnectionTest, KeepsExactlyThePipelineInFlight) {
  server_.on_input = [](Stream&, absl::string_view, uint64_t) {};
  Begin(100, 7, {.messages = 50});
  ASSERT_TRUE(server_.RunUntil([&] { return server_.received()[0] >= 700; }));
  server_.RunIterations();
  EXPECT_THAT(server_.received(), ElementsAre(700u));
  EXPECT_EQ(shared_.in_flight, 7u);
}

TEST_F(ClientConnectionTest, AMessageMayBeLongerThanAPieceOrAReadOrABuffer) {
  Begin(5'000'000, 2, {.messages = 4});
  ASSERT_TRUE(server_.RunUntil([&] { return nothing_in_flight_; }));
  EXPECT_EQ(results_.messages(), 4u);
  EXPECT_THAT(server_.received(), ElementsAre(20'000'000u));
  EXPECT_TRUE(results_.ok());
}

TEST_F(ClientConnectionTest, AnAnswerMayComeInPieces) {
  server_.on_input = [](Stream& stream, absl::string_view input, uint64_t) {
    stream.Write(input.substr(0, 1));
    stream.Write(input.substr(1));
  };
  Begin(100, 3, {.messages = 50});
  ASSERT_TRUE(server_.RunUntil([&] { return nothing_in_flight_; }));
  EXPECT_EQ(results_.messages(), 50u);
}

TEST_F(ClientConnectionTest, LatencyIsFromSendingToTheLastByteOfTheAnswer) {
  Stream* asker = nullptr;
  std::string held;
  server_.on_input = [&](Stream& stream, absl::string_view input, uint64_t) {
    asker = &stream;
    held.append(input.data(), input.size());
  };
  Begin(100, 1, {.messages = 1});
  ASSERT_TRUE(server_.RunUntil([&] { return held.size() == 100; }));
  server_.Advance(absl::Milliseconds(3));
  asker->Write(absl::string_view(held).substr(0, 99));
  server_.RunIterations();
  server_.Advance(absl::Milliseconds(4));
  asker->Write(absl::string_view(held).substr(99));
  ASSERT_TRUE(server_.RunUntil([&] { return nothing_in_flight_; }));
  EXPECT_EQ(results_.latency.max(),
            absl::ToInt64Nanoseconds(absl::Milliseconds(7)));
}

TEST_F(ClientConnectionTest, InAnOpenLoopLatencyIsFromTheDueTime) {
  Begin(100, 1, {.rate = 1000, .messages = 2});
  ASSERT_TRUE(server_.RunUntil([&] { return results_.messages() == 1; }));
  EXPECT_EQ(results_.latency.max(), 0);
  server_.Advance(absl::Milliseconds(5));  // due after one
  connection_->Send(server_.platform()->clock->Now());
  ASSERT_TRUE(server_.RunUntil([&] { return results_.messages() == 2; }));
  EXPECT_EQ(results_.latency.max(),
            absl::ToInt64Nanoseconds(absl::Milliseconds(4)));
}

TEST_F(ClientConnectionTest, TheFirstWrongByteIsReported) {
  server_.on_input = [](Stream& stream, absl::string_view input,
                        uint64_t offset) {
    std::string wrong(input);
    for (uint64_t at : {1234, 1300}) {
      if (at >= offset && at - offset < wrong.size()) wrong[at - offset] ^= 1;
    }
    stream.Write(wrong);
  };
  Begin(100, 4, {.messages = 50});
  ASSERT_TRUE(RunUntilEnded());
  const auto right =
      static_cast<unsigned char>(pattern_.Bytes(kNumber, 1234, 1)[0]);
  EXPECT_EQ(Errors(LoadError::kWrongByte).connections, 1u);
  EXPECT_EQ(
      Errors(LoadError::kWrongByte).first,
      absl::StrFormat("connection 5, byte 1234: expected 0x%02x, got 0x%02x",
                      right, right ^ 1));
  EXPECT_EQ(shared_.in_flight, 0u);
}

TEST_F(ClientConnectionTest, MoreBytesThanWereSentAreWrong) {
  server_.on_input = [](Stream& stream, absl::string_view input, uint64_t) {
    stream.Write(input);
    stream.Write("!");
  };
  Begin(100, 1, {.messages = 1});
  ASSERT_TRUE(RunUntilEnded());
  EXPECT_THAT(Errors(LoadError::kWrongByte).first,
              HasSubstr("byte 100: expected nothing"));
}

TEST_F(ClientConnectionTest, AServerThatHalfClosesFirstIsAnError) {
  server_.on_input = [](Stream& stream, absl::string_view input, uint64_t) {
    stream.Write(input);
    stream.ShutdownWrite();
  };
  Begin(100, 1, {.messages = 50});
  ASSERT_TRUE(RunUntilEnded());
  EXPECT_EQ(Errors(LoadError::kClosedEarly).connections, 1u);
  EXPECT_EQ(shared_.in_flight, 0u);
  EXPECT_FALSE(connection_->open());
}

TEST_F(ClientConnectionTest, AResetIsReported) {
  server_.on_input = [](Stream& stream, absl::string_view, uint64_t) {
    stream.Abort(absl::AbortedError("as the test says"));
  };
  Begin(100, 1, {.messages = 50});
  ASSERT_TRUE(RunUntilEnded());
  EXPECT_EQ(Errors(LoadError::kReset).connections, 1u);
  EXPECT_THAT(Errors(LoadError::kReset).first, HasSubstr("connection 5: "));
  EXPECT_EQ(shared_.in_flight, 0u);
}

TEST_F(ClientConnectionTest, HalfClosingBeforeTheAnswerIsATimeout) {
  server_.on_input = [](Stream&, absl::string_view, uint64_t) {};
  Begin(100, 3, {.messages = 50});
  connection_->ShutdownWrite();
  ASSERT_TRUE(RunUntilEnded());
  EXPECT_EQ(Errors(LoadError::kTimeout).connections, 1u);
  EXPECT_EQ(Errors(LoadError::kTimeout).first,
            "connection 5: 3 messages without answer");
}

TEST_F(ClientConnectionTest, FailsOnce) {
  Begin(100, 1, {.messages = 1});
  connection_->Fail(LoadError::kTimeout, "first");
  connection_->Fail(LoadError::kCloseTimeout, "second");
  ASSERT_TRUE(RunUntilEnded());
  EXPECT_EQ(Errors(LoadError::kTimeout).first, "first");
  EXPECT_EQ(Errors(LoadError::kCloseTimeout).connections, 0u);
}

}  // namespace
}  // namespace sluice
