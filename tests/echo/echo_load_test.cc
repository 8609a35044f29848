// Tests the memory that the echo server uses under different loads. A
// sanitizer's own memory would hide it, so with a sanitizer the limits are not
// tested.

#include <poll.h>
#include <sys/select.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/apps/common/load/byte_pattern.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/base/testing/test_seed.h"
#include "sluice/tests/support/client_socket.h"
#include "sluice/tests/support/echo_server_process.h"
#include "sluice/tests/support/echo_server_shape.h"
#include "sluice/tests/support/process.h"
#include "sluice/tests/support/test_environment.h"

namespace sluice {
namespace {

using EchoLoadTest = EchoServerShapeTest;
INSTANTIATE_TEST_SUITE_P(Shapes, EchoLoadTest,
                         ::testing::ValuesIn(EchoServerShapes()),
                         EchoServerShape::Name);

constexpr int64_t kKiB = 1024;
constexpr int64_t kMiB = 1024 * kKiB;

TEST_P(EchoLoadTest, SlowReaderGetsEveryByteAndCostsLittleMemory) {
  constexpr size_t kTotal = kSanitized ? 20'000'000 : 100'000'000;
  const auto seed = static_cast<uint32_t>(TestSeed());
  SCOPED_TRACE(absl::StrCat("SLUICE_SEED=", seed));
  const BytePattern pattern(seed);
  auto server = Start();
  SLUICE_ASSERT_OK(server);
  auto client = ClientSocket::Connect((*server)->address());
  SLUICE_ASSERT_OK(client);
  SLUICE_ASSERT_OK(client->Echo("hello"));
  const auto before = (*server)->process().ResidentBytes();
  SLUICE_ASSERT_OK(before);

  // The client reads only when it can send no more, so all buffers are always
  // full.
  size_t sent = 0;
  size_t received = 0;
  while (received < kTotal) {
    while (sent < kTotal) {
      const absl::string_view data =
          pattern.Bytes(0, sent, std::min<size_t>(kTotal - sent, 256 * kKiB));
      const size_t taken = client->TrySend(data);
      if (taken == 0) break;
      sent += taken;
    }
    const absl::StatusOr<std::string> some = client->ReceiveSome(32 * kKiB);
    SLUICE_ASSERT_OK(some);
    ASSERT_FALSE(some->empty());
    ASSERT_EQ(pattern.FirstDifference(0, received, *some), std::nullopt)
        << "after " << received;
    received += some->size();
  }
  EXPECT_EQ(received, kTotal);
  const auto peak = (*server)->process().PeakResidentBytes();
  SLUICE_ASSERT_OK(peak);
  RecordProperty("growth_bytes", static_cast<int>(*peak - *before));
  if (!kSanitized) {
    EXPECT_LT(*peak - *before, 16 * kMiB);
  }
}

// Sends on every connection until none has accepted more for 500 ms.
void FillAll(std::vector<ClientSocket>& clients, size_t* sent) {
  const std::string data(64 * kKiB, 'x');
  std::vector<pollfd> polled;
  for (const ClientSocket& client : clients) {
    polled.push_back({client.fd(), POLLOUT, 0});
  }
  while (poll(polled.data(), polled.size(), /*timeout=*/500) > 0) {
    for (size_t i = 0; i < clients.size(); ++i) {
      if (polled[i].revents != 0) *sent += clients[i].TrySend(data);
    }
  }
}

TEST_P(EchoLoadTest, ClientsThatNeverReadCostABoundedAmount) {
  if (kSanitized) GTEST_SKIP() << "memory under a sanitizer is not ours";
  constexpr int kClients = 900;  // within select(2)'s limit
  RaiseOwnDescriptorLimit();
  auto server = Start();
  SLUICE_ASSERT_OK(server);
  std::vector<ClientSocket> clients;
  for (int i = 0; i < kClients; ++i) {
    auto client =
        ClientSocket::Connect((*server)->address(), {.buffer = 16 * kKiB});
    SLUICE_ASSERT_OK(client);
    SLUICE_ASSERT_OK(client->Echo("x"));
    clients.push_back(*std::move(client));
  }
  const auto before = (*server)->process().ResidentBytes();
  SLUICE_ASSERT_OK(before);
  size_t sent = 0;
  FillAll(clients, &sent);
  EXPECT_GT(sent, kClients * 128 * kKiB);
  const auto peak = (*server)->process().PeakResidentBytes();
  SLUICE_ASSERT_OK(peak);
  RecordProperty("growth_bytes", static_cast<int>(*peak - *before));
  // A connection may hold its high-water mark and one read more.
  EXPECT_LT(*peak - *before, kClients * (64 + 64) * kKiB + 8 * kMiB);

  // Other clients are still served.
  auto other = ClientSocket::Connect((*server)->address());
  SLUICE_ASSERT_OK(other);
  SLUICE_EXPECT_OK(other->Echo("hello"));
}

// Returns how many connections this process and a server with the poller of
// `shape` can hold.
int64_t MaxClients(const EchoServerShape& shape) {
  constexpr int64_t kSpare = 100;
  const int64_t limit = RaiseOwnDescriptorLimit();
  return (shape.poller == "select" ? std::min<int64_t>(limit, FD_SETSIZE)
                                   : limit) -
         kSpare;
}

// By default a connection has an idle timeout.
TEST_P(EchoLoadTest, IdleConnectionTakes300BytesAtMost) {
  if (kSanitized) GTEST_SKIP() << "memory under a sanitizer is not ours";
  const int64_t count = std::min<int64_t>(10'000, MaxClients(GetParam()));
  if (count < 900) {
    GTEST_SKIP() << "the limit on descriptors leaves but " << count;
  }
  auto server = Start();
  SLUICE_ASSERT_OK(server);
  // These connections make each thread allocate its one-time memory.
  for (int i = 0; i < 20; ++i) {
    auto client = ClientSocket::Connect((*server)->address());
    SLUICE_ASSERT_OK(client);
    SLUICE_ASSERT_OK(client->Echo("x"));
  }
  const auto before = (*server)->process().ResidentBytes();
  SLUICE_ASSERT_OK(before);
  std::vector<ClientSocket> clients;
  for (int64_t i = 0; i < count; ++i) {
    auto client = ClientSocket::Connect((*server)->address());
    SLUICE_ASSERT_OK(client);
    SLUICE_ASSERT_OK(client->Send("x"));
    clients.push_back(*std::move(client));
  }
  // Each connection has been used. A connection that was never used is smaller.
  for (ClientSocket& client : clients)
    EXPECT_EQ(client.Receive(1).value(), "x");
  const auto after = (*server)->process().ResidentBytes();
  SLUICE_ASSERT_OK(after);
  // Allocators take whole pages, one for each thread. These pages do not count
  // as memory of a connection.
  constexpr int64_t kPages = 32 * kKiB;
  const int64_t each = (*after - *before - kPages) / count;
  std::printf("%lld connections, %lld bytes each\n",
              static_cast<long long>(count), static_cast<long long>(each));
  RecordProperty("bytes_per_connection", static_cast<int>(each));
  EXPECT_LE(each, 300);
}

}  // namespace
}  // namespace sluice
