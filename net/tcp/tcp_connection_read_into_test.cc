// Tests ReadInto(): input of known length goes straight into the handler's
// memory, and each byte goes to the right place.

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/test_seed.h"
#include "sluice/net/stream.h"
#include "sluice/net/tcp/tcp_connection.h"
#include "sluice/net/tcp/tcp_connection_test_base.h"
#include "sluice/net/transport/socket_transport.h"
#include "sluice/net/transport/test_peer.h"

namespace sluice {
namespace {

INSTANTIATE_TEST_SUITE_P(Over, TcpConnectionTest, TransportKinds(),
                         ::testing::PrintToStringParamName());

// Reads values that each have a header of 8 hexadecimal digits, their length.
class ValueReader {
 public:
  static constexpr size_t kHeader = 8;

  explicit ValueReader(TestHandler* handler) {
    handler->keep_offered = handler->keep_input = false;
    handler->on_input = [this](Stream& stream, absl::string_view input) {
      offered_bytes += input.size();
      size_t consumed = 0;
      while (input.size() - consumed >= kHeader) {
        values.emplace_back(
            std::stoul(std::string(input.substr(consumed, kHeader)), nullptr,
                       16),
            '\0');
        consumed += kHeader;
        if (!values.back().empty()) {
          stream.ReadInto(absl::MakeSpan(values.back()));
          break;
        }
        ++complete;
      }
      return consumed;
    };
    handler->on_buffer_full = [this](Stream&) { ++complete; };
  }

  static std::string Encoded(absl::string_view value) {
    char header[kHeader + 1];
    snprintf(header, sizeof(header), "%08zx", value.size());
    return std::string(header).append(value.data(), value.size());
  }

