#include "sluice/net/sim/sim_tcp.h"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/io_result.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/event/poller/poller.h"
#include "sluice/net/sim/sim_random.h"
#include "sluice/net/sim/sim_wire.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/socket_address.h"
#include "sluice/timer/clock.h"

// Tests of behaviour that only a simulation can cause. socket_conformance.h has
// the behaviour that SimTcp shares with Linux.

namespace sluice {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kLatency = absl::Milliseconds(1);

// A wire that the test controls.
class TestWire final : public SimWire {
 public:
  MonotonicTime Now() const override { return now_; }
  SimRandom& random() override { return random_; }
  const SimFaults& faults() const override { return chances; }
  SimTcp* HostOf(const SocketAddress& address, SimTcp*) override {
    for (SimTcp* const host : hosts_) {
      if (host->Has(address)) return host;
    }
    return nullptr;
  }
  std::optional<absl::Duration> Pass(SimTcp*, SimTcp*, size_t) override {
    if (cut) return std::nullopt;
    return latency;
  }
  void At(MonotonicTime time, absl::AnyInvocable<void() &&> happen) override {
    events_.emplace(time, std::move(happen));
  }
  bool tracing() const override { return false; }
  void Note(const SimTcp*, absl::string_view) override {}

  void Add(SimTcp* host) { hosts_.push_back(host); }
  void RunFor(absl::Duration duration) {
    const MonotonicTime end = now_ + duration;
    while (!events_.empty() && events_.begin()->first <= end) {
      auto event = events_.extract(events_.begin());
      now_ = event.key();
      std::move(event.mapped())();
    }
    now_ = end;
  }

  SimFaults chances;
  bool cut = false;  // all packets are lost
  absl::Duration latency = kLatency;

 private:
  MonotonicTime now_ = MonotonicTime::FromNanos(0);
  SimRandom random_{1};
  std::vector<SimTcp*> hosts_;
  std::multimap<MonotonicTime, absl::AnyInvocable<void() &&>> events_;
};

SocketAddress Parse(absl::string_view text) {
  return SocketAddress::Parse(text).value();
}

// Returns a number, or the name of an errno.
std::string Shown(IoResult result) {
  return result.ok() ? absl::StrCat(result.value())
                     : strerrorname_np(result.error());
}

class SimTcpTest : public ::testing::Test {
 protected:
  static constexpr size_t kBuffer = 1000;

  SimTcpTest() {
    wire_.Add(&a_);
    wire_.Add(&b_);
  }

  int Listen() {
    const auto fd = b_.Listen(kServer, {});
    SLUICE_EXPECT_OK(fd);
    return fd.value_or(-1);
  }
  int Connect(const SocketAddress& to, const SocketAddress* local = nullptr) {
    const IoResult fd = a_.StartConnect(to, local);
    EXPECT_TRUE(fd.ok()) << Shown(fd);
    return static_cast<int>(fd.value());
  }
  int Accept(int listener) {
    const IoResult fd = b_.Accept(listener, nullptr);
    EXPECT_TRUE(fd.ok()) << Shown(fd);
    return static_cast<int>(fd.value());
  }
  // Returns a pair: one end on `a_`, one on `b_`.
  std::pair<int, int> Pair() {
    const int listener = Listen();
    const int client = Connect(kServer);
    Pass();
    const int server = Accept(listener);
    b_.Close(listener, CloseMode::kGraceful);
    return {client, server};
  }
  void Pass(absl::Duration time = absl::Milliseconds(10)) {
    wire_.RunFor(time);
  }

  // Returns the bytes, "FIN", or the name of an errno.
  std::string Read(SimTcp& host, int fd) {
    char bytes[kBuffer];
    const IoResult result = host.Read(fd, absl::MakeSpan(bytes));
    if (!result.ok()) return Shown(result);
    return result.value() == 0
               ? "FIN"
               : std::string(bytes, static_cast<size_t>(result.value()));
  }
  std::string Write(SimTcp& host, int fd, absl::string_view bytes) {
    return Shown(host.Write(fd, absl::MakeConstSpan(&bytes, 1)));
  }
  std::string PendingError(SimTcp& host, int fd) {
    return Shown(host.PendingError(fd));
  }
  bool IsWritable(SimTcp& host, int fd) {
    return (host.descriptors().ready(fd) & kWritable) != 0;
  }

