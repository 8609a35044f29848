#include "sluice/net/sim/sim_ports.h"

#include <cstdint>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "sluice/net/sim/sim_random.h"
#include "sluice/net/socket_address.h"
#include "sluice/timer/clock.h"

// Tests that need many sockets. SocketConformanceTest has the others.

namespace sluice {
namespace {

SocketAddress Address(absl::string_view text) {
  return SocketAddress::Parse(text).value();
}
SimEndpoint At(absl::string_view text) { return SimEndpoint(Address(text)); }
MonotonicTime After(absl::Duration time) {
  return MonotonicTime::FromNanos(0) + time;
}

// Returns a pointer that only identifies a connection.
SimTcpConnection* Connection(uintptr_t number) {
  return reinterpret_cast<SimTcpConnection*>(number);
}

constexpr int kPorts = SimPorts::kLastPort - SimPorts::kFirstPort + 1;

// Uses all ports to `to`, which are in TIME_WAIT from time 0 on.
void UseAllPorts(SimPorts* ports, const SocketAddress& from,
                 const SimEndpoint& to) {
  for (int i = 0; i < kPorts; ++i) {
    const uint16_t port = ports->FreePortTo(from, to, After({}));
    const SimPorts::Pair pair(SimEndpoint(WithPort(from, port)), to);
    ports->Add(pair, SimPorts::By::kConnecting, Connection(1));
    ports->TimeWait(pair, Connection(1), After({}));
  }
}

TEST(SimPortsTest, PortsInTimeWaitAreTakenAgainOnLoopbackAfterASecond) {
  struct Way {
    const char* from;
    const char* to;
    bool reused;
  };
  for (const Way& way : {Way{"127.0.0.1:0", "127.0.0.1:80", true},
                         Way{"10.0.0.1:0", "10.0.0.2:80", false}}) {
    const SocketAddress from = Address(way.from);
    const SimEndpoint to = At(way.to);
    SCOPED_TRACE(way.from);
    SimPorts ports;
    UseAllPorts(&ports, from, to);
    const auto port = [&](absl::Duration time) {
      ports.Expire(After(time));
      return ports.FreePortTo(from, to, After(time));
    };
    EXPECT_EQ(port(absl::Milliseconds(999)), 0);
    EXPECT_EQ(port(absl::Seconds(1)) != 0, way.reused);
    EXPECT_EQ(port(absl::Milliseconds(59'999)) != 0, way.reused);
    EXPECT_NE(port(absl::Seconds(60)), 0);
  }
}

TEST(SimPortsTest, LoopbackIsOfBothFamilies) {
  EXPECT_TRUE(At("127.0.0.2:80").IsLoopback());
  EXPECT_TRUE(At("[::1]:80").IsLoopback());
  EXPECT_FALSE(At("128.0.0.1:80").IsLoopback());
  EXPECT_FALSE(At("[::2]:80").IsLoopback());
}

TEST(SimPortsTest, AChosenPortIsNotGivenToAnotherSocket) {
  SimPorts ports;
  const SocketAddress from = Address("10.0.0.1:0");
  const SimEndpoint to = At("10.0.0.2:80");
  ports.Bind(At("127.0.0.1:32768"));
  ports.AddListener(At("0.0.0.0:32769"), nullptr, /*together=*/false);
  const SimPorts::Pair accepted(At("10.0.0.1:32770"), At("10.0.0.3:1"));
  ports.Add(accepted, SimPorts::By::kAccepting, Connection(1));
  const SimPorts::Pair connected(At("10.0.0.1:32771"), to);
  ports.Add(connected, SimPorts::By::kConnecting, Connection(2));
  const SimPorts::Pair elsewhere(At("10.0.0.1:32772"), At("10.0.0.3:1"));
  ports.Add(elsewhere, SimPorts::By::kConnecting, Connection(3));
  // Connections to another address do not conflict.
  EXPECT_EQ(ports.FreePortTo(from, to, After({})), 32772);
  EXPECT_EQ(ports.FreePort(from), 32773);
}

TEST(SimPortsTest, AtMost65536PairsAreInTimeWait) {
  SimPorts ports;
  int waiting = 0;
  SimPorts::Pair pair(At("10.0.0.1:0"), At("10.0.0.2:0"));
  for (uint16_t peer = 1; peer <= 3; ++peer) {
    pair.second.port = peer;
    for (uint16_t port = 1; port <= 22'000; ++port) {
      pair.first.port = port;
      ports.Add(pair, SimPorts::By::kConnecting, Connection(1));
      ports.TimeWait(pair, Connection(1), After({}));
      waiting += ports.IsOf(pair, Connection(1)) ? 1 : 0;
    }
  }
  EXPECT_EQ(waiting, 65'536);
  ports.Expire(After(absl::Seconds(60)));
  EXPECT_TRUE(ports.MayBind(At("10.0.0.1:1")));
}

TEST(SimPortsTest, AListenerOfOneAddressPrecedesAListenerOfAll) {
  SimPorts ports;
  SimRandom random(1);
  auto* const one = reinterpret_cast<SimTcpListener*>(1);
  auto* const all = reinterpret_cast<SimTcpListener*>(2);
  ports.AddListener(At("0.0.0.0:80"), all, /*together=*/true);
  EXPECT_FALSE(ports.MayListen(At("10.0.0.1:80"), /*together=*/false));
  EXPECT_TRUE(ports.MayListen(At("10.0.0.1:80"), /*together=*/true));
  ports.AddListener(At("10.0.0.1:80"), one, /*together=*/true);
  EXPECT_EQ(ports.FindListener(At("10.0.0.1:80"), &random), one);
  EXPECT_EQ(ports.FindListener(At("10.0.0.2:80"), &random), all);
  EXPECT_EQ(ports.FindListener(At("10.0.0.1:81"), &random), nullptr);
  ports.RemoveListener(At("10.0.0.1:80"), one);
  EXPECT_EQ(ports.FindListener(At("10.0.0.1:80"), &random), all);
}

}  // namespace
}  // namespace sluice
