// Tests the echo server at its limits: descriptors, resets, timeouts.

#include <signal.h>
#include <sys/resource.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/apps/common/load/byte_pattern.h"
#include "sluice/base/open_descriptors.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/base/testing/test_seed.h"
#include "sluice/tests/support/client_socket.h"
#include "sluice/tests/support/echo_server_process.h"
#include "sluice/tests/support/echo_server_shape.h"
#include "sluice/tests/support/process.h"
#include "sluice/tests/support/test_environment.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

using EchoLimitsTest = EchoServerShapeTest;
INSTANTIATE_TEST_SUITE_P(Shapes, EchoLimitsTest,
                         ::testing::ValuesIn(EchoServerShapes()),
                         EchoServerShape::Name);

constexpr absl::Duration kPatience = ClientSocket::kPatience;

MonotonicTime Now() { return Clock::Real()->Now(); }

std::vector<ClientSocket> ConnectAndSend(EchoServerProcess& server, int count) {
  std::vector<ClientSocket> clients;
  for (int i = 0; i < count; ++i) {
    auto client = ClientSocket::Connect(server.address());
    EXPECT_THAT(client, IsOk());
    if (!client.ok()) break;
    EXPECT_THAT(client->Send("x"), IsOk());
    clients.push_back(*std::move(client));
  }
  return clients;
}

// Moves the clients that have an answer from `waiting` to `served`.
void TakeServed(std::vector<ClientSocket>* waiting,
                std::vector<ClientSocket>* served) {
  std::vector<ClientSocket> rest;
  for (ClientSocket& client : *waiting) {
    (client.WaitReadable(absl::ZeroDuration()) ? *served : rest)
        .push_back(std::move(client));
  }
  *waiting = std::move(rest);
}

void ExpectAlive(EchoServerProcess& server) {
  auto client = ClientSocket::Connect(server.address());
  SLUICE_ASSERT_OK(client);
  SLUICE_EXPECT_OK(client->Echo("hello"));
}

// Expects of a server with fewer descriptors than clients that it serves the
// accepted clients, waits without spinning until some of them end, and then
// accepts others at once.
void ExpectServedInTurns(EchoServerProcess& server) {
  constexpr int kClients = 300;
  std::vector<ClientSocket> waiting = ConnectAndSend(server, kClients);
  ASSERT_EQ(waiting.size(), kClients);
  std::vector<ClientSocket> served;
  // The first answered client need not be the first that connected: another
  // loop may have accepted before the loop of the first client.
  ASSERT_TRUE(Eventually(
      [&] {
        TakeServed(&waiting, &served);
        return !served.empty();
      },
      kPatience));

  // The server gets 300 ms to settle. Then its CPU time is measured for 1 s.
  Pass(absl::Milliseconds(300));
  const absl::StatusOr<absl::Duration> before = server.process().CpuTime();
  SLUICE_ASSERT_OK(before);
  Pass(absl::Seconds(1));
  const absl::StatusOr<absl::Duration> after = server.process().CpuTime();
  SLUICE_ASSERT_OK(after);
  if (!kSanitized) {
    EXPECT_LT(*after - *before, absl::Milliseconds(50));
  }

  TakeServed(&waiting, &served);
  EXPECT_GT(served.size(), 0);
  EXPECT_LT(served.size(), 64);
  for (ClientSocket& client : served) {
    EXPECT_EQ(client.Receive(1).value(), "x");
    SLUICE_EXPECT_OK(client.Echo("those who are in are served"));
  }
  while (!waiting.empty()) {
    const size_t left = waiting.size();
    served.clear();
    const MonotonicTime freed = Now();
    ASSERT_TRUE(Eventually(
        [&] {
          TakeServed(&waiting, &served);
          return !served.empty();
        },
        kPatience))
        << left << " of " << kClients << " are not served";
    if (!kSanitized) {
      EXPECT_LT(Now() - freed, absl::Seconds(1));
    }
    for (ClientSocket& client : served) {
      EXPECT_EQ(client.Receive(1).value(), "x");
    }
  }
  served.clear();
  ExpectAlive(server);
}