  const SocketAddress kServer = Parse("10.0.0.2:80");
  TestWire wire_;
  SimTcp a_{&wire_, "a", {Parse("10.0.0.1:0")}, {.buffer_bytes = kBuffer}};
  SimTcp b_{&wire_,
            "b",
            {Parse("10.0.0.2:0")},
            {.buffer_bytes = kBuffer, .max_descriptors = 3}};
};

TEST_F(SimTcpTest, NoListenerIsOfBothFamilies) {
  EXPECT_THAT(
      b_.Listen(SocketAddress::Everywhere(80), {}),
      StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("listen on :80: ")));
}

// Time and distance

TEST_F(SimTcpTest, AConnectTakesThereAndBack) {
  Listen();
  const int client = Connect(kServer);
  Pass(2 * kLatency - absl::Nanoseconds(1));
  EXPECT_FALSE(IsWritable(a_, client));
  Pass(absl::Nanoseconds(1));
  EXPECT_TRUE(IsWritable(a_, client));
}

TEST_F(SimTcpTest, BytesAndResetsKeepTheirOrder) {
  auto [client, server] = Pair();
  wire_.latency = absl::Milliseconds(50);
  EXPECT_EQ(Write(a_, client, "one "), "4");
  wire_.latency = kLatency;
  EXPECT_EQ(Write(a_, client, "two "), "4");
  a_.Close(client, CloseMode::kReset);
  Pass(absl::Milliseconds(49));
  EXPECT_EQ(Read(b_, server), "EAGAIN");
  Pass(absl::Milliseconds(2));
  EXPECT_EQ(Read(b_, server), "one two ");
  EXPECT_EQ(Read(b_, server), "ECONNRESET");
}

TEST_F(SimTcpTest, AResetThatCrossesAFinIsReportedAsEconnreset) {
  auto [client, server] = Pair();
  EXPECT_EQ(Shown(a_.ShutdownWrite(client)), "0");
  Pass();
  a_.Close(client, CloseMode::kReset);
  EXPECT_EQ(Shown(b_.ShutdownWrite(server)), "0");
  Pass();
  EXPECT_EQ(PendingError(b_, server), "ECONNRESET");
}

TEST_F(SimTcpTest, TheWriterGetsRoomOneLatencyAfterARead) {
  auto [client, server] = Pair();
  const std::string many(kBuffer + 1, 'x');
  EXPECT_EQ(Write(a_, client, many), absl::StrCat(kBuffer));
  EXPECT_EQ(Write(a_, client, many), "EAGAIN");
  EXPECT_FALSE(IsWritable(a_, client));
  Pass();
  EXPECT_EQ(Write(a_, client, many), "EAGAIN");
  EXPECT_EQ(Read(b_, server).size(), kBuffer);
  EXPECT_FALSE(IsWritable(a_, client));
  Pass(kLatency);
  EXPECT_TRUE(IsWritable(a_, client));
  EXPECT_EQ(Write(a_, client, many), absl::StrCat(kBuffer));
}

TEST_F(SimTcpTest, AReaderReportsRoomWhenHalfIsInUse) {
  auto [client, server] = Pair();
  for (const size_t size : {kBuffer / 2 - 1, kBuffer / 2}) {
    const std::string many(kBuffer, 'x');
    EXPECT_EQ(Write(a_, client, many.substr(0, size)), absl::StrCat(size));
    Pass();
    Read(b_, server);
    Pass();
    // All that was read is room now.
    EXPECT_EQ(Write(a_, client, many),
              absl::StrCat(size == kBuffer / 2 ? kBuffer : kBuffer - size));
    Pass();
    Read(b_, server);
    Pass();
  }
}