  std::vector<std::string> values;
  size_t complete = 0;
  size_t offered_bytes = 0;
};

TEST_P(TcpConnectionTest, ALargeValueIsReadIntoItsBuffer) {
  auto link = ConnectAndOpen({.max_input = 100}, kSmallBuffers);
  ValueReader reader(&link->handler);
  ASSERT_TRUE(link->PeerSends(ValueReader::Encoded(ManyBytes()) + "0000"));
  ASSERT_TRUE(link->Until([&] { return reader.complete == 1; }));
  EXPECT_TRUE(reader.values[0] == ManyBytes());
  if (GetParam().make == NewSocketTransport) {
    // OnInput() saw only the bytes that came in one read with the header, and
    // the four bytes behind the value.
    EXPECT_LE(reader.offered_bytes, loop_->receive_buffer().size() + 4);
  }
  ASSERT_TRUE(link->PeerSends("0001x"));
  ASSERT_TRUE(link->Until([&] { return reader.complete == 2; }));
  EXPECT_EQ(reader.values[1], "x");
}

TEST_P(TcpConnectionTest, BytesInThreeValuesOfOneReadAreToldApart) {
  auto link = ConnectAndOpen();
  ValueReader reader(&link->handler);
  ASSERT_TRUE(link->PeerSends(ValueReader::Encoded("one") +
                              ValueReader::Encoded("") +
                              ValueReader::Encoded("three")));
  ASSERT_TRUE(link->Until([&] { return reader.complete == 3; }));
  EXPECT_EQ(reader.values, (std::vector<std::string>{"one", "", "three"}));
}

TEST_P(TcpConnectionTest, KeptInputFillsABufferFirst) {
  auto link = ConnectAndOpen();
  link->handler.on_input = [](Stream&, absl::string_view) { return size_t{0}; };
  ASSERT_TRUE(link->PeerSends("abc"));
  ASSERT_TRUE(link->Until([&] { return !link->handler.offered.empty(); }));
  std::string buffer(5, '\0');
  link->connection->ReadInto(absl::MakeSpan(buffer));
  EXPECT_EQ(link->handler.count(Callback::kBufferFull), 0);
  ASSERT_TRUE(link->PeerSends("defg"));
  ASSERT_TRUE(link->Until(
      [&] { return link->handler.count(Callback::kBufferFull) == 1; }));
  EXPECT_EQ(buffer, "abcde");
  ASSERT_TRUE(link->Until([&] { return link->handler.offered.size() > 1; }));
  EXPECT_EQ(link->handler.offered.back(), "fg");
}

TEST_P(TcpConnectionTest, APauseStopsTheFilling) {
  auto link = ConnectAndOpen();
  std::string buffer(100'000, '\0');
  link->connection->ReadInto(absl::MakeSpan(buffer));
  link->connection->PauseReading();
  ASSERT_TRUE(link->PeerSends("first"));
  RunIterations();
  EXPECT_EQ(buffer[0], '\0');
  link->connection->ResumeReading();
  ASSERT_TRUE(link->PeerSends(TestPattern(buffer.size() - 5)));
  ASSERT_TRUE(link->Until(
      [&] { return link->handler.count(Callback::kBufferFull) == 1; }));
  EXPECT_TRUE(buffer == "first" + TestPattern(buffer.size() - 5));
}

TEST_P(TcpConnectionTest, APauseInOnBufferFullKeepsTheBytesBehind) {
  auto link = ConnectAndOpen();
  std::string buffer(3, '\0');
  link->handler.on_buffer_full = [](Stream& stream) { stream.PauseReading(); };
  link->connection->ReadInto(absl::MakeSpan(buffer));
  ASSERT_TRUE(link->PeerSends("abcdef"));
  ASSERT_TRUE(link->Until(
      [&] { return link->handler.count(Callback::kBufferFull) == 1; }));
  RunIterations();
  EXPECT_EQ(link->handler.input, "");
  link->connection->ResumeReading();
  ASSERT_TRUE(link->Until([&] { return link->handler.input == "def"; }));
}

TEST_P(TcpConnectionTest, TheEndOfInputComesThoughABufferIsNotFull) {
  auto link = ConnectAndOpen();
  std::string buffer(100'000, '\0');
  link->connection->ReadInto(absl::MakeSpan(buffer));
  ASSERT_TRUE(link->PeerSends("part"));
  link->peer.ShutdownWrite();
  ASSERT_TRUE(link->UntilClosed());
  EXPECT_EQ(link->handler.count(Callback::kBufferFull), 0);
  EXPECT_EQ(link->handler.count(Callback::kInputEnd), 1);
  EXPECT_EQ(buffer.substr(0, 4), "part");
}

TEST_P(TcpConnectionTest, RandomValuesInRandomPiecesArriveWhole) {
  std::mt19937_64 random(TestSeed());
  auto link = ConnectAndOpen({}, kSmallBuffers);
  ValueReader reader(&link->handler);
  std::string stream;
  std::vector<std::string> values;
  const std::string pattern = TestPattern(300'000);
  for (int i = 0; i < 100; ++i) {
    const size_t most = i % 10 == 0 ? pattern.size() : 1000;
    values.push_back(pattern.substr(random() % 100, random() % (most - 100)));
    stream += ValueReader::Encoded(values.back());
  }
  absl::string_view rest = stream;
  while (!rest.empty()) {
    const size_t size = 1 + random() % (random() % 8 == 0 ? 200'000 : 100);
    ASSERT_TRUE(link->PeerSends(rest.substr(0, size)));
    rest.remove_prefix(std::min(rest.size(), size));
    if (random() % 4 == 0) link->connection->PauseReading();
    RunIterations(1);
    link->connection->ResumeReading();
  }
  ASSERT_TRUE(link->Until([&] { return reader.complete == values.size(); }));
  EXPECT_TRUE(reader.values == values);
}

TEST_P(TcpConnectionTest, ASecondBufferIsMisuse) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  auto link = ConnectAndOpen();
  char buffer[2];
  EXPECT_DEATH(link->connection->ReadInto({}), "is empty");
  link->connection->ReadInto(absl::MakeSpan(buffer));
  EXPECT_DEATH(link->connection->ReadInto(absl::MakeSpan(buffer)),
               "before its last buffer was full");
}

}  // namespace
}  // namespace sluice