TEST_P(EchoLimitsTest, ReportsFewDescriptorsAndServes) {
  auto server =
      Start({.arguments = {"--max_connections=1000"}, .descriptor_limit = 64});
  SLUICE_ASSERT_OK(server);
  SLUICE_EXPECT_OK((*server)->process().WaitForError(
      "connections at once, not 1000: the limit on descriptors "
      "(RLIMIT_NOFILE) is 64\n",
      kPatience));
  ExpectServedInTurns(**server);
}

// In this test accept(2) fails, because the server does not know its limit.
TEST_P(EchoLimitsTest, RunsOutOfDescriptorsAndRecovers) {
  if (kSanitized) {
    GTEST_SKIP() << "the sanitizer needs descriptors too: without, it takes "
                    "valid objects for invalid ones";
  }
  auto server = Start();
  SLUICE_ASSERT_OK(server);
  const rlimit limit = {40, 40};
  ASSERT_EQ(prlimit((*server)->process().pid(), RLIMIT_NOFILE, &limit, nullptr),
            0);
  ExpectServedInTurns(**server);
}

TEST_P(EchoLimitsTest, SaysThatItCannotAcceptAndThatItCanAgain) {
  if (kSanitized) {
    GTEST_SKIP() << "the sanitizer needs descriptors too";
  }
  auto server = Start();
  SLUICE_ASSERT_OK(server);
  Process& process = (*server)->process();
  rlimit limit;
  ASSERT_EQ(prlimit(process.pid(), RLIMIT_NOFILE, nullptr, &limit), 0);
  const auto open = OpenDescriptors(process.pid());
  SLUICE_ASSERT_OK(open);
  const rlimit none = {static_cast<rlim_t>(open->size()), limit.rlim_max};
  ASSERT_EQ(prlimit(process.pid(), RLIMIT_NOFILE, &none, nullptr), 0);
  auto client = ClientSocket::Connect((*server)->address());
  SLUICE_ASSERT_OK(client);
  SLUICE_EXPECT_OK(process.WaitForError(
      absl::StrCat("sluice echo server: cannot accept all connections: "
                   "accept on ",
                   (*server)->address(), ": Too many open files"),
      kPatience));
  ASSERT_EQ(prlimit(process.pid(), RLIMIT_NOFILE, &limit, nullptr), 0);
  SLUICE_EXPECT_OK(process.WaitForError(
      "sluice echo server: accepts all connections again\n", kPatience));
  SLUICE_EXPECT_OK(client->Echo("x"));
}

TEST_P(EchoLimitsTest, HoldsNoMoreThanMaxConnections) {
  constexpr size_t kMax = 2;
  // Each additional thread may have accepted one more connection.
  const size_t most = kMax + GetParam().threads - 1;
  auto server =
      Start({.arguments = {absl::StrCat("--max_connections=", kMax)}});
  SLUICE_ASSERT_OK(server);
  std::vector<ClientSocket> waiting = ConnectAndSend(**server, 20);
  ASSERT_EQ(waiting.size(), 20);
  std::vector<ClientSocket> served;
  while (!waiting.empty()) {
    ASSERT_TRUE(Eventually(
        [&] {
          TakeServed(&waiting, &served);
          return served.size() >= kMax || waiting.empty();
        },
        kPatience));
    Pass(absl::Milliseconds(20));
    TakeServed(&waiting, &served);
    EXPECT_LE(served.size(), most);
    for (ClientSocket& client : served) {
      EXPECT_EQ(client.Receive(1).value(), "x");
    }
    served.clear();
  }
}