TEST_F(SimTcpTest, ACloseWhileConnectingLeavesNoHalfOpenPeer) {
  const int listener = Listen();
  a_.Close(Connect(kServer), CloseMode::kGraceful);
  Pass();
  EXPECT_EQ(Read(b_, Accept(listener)), "ECONNRESET");
}

// Lost packets

TEST_F(SimTcpTest, AConnectToNoHostIsGivenUpAfterSixMoreAttempts) {
  const int client = Connect(Parse("10.9.9.9:80"));
  Pass(absl::Seconds(126));
  EXPECT_EQ(a_.descriptors().ready(client), 0);
  Pass(absl::Seconds(1));
  EXPECT_EQ(a_.descriptors().ready(client),
            kReadable | kWritable | kError | kHangup);
  EXPECT_EQ(PendingError(a_, client), "ETIMEDOUT");
}

TEST_F(SimTcpTest, AConnectGetsThroughWhenItIsSentAgain) {
  Listen();
  wire_.cut = true;
  const int client = Connect(kServer);
  Pass(absl::Seconds(6));
  wire_.cut = false;
  EXPECT_FALSE(IsWritable(a_, client));
  Pass(absl::Seconds(1) + 2 * kLatency);
  EXPECT_TRUE(IsWritable(a_, client));
  EXPECT_EQ(PendingError(a_, client), "0");
}

TEST_F(SimTcpTest, LostBytesComeLaterAndInOrder) {
  auto [client, server] = Pair();
  wire_.cut = true;
  EXPECT_EQ(Write(a_, client, "one "), "4");
  wire_.cut = false;
  EXPECT_EQ(Write(a_, client, "two "), "4");
  Pass(absl::Milliseconds(199));
  EXPECT_EQ(Read(b_, server), "EAGAIN");
  Pass(absl::Milliseconds(2));
  EXPECT_EQ(Read(b_, server), "one two ");
}

TEST_F(SimTcpTest, APartitionHoldsBytesAndFinBack) {
  auto [client, server] = Pair();
  wire_.cut = true;
  EXPECT_EQ(Write(a_, client, "bytes"), "5");
  a_.Close(client, CloseMode::kGraceful);
  Pass(absl::Seconds(60));
  EXPECT_EQ(Read(b_, server), "EAGAIN");
  wire_.cut = false;
  Pass(absl::Seconds(60));
  EXPECT_EQ(Read(b_, server), "bytes");
  EXPECT_EQ(Read(b_, server), "FIN");
}

TEST_F(SimTcpTest, AWriterBehindAPartitionGivesUpAfterAQuarterOfAnHour) {
  auto [client, server] = Pair();
  wire_.cut = true;
  EXPECT_EQ(Write(a_, client, "bytes"), "5");
  Pass(absl::Seconds(923));
  EXPECT_EQ(PendingError(a_, client), "0");
  EXPECT_EQ(Read(a_, client), "EAGAIN");
  Pass(absl::Seconds(121));
  EXPECT_EQ(Read(a_, client), "ETIMEDOUT");
  EXPECT_EQ(Write(a_, client, "more"), "EPIPE");
  // An end that only reads never hears anything.
  wire_.cut = false;
  Pass(absl::Hours(24));
  EXPECT_EQ(Read(b_, server), "EAGAIN");
  EXPECT_EQ(PendingError(b_, server), "0");
}

TEST_F(SimTcpTest, TheWriterGetsRoomAfterAPartitionToo) {
  auto [client, server] = Pair();
  EXPECT_EQ(Write(a_, client, std::string(kBuffer, 'x')),
            absl::StrCat(kBuffer));
  Pass();
  wire_.cut = true;
  EXPECT_EQ(Read(b_, server).size(), kBuffer);
  Pass(absl::Seconds(1));
  EXPECT_FALSE(IsWritable(a_, client));
  wire_.cut = false;
  Pass(absl::Seconds(2));
  EXPECT_TRUE(IsWritable(a_, client));
}

// The ends of connections

