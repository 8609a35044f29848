// Tests that the limit of the echo benchmark echoes every byte. A server that
// dropped bytes would be no limit to compare with.

#include <signal.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/apps/common/load/byte_pattern.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/base/testing/test_seed.h"
#include "sluice/tests/support/client_socket.h"
#include "sluice/tests/support/process.h"

namespace sluice {
namespace {

// Runs the server with the flag in the parameter, or without a flag if the
// parameter is empty.
class EchoLimitTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    std::vector<std::string> arguments = {"--listen=127.0.0.1:0"};
    if (*GetParam() != '\0') arguments.push_back(GetParam());
    auto process = Process::Start("bench/echo_limit", {.arguments = arguments});
    SLUICE_ASSERT_OK(process);
    process_ = *std::move(process);
    const auto line = process_->ReadLine(ClientSocket::kPatience);
    SLUICE_ASSERT_OK(line);
    address_ = std::string(absl::StripPrefix(*line, "listening on "));
  }

  ClientSocket Connect() {
    auto client = ClientSocket::Connect(address_);
    EXPECT_THAT(client, IsOk());
    return client.ok() ? *std::move(client) : ClientSocket();
  }

  std::unique_ptr<Process> process_;
  std::string address_;
};

TEST_P(EchoLimitTest, EchoesUntilTheClientHasFinished) {
  for (int i = 0; i < 10; ++i) {
    ClientSocket client = Connect();
    SLUICE_ASSERT_OK(client.Echo("hello"));
    SLUICE_ASSERT_OK(client.SendAndShutdownWrite("and good bye"));
    EXPECT_EQ(client.ReceiveAll().value(), "and good bye");
  }
}

TEST_P(EchoLimitTest, SlowReaderGetsEveryByte) {
  constexpr size_t kTotal = 20'000'000;
  const auto seed = static_cast<uint32_t>(TestSeed());
  SCOPED_TRACE(absl::StrCat("SLUICE_SEED=", seed));
  const BytePattern pattern(seed);
  ClientSocket client = Connect();
  size_t sent = 0;
  size_t received = 0;
  while (received < kTotal) {
    while (sent < kTotal) {
      const size_t taken =
          client.TrySend(pattern.Bytes(0, sent, kTotal - sent));
      if (taken == 0) break;
      sent += taken;
    }
    const absl::StatusOr<std::string> some = client.ReceiveSome(32 * 1024);
    SLUICE_ASSERT_OK(some);
    ASSERT_FALSE(some->empty());
    ASSERT_EQ(pattern.FirstDifference(0, received, *some), std::nullopt)
        << "after " << received;
    received += some->size();
  }
  EXPECT_EQ(received, kTotal);
}

TEST_P(EchoLimitTest, LivesThroughResets) {
  const std::string large(1 << 20, 'x');
  for (int i = 0; i < 20; ++i) {
    ClientSocket client = Connect();
    client.TrySend(large);
    client.TrySend(large);
    client.Reset();
  }
  SLUICE_EXPECT_OK(Connect().Echo("hello"));
}

TEST_P(EchoLimitTest, EndsAtSigterm) {
  SLUICE_ASSERT_OK(process_->Signal(SIGTERM));
  const auto ended = process_->Wait(ClientSocket::kPatience);
  SLUICE_ASSERT_OK(ended);
  EXPECT_EQ(ended->signal, SIGTERM);
}

INSTANTIATE_TEST_SUITE_P(Triggers, EchoLimitTest,
                         ::testing::Values("", "--edge_triggered"),
                         [](const auto& test) {
                           return *test.param == '\0' ? "level" : "edge";
                         });

TEST(EchoLimitUsageTest, WrongUseExits2) {
  for (const char* argument :
       {"--threads=2", "--listen=localhost:0", "--edge"}) {
    auto process =
        Process::Start("bench/echo_limit", {.arguments = {argument}});
    SLUICE_ASSERT_OK(process);
    const auto ended = (*process)->Wait(ClientSocket::kPatience);
    SLUICE_ASSERT_OK(ended);
    EXPECT_EQ(ended->exit_code, 2);
    EXPECT_THAT(ended->error, ::testing::StartsWith("usage: "));
  }
}

}  // namespace
}  // namespace sluice