TEST_P(EchoLimitsTest, ResetsAtAnyMomentLeaveNothingBehind) {
  const auto seed = static_cast<uint32_t>(TestSeed());
  SCOPED_TRACE(absl::StrCat("SLUICE_SEED=", seed));
  std::mt19937 random(seed);
  auto server = Start();
  SLUICE_ASSERT_OK(server);
  const auto descriptors = [&] {
    return static_cast<int64_t>(
        OpenDescriptors((*server)->process().pid()).value().size());
  };
  const int64_t base = descriptors();

  const std::string large(1 << 20, 'x');
  std::vector<ClientSocket> lingering;
  for (int i = 0; i < 500; ++i) {
    auto client = ClientSocket::Connect((*server)->address());
    SLUICE_ASSERT_OK(client);
    switch (random() % 5) {
      case 0:  // the server may not have accepted it yet
        break;
      case 1:
        client->TrySend("hello");
        break;
      case 2:  // the server has output that does not fit
        client->TrySend(large);
        client->TrySend(large);
        break;
      case 3:  // the client has read half of an answer
        client->TrySend(large);
        SLUICE_EXPECT_OK(client->Receive(1 + random() % 100'000));
        break;
      case 4:
        SLUICE_EXPECT_OK(client->SendAndShutdownWrite("hello"));
        break;
    }
    if (random() % 4 == 0) {
      lingering.push_back(*std::move(client));
    } else {
      client->Reset();
    }
  }
  for (ClientSocket& client : lingering) client.Reset();
  EXPECT_TRUE(Eventually([&] { return descriptors() == base; }, kPatience))
      << descriptors() - base << " more than the " << base << " before";
  ExpectAlive(**server);
  const auto summary = (*server)->Drain(SIGTERM);
  SLUICE_ASSERT_OK(summary);
  EXPECT_EQ(summary->forced, 0);
}

TEST_P(EchoLimitsTest, MessageWithFinComesBackWhole) {
  auto server = Start();
  SLUICE_ASSERT_OK(server);
  for (int i = 0; i < 1'000; ++i) {
    auto client = ClientSocket::Connect((*server)->address());
    SLUICE_ASSERT_OK(client);
    const std::string message = absl::StrCat("message ", i);
    SLUICE_ASSERT_OK(client->SendAndShutdownWrite(message));
    const absl::StatusOr<std::string> answer = client->ReceiveAll();
    SLUICE_ASSERT_OK(answer);
    ASSERT_EQ(*answer, message);
  }
}

// Some of the sizes are slightly larger than the buffer of the server's socket,
// so the server receives the FIN while output is pending. The test uses
// Unix-domain sockets, whose buffers are small.
TEST_P(EchoLimitsTest, HalfClosedClientGetsAllThatItSent) {
  if (GetParam().model == "reuseport") {
    GTEST_SKIP() << "Unix-domain addresses cannot be shared";
  }
  const auto seed = static_cast<uint32_t>(TestSeed());
  SCOPED_TRACE(absl::StrCat("SLUICE_SEED=", seed));
  const BytePattern pattern(seed);
  auto server = Start({.arguments = {"--listen=unix:"}});
  SLUICE_ASSERT_OK(server);
  for (size_t size = 50'000; size < 600'000; size += 10'000) {
    auto client = ClientSocket::Connect((*server)->address());
    SLUICE_ASSERT_OK(client);
    size_t sent = 0;
    while (sent < size) {
      const size_t taken = client->TrySend(pattern.Bytes(0, sent, size - sent));
      if (taken == 0 && !client->WaitWritable(absl::Milliseconds(20))) break;
      sent += taken;
    }
    SLUICE_ASSERT_OK(client->ShutdownWrite());
    Pass(absl::Milliseconds(5));  // the server reads as much as it can
    const absl::StatusOr<std::string> received = client->ReceiveAll();
    SLUICE_ASSERT_OK(received);
    ASSERT_EQ(received->size(), sent);
    EXPECT_EQ(pattern.FirstDifference(0, 0, *received), std::nullopt);
  }
}

TEST_P(EchoLimitsTest, IdleTimeoutEndsIdleConnectionsAlone) {
  constexpr absl::Duration kTimeout = absl::Seconds(1);
  auto server = Start({.arguments = {"--idle_timeout=1s"}});
  SLUICE_ASSERT_OK(server);
  auto active = ClientSocket::Connect((*server)->address());
  SLUICE_ASSERT_OK(active);
  auto idle = ClientSocket::Connect((*server)->address());
  SLUICE_ASSERT_OK(idle);
  const MonotonicTime last_use = Now();
  SLUICE_ASSERT_OK(idle->Echo("hello"));
  int echoes = 0;
  while (!idle->WaitReadable(absl::Milliseconds(100))) {
    SLUICE_ASSERT_OK(active->Echo("hello"));
    ++echoes;
    ASSERT_LT(Now() - last_use, kPatience);
  }
  EXPECT_GE(Now() - last_use, kTimeout);
  EXPECT_EQ(idle->ReceiveAll().value(), "");
  EXPECT_GT(echoes, 0);
  SLUICE_EXPECT_OK(active->Echo("still here"));
}

}  // namespace
}  // namespace sluice