TEST_F(SimTcpTest, TheEndThatClosesFirstKeepsItsPortForAMinute) {
  const int listener = Listen();
  const SocketAddress own = Parse("10.0.0.1:1000");
  const int client = Connect(kServer, &own);
  Pass();
  const int server = Accept(listener);
  a_.Close(client, CloseMode::kGraceful);
  Pass();
  b_.Close(server, CloseMode::kGraceful);
  Pass(kLatency);
  Pass(absl::Seconds(60) - absl::Nanoseconds(1));
  EXPECT_EQ(Shown(a_.StartConnect(kServer, &own)), "EADDRINUSE");
  Pass(absl::Nanoseconds(1));
  Connect(kServer, &own);
}

TEST_F(SimTcpTest, AnEndThatClosesAloneIsForgottenAfterAMinute) {
  for (const absl::Duration time : {absl::Seconds(59), absl::Seconds(61)}) {
    const int listener = Listen();
    const SocketAddress own = Parse("10.0.0.1:1000");
    const int client = Connect(kServer, &own);
    Pass();
    const int server = Accept(listener);
    a_.Close(client, CloseMode::kGraceful);
    Pass(time);
    const bool forgotten = time > absl::Minutes(1);
    EXPECT_EQ(Shown(b_.ShutdownWrite(server)), "0");
    Pass();
    EXPECT_EQ(PendingError(b_, server), forgotten ? "ECONNRESET" : "0");
    b_.Close(server, CloseMode::kGraceful);
    b_.Close(listener, CloseMode::kGraceful);
    Pass(absl::Seconds(61));
  }
}

TEST_F(SimTcpTest, EachPeerHasItsOwnRangeOfPorts) {
  constexpr int kPorts = 60999 - 32768 + 1;
  SimTcp c(&wire_, "c", {Parse("10.0.0.3:0")},
           {.max_descriptors = 2 * kPorts + 1});
  wire_.Add(&c);
  std::set<uint16_t> ports;
  for (int i = 0; i < kPorts; ++i) {
    const IoResult fd = c.StartConnect(kServer, nullptr);
    ASSERT_TRUE(fd.ok());
    ports.insert(c.Address(static_cast<int>(fd.value()), SocketApi::End::kLocal)
                     ->port());
  }
  EXPECT_EQ(ports.size(), size_t{kPorts});
  EXPECT_EQ(Shown(c.StartConnect(kServer, nullptr)), "EADDRNOTAVAIL");
  EXPECT_TRUE(c.StartConnect(Parse("10.0.0.2:81"), nullptr).ok());
}

TEST_F(SimTcpTest, AConnectionThatItsClientForgotMakesRoomForANewOne) {
  const int listener = Listen();
  const SocketAddress own = Parse("10.0.0.1:1000");
  const int old = Connect(kServer, &own);
  Pass();
  const int server = Accept(listener);
  a_.GoDown();
  a_.Close(old, CloseMode::kGraceful);
  a_.ComeUp();
  const int client = Connect(kServer, &own);
  Pass();
  EXPECT_EQ(PendingError(b_, server), "ECONNRESET");
  EXPECT_FALSE(IsWritable(a_, client));
  Pass(absl::Seconds(1));
  EXPECT_TRUE(IsWritable(a_, client));
  EXPECT_EQ(PendingError(a_, client), "0");
}

TEST_F(SimTcpTest, APortThatWasGivenIsFreeWhenItsConnectionIsOver) {
  for (const CloseMode mode : {CloseMode::kReset, CloseMode::kGraceful}) {
    auto [client, server] = Pair();
    const SocketAddress own = *a_.Address(client, SocketApi::End::kLocal);
    b_.Close(server, mode);
    Pass();
    if (mode == CloseMode::kGraceful) {
      EXPECT_EQ(Shown(a_.StartConnect(kServer, &own)), "EADDRINUSE");
      EXPECT_EQ(Shown(a_.ShutdownWrite(client)), "0");
      Pass();
    }
    // The port is free although the socket is open.
    a_.Close(Connect(kServer, &own), CloseMode::kGraceful);
    Pass();
  }
}

