// Tests how the echo server drains, with every thread model and poller.

#include <signal.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/apps/common/load/byte_pattern.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/base/testing/test_seed.h"
#include "sluice/tests/support/client_socket.h"
#include "sluice/tests/support/echo_server_process.h"
#include "sluice/tests/support/echo_server_shape.h"

namespace sluice {
namespace {

constexpr absl::Duration kPatience = ClientSocket::kPatience;

class EchoDrainTest : public EchoServerShapeTest {
 protected:
  void ExpectIdleConnectionsDrain(int signal);
};

INSTANTIATE_TEST_SUITE_P(Shapes, EchoDrainTest,
                         ::testing::ValuesIn(EchoServerShapes()),
                         EchoServerShape::Name);

// Expects that idle connections do not wait for the drain's deadline, which is
// infinite in this test.
void EchoDrainTest::ExpectIdleConnectionsDrain(int signal) {
  auto server = Start({.arguments = {"--drain_timeout=inf"}});
  SLUICE_ASSERT_OK(server);
  std::vector<ClientSocket> clients;
  for (int i = 0; i < 3; ++i) {
    auto client = ClientSocket::Connect((*server)->address());
    SLUICE_ASSERT_OK(client);
    SLUICE_ASSERT_OK(client->Echo("12345"));
    clients.push_back(*std::move(client));
  }
  SLUICE_ASSERT_OK((*server)->process().Signal(signal));
  for (ClientSocket& client : clients) {
    EXPECT_EQ(client.ReceiveAll().value(), "");
  }
  const auto summary = (*server)->WaitDrained();
  SLUICE_ASSERT_OK(summary);
  EXPECT_EQ(summary->connections, 3);
  EXPECT_EQ(summary->bytes, 15);
  EXPECT_EQ(summary->forced, 0);
  EXPECT_FALSE(ClientSocket::Connect((*server)->address()).ok());
}

TEST_P(EchoDrainTest, DrainsAtSigterm) { ExpectIdleConnectionsDrain(SIGTERM); }

TEST_P(EchoDrainTest, DrainsAtSigint) { ExpectIdleConnectionsDrain(SIGINT); }

// Sends until the server takes no more for 200 ms, because the client does not
// read. Returns the number of bytes sent.
size_t FillUp(ClientSocket& client, const BytePattern& pattern) {
  constexpr size_t kLimit = 100'000'000;
  size_t sent = 0;
  const auto send_some = [&] {
    const size_t taken = client.TrySend(pattern.Bytes(0, sent, kLimit - sent));
    sent += taken;
    return taken > 0;
  };
  while (sent < kLimit && Eventually(send_some, absl::Milliseconds(200))) {
  }
  return sent;
}

// Returns a client that has sent as much as the server takes, and that does not
// read.
ClientSocket ConnectStuck(EchoServerProcess& server) {
  auto client = ClientSocket::Connect(server.address());
  EXPECT_THAT(client, IsOk());
  if (!client.ok()) return {};
  FillUp(*client, BytePattern(1));
  return *std::move(client);
}

// Returns when the server has closed its listener.
void WaitUntilDraining(EchoServerProcess& server) {
  EXPECT_TRUE(
      Eventually([&] { return !ClientSocket::Connect(server.address()).ok(); },
                 kPatience));
}

// The server has read a part of the input, and its kernel has most of the rest:
// the client does not read. The client's small buffer has the last bytes, which
// arrive while the server drains.
TEST_P(EchoDrainTest, DrainEchoesInputThatIsUnderWay) {
  const auto seed = static_cast<uint32_t>(TestSeed());
  SCOPED_TRACE(absl::StrCat("SLUICE_SEED=", seed));
  const BytePattern pattern(seed);
  auto server = Start({.arguments = {"--drain_timeout=inf"}});
  SLUICE_ASSERT_OK(server);
  auto client =
      ClientSocket::Connect((*server)->address(), {.buffer = 64 * 1024});
  SLUICE_ASSERT_OK(client);
  const size_t sent = FillUp(*client, pattern);
  ASSERT_GT(sent, 500'000);
  SLUICE_ASSERT_OK((*server)->process().Signal(SIGTERM));
  WaitUntilDraining(**server);

  size_t received = 0;
  while (received < sent) {
    const absl::StatusOr<std::string> some = client->ReceiveSome(20'000);
    SLUICE_ASSERT_OK(some);
    ASSERT_FALSE(some->empty()) << received;
    EXPECT_EQ(pattern.FirstDifference(0, received, *some), std::nullopt);
    received += some->size();
    Pass(absl::Milliseconds(1));
  }
  const auto summary = (*server)->WaitDrained();
  SLUICE_ASSERT_OK(summary);
  EXPECT_EQ(summary->bytes, sent);
  EXPECT_EQ(summary->forced, 0);
}

TEST_P(EchoDrainTest, DrainForcesConnectionsThatDoNotEndInTime) {
  auto server = Start({.arguments = {"--drain_timeout=300ms"}});
  SLUICE_ASSERT_OK(server);
  auto idle = ClientSocket::Connect((*server)->address());
  SLUICE_ASSERT_OK(idle);
  SLUICE_ASSERT_OK(idle->Echo("x"));
  const ClientSocket stuck = ConnectStuck(**server);
  const auto summary = (*server)->Drain(SIGTERM);
  SLUICE_ASSERT_OK(summary);
  EXPECT_EQ(summary->connections, 2);
  EXPECT_EQ(summary->forced, 1);
}

TEST_P(EchoDrainTest, SecondSignalEndsItAtOnce) {
  for (const int signal : {SIGTERM, SIGINT}) {
    auto server = Start({.arguments = {"--drain_timeout=inf"}});
    SLUICE_ASSERT_OK(server);
    const ClientSocket stuck = ConnectStuck(**server);
    SLUICE_ASSERT_OK((*server)->process().Signal(SIGTERM));
    WaitUntilDraining(**server);  // two pending signals would become one
    SLUICE_ASSERT_OK((*server)->process().Signal(signal));
    const auto ended = (*server)->process().Wait(kPatience);
    SLUICE_ASSERT_OK(ended);
    EXPECT_EQ(ended->signal, signal);
  }
}

}  // namespace
}  // namespace sluice