TEST_F(SimTcpTest, ALostResetIsSentAgainOnThePeersPacket) {
  const int listener = Listen();
  const SocketAddress own = Parse("10.0.0.1:1000");
  const int client = Connect(kServer, &own);
  Pass();
  const int server = Accept(listener);
  wire_.cut = true;
  b_.Close(server, CloseMode::kReset);
  wire_.cut = false;
  a_.Close(client, CloseMode::kGraceful);
  wire_.cut = true;
  Pass();
  EXPECT_EQ(Shown(a_.StartConnect(kServer, &own)), "EADDRINUSE");
  Pass(absl::Seconds(100));
  EXPECT_EQ(Shown(a_.StartConnect(kServer, &own)), "EADDRINUSE");
  wire_.cut = false;
  Pass(absl::Seconds(110));
  Connect(kServer, &own);
}

// Options

TEST_F(SimTcpTest, KeepAliveFindsAPeerThatIsGone) {
  auto [client, server] = Pair();
  const auto keep_alive = SocketApi::Option::kKeepAlive;
  EXPECT_EQ(Shown(a_.SetOption(client, keep_alive, 1)), "0");
  wire_.cut = true;
  // Two hours, and nine probes.
  Pass(absl::Hours(2) + 9 * absl::Seconds(75) - kLatency);
  EXPECT_EQ(PendingError(a_, client), "0");
  Pass(kLatency);
  EXPECT_EQ(Read(a_, client), "ETIMEDOUT");
  // The end without keep-alive does not know.
  EXPECT_EQ(PendingError(b_, server), "0");
}

TEST_F(SimTcpTest, KeepAliveAsksAHostThatHasForgotten) {
  const int listener = Listen();
  // The option is set before there is a connection.
  const int client = Connect(kServer);
  const auto keep_alive = SocketApi::Option::kKeepAlive;
  EXPECT_EQ(Shown(a_.SetOption(client, keep_alive, 1)), "0");
  Pass();
  const int server = Accept(listener);
  b_.GoDown();
  b_.Close(server, CloseMode::kGraceful);
  b_.Close(listener, CloseMode::kGraceful);
  b_.ComeUp();
  Pass(absl::Hours(2) - absl::Seconds(1));
  EXPECT_EQ(PendingError(a_, client), "0");
  Pass(absl::Seconds(1));
  EXPECT_EQ(Read(a_, client), "ECONNRESET");
}

TEST_F(SimTcpTest, KeepAliveProbesOnlyIdleSocketsThatAskForIt) {
  for (const bool idle : {false, true}) {
    auto [client, server] = Pair();
    const auto keep_alive = SocketApi::Option::kKeepAlive;
    EXPECT_EQ(Shown(a_.SetOption(client, keep_alive, 1)), "0");
    EXPECT_EQ(Shown(b_.SetOption(server, keep_alive, 1)), "0");
    EXPECT_EQ(Shown(b_.SetOption(server, keep_alive, 0)), "0");
    // A peer that answers keeps it alive, for days.
    Pass(absl::Hours(49));
    EXPECT_EQ(PendingError(a_, client), "0");
    if (!idle) {
      EXPECT_EQ(Write(b_, server, "x"), "1");
      Pass();
    }
    wire_.cut = true;
    // The last answer came an hour ago.
    Pass(absl::Hours(1) + absl::Minutes(30));
    EXPECT_EQ(PendingError(a_, client), idle ? "ETIMEDOUT" : "0");
    Pass(absl::Hours(1));
    EXPECT_EQ(PendingError(a_, client), idle ? "0" : "ETIMEDOUT");
    EXPECT_EQ(PendingError(b_, server), "0");
    wire_.cut = false;
    a_.Close(client, CloseMode::kReset);
    b_.Close(server, CloseMode::kReset);
  }
}

TEST_F(SimTcpTest, BuffersHoldTwiceTheirSetSize) {
  auto [client, server] = Pair();
  const std::string many(100'000, 'x');
  EXPECT_EQ(Shown(a_.SetOption(client, SocketApi::Option::kSendBuffer, 10'000)),
            "0");
  EXPECT_EQ(
      Shown(b_.SetOption(server, SocketApi::Option::kReceiveBuffer, 5'000)),
      "0");
  EXPECT_EQ(Write(a_, client, many), "30000");
  EXPECT_EQ(Write(b_, server, many), absl::StrCat(kBuffer));
  // The size is exactly that.
  EXPECT_EQ(Shown(b_.SetOption(server, SocketApi::Option::kReceiveBuffer, 1)),
            "0");
  EXPECT_EQ(Write(a_, client, many), "EAGAIN");
  EXPECT_FALSE(IsWritable(a_, client));
  EXPECT_EQ(
      Shown(a_.SetOption(client, SocketApi::Option::kSendBuffer, 100'000'000)),
      "0");
  EXPECT_TRUE(IsWritable(a_, client));
}

// Hosts that go down

TEST_F(SimTcpTest, OnAHostThatIsDownAllButCloseFails) {
  const int listener = Listen();
  const int client = Connect(kServer);
  Pass();
  const int server = Accept(listener);
  b_.GoDown();
  EXPECT_THAT(b_.Listen(Parse("10.0.0.2:81"), {}).status().message(),
              HasSubstr("Network is down"));
  EXPECT_EQ(Shown(b_.Accept(listener, nullptr)), "ENETDOWN");
  EXPECT_EQ(Shown(b_.StartConnect(kServer, nullptr)), "ENETDOWN");
  EXPECT_EQ(Read(b_, server), "ENETDOWN");
  EXPECT_EQ(Write(b_, server, "x"), "ENETDOWN");
  EXPECT_EQ(Shown(b_.ShutdownWrite(server)), "ENETDOWN");
  EXPECT_EQ(Shown(b_.SetOption(server, SocketApi::Option::kNoDelay, 1)),
            "ENETDOWN");
  b_.Close(server, CloseMode::kReset);
  b_.Close(listener, CloseMode::kGraceful);
  EXPECT_EQ(b_.open_descriptors(), 0u);
  // The host sent nothing when it went down.
  Pass(absl::Hours(1));
  EXPECT_EQ(Read(a_, client), "EAGAIN");
}

TEST_F(SimTcpTest, AHostThatIsDownAnswersNoConnectUntilItIsUp) {
  b_.GoDown();
  const int client = Connect(kServer);
  Pass(absl::Seconds(10));
  EXPECT_EQ(PendingError(a_, client), "0");
  b_.ComeUp();
  Pass(absl::Seconds(6));
  EXPECT_EQ(PendingError(a_, client), "ECONNREFUSED");
}

TEST_F(SimTcpTest, AHostThatCameBackResetsOldConnections) {
  auto [client, server] = Pair();
  b_.GoDown();
  b_.Close(server, CloseMode::kGraceful);
  EXPECT_EQ(Write(a_, client, "one"), "3");
  Pass(absl::Seconds(1));
  EXPECT_EQ(PendingError(a_, client), "0");
  b_.ComeUp();
  Pass(absl::Seconds(2));
  EXPECT_EQ(Read(a_, client), "ECONNRESET");
}

// Faults

TEST_F(SimTcpTest, ShortCountsLoseNothing) {
  auto [client, server] = Pair();
  wire_.chances.short_count = 1;
  std::string bytes(kBuffer, '\0');
  for (size_t i = 0; i < kBuffer; ++i) bytes[i] = static_cast<char>(i % 127);
  int writes = 0, reads = 0;
  for (size_t sent = 0; sent < kBuffer; ++writes) {
    const absl::string_view rest = absl::string_view(bytes).substr(sent);
    const IoResult wrote = a_.Write(client, absl::MakeConstSpan(&rest, 1));
    ASSERT_GT(wrote.value(), 0);
    sent += static_cast<size_t>(wrote.value());
  }
  Pass();
  std::string received;
  for (; received.size() < kBuffer; ++reads) received += Read(b_, server);
  EXPECT_EQ(received, bytes);
  EXPECT_GT(writes, 1);
  EXPECT_GT(reads, 1);
}

TEST_F(SimTcpTest, WouldBlockComesThoughItIsReady) {
  auto [client, server] = Pair();
  EXPECT_EQ(Write(a_, client, "bytes"), "5");
  Pass();
  wire_.chances.would_block = 1;
  EXPECT_EQ(b_.descriptors().ready(server), kReadable | kWritable);
  EXPECT_EQ(Read(b_, server), "EAGAIN");
  EXPECT_EQ(Write(b_, server, "x"), "EAGAIN");
  EXPECT_EQ(b_.descriptors().ready(server), kReadable | kWritable);
  wire_.chances.would_block = 0;
  EXPECT_EQ(Read(b_, server), "bytes");
}

TEST_F(SimTcpTest, AnInterruptedCallIsRetriedAHundredTimes) {
  const int listener = Listen();
  const int client = Connect(kServer);
  Pass();
  wire_.chances.interrupted = 1;
  EXPECT_EQ(Shown(b_.Accept(listener, nullptr)), "EINTR");
  EXPECT_EQ(Read(a_, client), "EINTR");
  EXPECT_EQ(Write(a_, client, "x"), "EINTR");
  EXPECT_EQ(Shown(a_.StartConnect(kServer, nullptr)), "EINTR");
  EXPECT_EQ(a_.open_descriptors(), 1u);
  wire_.chances.interrupted = 0.5;
  EXPECT_EQ(Write(a_, client, "x"), "1");
}

TEST_F(SimTcpTest, WithoutDescriptorsOrMemoryConnectionsWait) {
  const int listener = Listen();
  Connect(kServer);
  Pass();
  for (double SimFaults::*const fault :
       {&SimFaults::no_descriptors, &SimFaults::no_memory}) {
    wire_.chances = {};
    wire_.chances.*fault = 1;
    std::set<std::string> errors;
    for (int i = 0; i < 100; ++i) {
      errors.insert(Shown(b_.Accept(listener, nullptr)));
      errors.insert(Shown(a_.StartConnect(kServer, nullptr)));
      EXPECT_FALSE(b_.Listen(Parse("10.0.0.2:81"), {}).ok());
    }
    EXPECT_EQ(errors, fault == &SimFaults::no_descriptors
                          ? (std::set<std::string>{"EMFILE", "ENFILE"})
                          : (std::set<std::string>{"ENOBUFS", "ENOMEM"}));
  }
  wire_.chances = {};
  EXPECT_EQ(b_.descriptors().ready(listener), kReadable);
  Accept(listener);
  EXPECT_EQ(b_.open_descriptors(), 2u);
  EXPECT_EQ(a_.open_descriptors(), 1u);
}

TEST_F(SimTcpTest, DescriptorsAreLimited) {
  const int listener = Listen();
  for (int i = 0; i < 3; ++i) Connect(kServer);
  Pass();
  const int server = Accept(listener);
  Accept(listener);
  EXPECT_EQ(Shown(b_.Accept(listener, nullptr)), "EMFILE");
  EXPECT_EQ(b_.descriptors().ready(listener), kReadable);
  b_.Close(server, CloseMode::kGraceful);
  EXPECT_EQ(Accept(listener), server);
}

TEST_F(SimTcpTest, AConnectionAbortedInTheBacklogIsNotAccepted) {
  const int listener = Listen();
  const int client = Connect(kServer);
  Pass();
  wire_.chances.aborted = 1;
  EXPECT_EQ(Shown(b_.Accept(listener, nullptr)), "EAGAIN");
  EXPECT_EQ(b_.descriptors().ready(listener), 0);
  Pass();
  EXPECT_EQ(Read(a_, client), "ECONNRESET");
}

TEST_F(SimTcpTest, AResetByChanceEndsBothEnds) {
  auto [client, server] = Pair();
  wire_.chances.reset = 1;
  EXPECT_EQ(Write(a_, client, "bytes"), "5");
  Pass();
  EXPECT_EQ(Read(a_, client), "ECONNRESET");
  EXPECT_EQ(Read(b_, server), "ECONNRESET");
}

}  // namespace
}  // namespace sluice
