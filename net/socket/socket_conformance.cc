#include "sluice/net/socket/socket_conformance.h"

#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "gmock/gmock.h"
#include "sluice/base/io_result.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/event/poller/poller.h"
#include "sluice/event/poller/poller_kind.h"
#include "sluice/net/socket/kernel_sockets.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/socket_address.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;

constexpr IoEvents kBoth = kReadable | kWritable;

// Runs in a folder of its own, with a short relative path.
class KernelSocketWorld final : public SocketWorld {
 public:
  KernelSocketWorld() {
    std::string folder = ::testing::TempDir() + "/sockets_XXXXXX";
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    EXPECT_EQ(chdir(folder.c_str()), 0);
  }
  SocketApi* sockets() override { return KernelSockets(); }
  std::unique_ptr<Poller> NewPoller() override {
    return *::sluice::NewPoller(PollerKind::kEpoll);
  }
};

// Returns readable, writable, error and hangup as letters of "rweh".
std::string Letters(IoEvents conditions) {
  return absl::StrCat(
      conditions & kReadable ? "r" : "", conditions & kWritable ? "w" : "",
      conditions & kError ? "e" : "", conditions & kHangup ? "h" : "");
}

// Returns a number, or the name of an errno.
std::string Shown(IoResult result) {
  return result.ok() ? absl::StrCat(result.value())
                     : strerrorname_np(result.error());
}

// The actions of the tests, with results as text that is easy to compare.
class Sockets {
 public:
  explicit Sockets(SocketWorld& world)
      : api_(*world.sockets()), poller_(world.NewPoller()) {}

  SocketApi& api() { return api_; }

  absl::StatusOr<Socket> TryListen(const SocketAddress& address,
                                   SocketApi::ListenOptions options = {}) {
    absl::StatusOr<int> fd = api_.Listen(address, options);
    if (!fd.ok()) return fd.status();
    return Socket(&api_, *fd);
  }
  std::string ListenError(const SocketAddress& address,
                          SocketApi::ListenOptions options = {}) {
    return std::string(TryListen(address, options).status().message());
  }
  Socket Listen(const SocketAddress& address = SocketAddress::Loopback4(0),
                SocketApi::ListenOptions options = {}) {
    absl::StatusOr<Socket> socket = TryListen(address, options);
    SLUICE_EXPECT_OK(socket);
    return socket.ok() ? *std::move(socket) : Socket();
  }
  Socket Connect(const SocketAddress& to) {
    return Made(api_.StartConnect(to, nullptr));
  }
  Socket Connect(const Socket& listener) { return Connect(Local(listener)); }
  Socket ConnectFrom(const SocketAddress& local, const Socket& listener) {
    return Made(api_.StartConnect(Local(listener), &local));
  }
  // Waits until the address is free.
  Socket ConnectFromSoon(const SocketAddress& local, const Socket& listener) {
    const SocketAddress to = Local(listener);
    constexpr int kMaxWaits = 5000;
    IoResult made = api_.StartConnect(to, &local);
    for (int i = 0; i < kMaxWaits && made.error() == EADDRINUSE; ++i) {
      Pass(absl::Milliseconds(1));
      made = api_.StartConnect(to, &local);
    }
    return Made(made);
  }
  // Returns the error of an attempt that fails at once.
  std::string ConnectError(const SocketAddress& to,
                           const SocketAddress* local = nullptr) {
    const IoResult made = api_.StartConnect(to, local);
    if (made.ok()) Socket(&api_, static_cast<int>(made.value()));
    return made.ok() ? "none" : Shown(made);
  }
  // Waits for a connection.
  Socket Accept(const Socket& listener, SocketAddress* peer = nullptr) {
    EXPECT_TRUE(Becomes(listener, "r"));
    return Made(api_.Accept(listener.fd(), peer));
  }
  // Returns the end that connected, and the end that was accepted.
  std::pair<Socket, Socket> Pair(
      const SocketAddress& address = SocketAddress::Loopback4(0)) {
    const Socket listener = Listen(address);
    Socket client = Connect(listener);
    Socket server = Accept(listener);
    EXPECT_TRUE(Becomes(client, "w"));
    return {std::move(client), std::move(server)};
  }
  Socket Made(IoResult result) {
    EXPECT_TRUE(result.ok()) << Shown(result);
    return result.ok() ? Socket(&api_, static_cast<int>(result.value()))
                       : Socket();
  }

  SocketAddress Local(const Socket& s) {
    return Address(s, SocketApi::End::kLocal);
  }
  SocketAddress Peer(const Socket& s) {
    return Address(s, SocketApi::End::kPeer);
  }

  // Returns the bytes, "FIN", or the name of an errno.
  std::string Read(const Socket& s, size_t max = 1000) {
    std::string bytes(max, '\0');
    const IoResult result = api_.Read(s.fd(), absl::MakeSpan(bytes));
    if (!result.ok()) return Shown(result);
    bytes.resize(static_cast<size_t>(result.value()));
    return bytes.empty() ? "FIN" : bytes;
  }
  IoResult Put(const Socket& s, absl::string_view bytes) {
    return api_.Write(s.fd(), absl::MakeConstSpan(&bytes, 1));
  }
  std::string Write(const Socket& s, absl::string_view bytes) {
    return Shown(Put(s, bytes));
  }
  std::string PendingError(const Socket& s) {
    return Shown(api_.PendingError(s.fd()));
  }
  std::string UnreadBytes(const Socket& s) {
    return Shown(api_.UnreadBytes(s.fd()));
  }
  std::string ShutdownWrite(const Socket& s) {
    return Shown(api_.ShutdownWrite(s.fd()));
  }

  // Returns the conditions that a poller reports now.
  std::string Ready(const Socket& s, IoEvents interest = kBoth) {
    SLUICE_EXPECT_OK(poller_->Add(s.fd(), interest, 1, AddHint::kNone));
    const auto events = poller_->Wait(absl::ZeroDuration());
    SLUICE_EXPECT_OK(events);
    const IoEvents ready = events->empty()
                               ? IoEvents{0}
                               : static_cast<IoEvents>((*events)[0].flags);
    SLUICE_EXPECT_OK(poller_->Remove(s.fd()));
    return Letters(ready);
  }
  // Waits until the poller reports exactly these conditions.
  ::testing::AssertionResult Becomes(const Socket& s,
                                     absl::string_view expected,
                                     IoEvents interest = kBoth) {
    constexpr int kMaxWaits = 5000;
    std::string ready;
    for (int i = 0; i < kMaxWaits; ++i) {
      ready = Ready(s, interest);
      if (ready == expected) return ::testing::AssertionSuccess();
      Pass(absl::Milliseconds(1));
    }
    return ::testing::AssertionFailure()
           << "is '" << ready << "', not '" << expected << "'";
  }
  // Lets the packets under way arrive.
  void Pass(absl::Duration time = absl::Milliseconds(2)) {
    SLUICE_EXPECT_OK(poller_->Wait(time));
  }

  // Writes until that fails for long; returns the number of bytes.
  size_t Fill(const Socket& s) {
    const std::string bytes(64 * 1024, 'x');
    size_t total = 0;
    do {
      for (IoResult put(0); (put = Put(s, bytes)).ok();) {
        total += static_cast<size_t>(put.value());
      }
      Pass();
    } while (!Ready(s, kWritable).empty());
    return total;
  }
  // Reads until FIN or `until` bytes; returns the number of bytes.
  size_t Drain(const Socket& s, size_t until) {
    size_t total = 0;
    while (total < until) {
      EXPECT_TRUE(Becomes(s, "r", kReadable));
      const std::string bytes = Read(s, 1 << 20);
      if (bytes == "FIN" || bytes[0] == 'E') break;
      total += bytes.size();
    }
    return total;
  }

 private:
  SocketAddress Address(const Socket& s, SocketApi::End end) {
    absl::StatusOr<SocketAddress> address = api_.Address(s.fd(), end);
    SLUICE_EXPECT_OK(address);
    return address.value_or(SocketAddress());
  }

  SocketApi& api_;
  const std::unique_ptr<Poller> poller_;
};

// Returns the address of a listener that is closed.
SocketAddress NobodyListens(Sockets& net) { return net.Local(net.Listen()); }

// Returns an address to connect from. Connections, also of other processes, may
// still use the port of a closed listener.
SocketAddress Unused(Sockets& net) {
  constexpr int kMaxTries = 100;
  SocketAddress address;
  for (int i = 0; i < kMaxTries; ++i) {
    address = NobodyListens(net);
    const IoResult made = net.api().StartConnect(address, &address);
    if (!made.ok()) continue;
    net.api().Close(static_cast<int>(made.value()), CloseMode::kReset);
    return address;
  }
  ADD_FAILURE() << "no port is free";
  return address;
}

}  // namespace

SocketBackend KernelSocketBackend() {
  return {"kernel", [] { return std::make_unique<KernelSocketWorld>(); }};
}

// Listening

TEST_P(SocketConformanceTest, PortZeroIsAFreeOneEachTime) {
  Sockets net(*world_);
  const Socket a = net.Listen(), b = net.Listen();
  EXPECT_NE(net.Local(a).port(), 0);
  EXPECT_NE(net.Local(b).port(), 0);
  EXPECT_NE(net.Local(a), net.Local(b));
}

TEST_P(SocketConformanceTest, AnAddressIsListenedOnOnce) {
  Sockets net(*world_);
  Socket listener = net.Listen();
  const SocketAddress address = net.Local(listener);
  const SocketAddress any =
      SocketAddress::Parse(absl::StrCat("0.0.0.0:", address.port())).value();
  for (const SocketAddress& taken : {address, any}) {
    for (const bool reuse_port : {false, true}) {
      EXPECT_THAT(net.ListenError(taken, {.reuse_port = reuse_port}),
                  HasSubstr("Address already in use"));
    }
  }
  SLUICE_EXPECT_OK(net.TryListen(SocketAddress::Loopback6(address.port())));
  listener.Close(CloseMode::kGraceful);
  SLUICE_EXPECT_OK(net.TryListen(address));
}

TEST_P(SocketConformanceTest, AnAddressOfAnotherHostIsNotListenedOn) {
  Sockets net(*world_);
  EXPECT_THAT(net.ListenError(SocketAddress::Parse("192.0.2.1:0").value()),
              HasSubstr("Cannot assign requested address"));
}

TEST_P(SocketConformanceTest, APortIsListenedOnAgainWhileItsConnectionsLive) {
  Sockets net(*world_);
  Socket listener = net.Listen();
  const SocketAddress address = net.Local(listener);
  const Socket client = net.Connect(listener);
  Socket server = net.Accept(listener);
  listener.Close(CloseMode::kGraceful);
  SLUICE_EXPECT_OK(net.TryListen(address));
  server.Close(CloseMode::kGraceful);
  EXPECT_TRUE(net.Becomes(client, "rw"));
  SLUICE_EXPECT_OK(net.TryListen(address));
}

TEST_P(SocketConformanceTest, APortOfAConnectionIsTaken) {
  Sockets net(*world_);
  const auto [client, server] = net.Pair();
  EXPECT_THAT(net.ListenError(net.Local(client)),
              HasSubstr("Address already in use"));
  const Socket listener = net.Listen();
  for (const Socket* socket : {&client, &server, &listener}) {
    const SocketAddress taken = net.Local(*socket);
    EXPECT_EQ(Shown(net.api().StartConnect(net.Local(listener), &taken)),
              "EADDRINUSE");
  }
}

TEST_P(SocketConformanceTest, ListenersWithReusePortShareAPort) {
  Sockets net(*world_);
  const SocketApi::ListenOptions shared = {.reuse_port = true};
  const Socket a = net.Listen(SocketAddress::Loopback4(0), shared);
  const SocketAddress address = net.Local(a);
  const Socket b = net.Listen(address, shared);
  EXPECT_THAT(net.ListenError(address), HasSubstr("Address already in use"));
  std::vector<Socket> clients, servers;
  for (int i = 0; i < 64; ++i) {
    clients.push_back(net.Connect(address));
    EXPECT_TRUE(net.Becomes(clients.back(), "w"));
  }
  net.Pass();
  for (const Socket* listener : {&a, &b}) {
    const size_t before = servers.size();
    while (net.Ready(*listener) == "r") {
      servers.push_back(net.Accept(*listener));
    }
    EXPECT_GT(servers.size(), before);
  }
  EXPECT_EQ(servers.size(), clients.size());
}

TEST_P(SocketConformanceTest, AListenerIsNoStream) {
  Sockets net(*world_);
  const Socket listener = net.Listen();
  EXPECT_EQ(net.Ready(listener), "");
  EXPECT_EQ(net.Read(listener), "ENOTCONN");
  EXPECT_EQ(net.Write(listener, "x"), "EPIPE");
  EXPECT_EQ(net.UnreadBytes(listener), "EINVAL");
  EXPECT_EQ(net.PendingError(listener), "0");
  EXPECT_EQ(net.ShutdownWrite(listener), "0");
  EXPECT_FALSE(net.api().Address(listener.fd(), SocketApi::End::kPeer).ok());
  const Socket client = net.Connect(listener);
  EXPECT_EQ(Shown(net.api().Accept(client.fd(), nullptr)), "EINVAL");
}

// Connecting

TEST_P(SocketConformanceTest, BothEndsKnowBothAddresses) {
  for (const SocketAddress& address :
       {SocketAddress::Loopback4(0), SocketAddress::Loopback6(0)}) {
    SCOPED_TRACE(address.ToString());
    Sockets net(*world_);
    const Socket listener = net.Listen(address);
    const Socket client = net.Connect(listener);
    SocketAddress peer;
    const Socket server = net.Accept(listener, &peer);
    EXPECT_TRUE(net.Becomes(client, "w"));
    EXPECT_EQ(net.PendingError(client), "0");
    EXPECT_EQ(net.Ready(server), "w");
    EXPECT_EQ(net.Peer(client), net.Local(listener));
    EXPECT_EQ(net.Local(server), net.Local(listener));
    EXPECT_EQ(net.Peer(server), peer);
    EXPECT_EQ(net.Local(client), peer);
    EXPECT_NE(net.Local(client), net.Local(listener));
  }
}

TEST_P(SocketConformanceTest, AListenerEverywhereGetsConnectionsToOneAddress) {
  for (const auto& [any, loopback] :
       {std::pair{"0.0.0.0:0", &SocketAddress::Loopback4},
        std::pair{"[::]:0", &SocketAddress::Loopback6}}) {
    SCOPED_TRACE(any);
    Sockets net(*world_);
    const Socket listener = net.Listen(SocketAddress::Parse(any).value());
    const SocketAddress address = loopback(net.Local(listener).port());
    // A wildcard address means this host.
    for (const SocketAddress& to : {address, net.Local(listener)}) {
      const Socket client = net.Connect(to);
      const Socket server = net.Accept(listener);
      EXPECT_EQ(net.Local(server), address);
      EXPECT_EQ(net.Peer(client), address);
    }
  }
}

TEST_P(SocketConformanceTest, AClientMayChooseItsAddress) {
  Sockets net(*world_);
  const Socket listener = net.Listen();
  SocketAddress local = Unused(net);
  const Socket client =
      net.Made(net.api().StartConnect(net.Local(listener), &local));
  const Socket server = net.Accept(listener);
  EXPECT_EQ(net.Peer(server), local);
  local = SocketAddress::Loopback4(0);
  const Socket other =
      net.Made(net.api().StartConnect(net.Local(listener), &local));
  EXPECT_TRUE(net.Becomes(other, "w"));
  EXPECT_NE(net.Local(other).port(), 0);
  local = SocketAddress::Parse("192.0.2.1:0").value();
  EXPECT_EQ(Shown(net.api().StartConnect(net.Local(listener), &local)),
            "EADDRNOTAVAIL");
}

TEST_P(SocketConformanceTest, ConnectsWithoutAListenerAreRefused) {
  Sockets net(*world_);
  const SocketAddress nobody = NobodyListens(net);
  for (const bool ask : {true, false}) {
    const Socket client = net.Connect(nobody);
    ASSERT_TRUE(net.Becomes(client, "rweh"));
    EXPECT_TRUE(net.Becomes(client, "eh", 0));
    EXPECT_EQ(ask ? net.PendingError(client) : net.Read(client),
              "ECONNREFUSED");
    EXPECT_EQ(net.Ready(client), "rwh");
    EXPECT_EQ(net.PendingError(client), "0");
    EXPECT_EQ(net.Read(client), "FIN");
    EXPECT_EQ(net.Write(client, "x"), "EPIPE");
    EXPECT_EQ(net.ShutdownWrite(client), "ENOTCONN");
    EXPECT_EQ(net.Peer(client), nobody);
  }
}

TEST_P(SocketConformanceTest, ConnectionsBeyondTheBacklogAreHeldOff) {
  Sockets net(*world_);
  // Linux lets one more connection wait than the backlog says.
  const Socket listener =
      net.Listen(SocketAddress::Loopback4(0), {.backlog = 1});
  const Socket first = net.Connect(listener);
  EXPECT_TRUE(net.Becomes(first, "w"));
  const Socket second = net.Connect(listener);
  EXPECT_TRUE(net.Becomes(second, "w"));
  const Socket third = net.Connect(listener);
  net.Pass();
  EXPECT_EQ(net.Ready(third), "");
  // The third socket behaves like one that is still connecting.
  EXPECT_EQ(net.PendingError(third), "0");
  EXPECT_EQ(net.Read(third), "EAGAIN");
  EXPECT_EQ(net.Write(third, "x"), "EAGAIN");
  EXPECT_EQ(net.UnreadBytes(third), "0");
  EXPECT_EQ(net.Peer(third), net.Local(listener));
  EXPECT_NE(net.Local(third).port(), 0);
  // The client sends its SYN again after a second.
  const Socket server = net.Accept(listener);
  EXPECT_EQ(net.Peer(server), net.Local(first));
  EXPECT_TRUE(net.Becomes(third, "w"));
  const Socket next = net.Accept(listener), last = net.Accept(listener);
  EXPECT_EQ(net.Peer(next), net.Local(second));
  EXPECT_EQ(net.Peer(last), net.Local(third));
}

TEST_P(SocketConformanceTest, AcceptTakesTheOldestAndThenNone) {
  Sockets net(*world_);
  const Socket listener = net.Listen();
  EXPECT_EQ(Shown(net.api().Accept(listener.fd(), nullptr)), "EAGAIN");
  const Socket first = net.Connect(listener);
  EXPECT_TRUE(net.Becomes(first, "w"));
  const Socket second = net.Connect(listener);
  EXPECT_TRUE(net.Becomes(second, "w"));
  EXPECT_EQ(net.Peer(net.Accept(listener)), net.Local(first));
  EXPECT_EQ(net.Ready(listener), "r");
  EXPECT_EQ(net.Peer(net.Accept(listener)), net.Local(second));
  EXPECT_EQ(net.Ready(listener), "");
  EXPECT_EQ(Shown(net.api().Accept(listener.fd(), nullptr)), "EAGAIN");
}

TEST_P(SocketConformanceTest, AConnectionThatEndsInTheBacklogIsStillAccepted) {
  for (const CloseMode mode : {CloseMode::kGraceful, CloseMode::kReset}) {
    Sockets net(*world_);
    const Socket listener = net.Listen();
    Socket client = net.Connect(listener);
    EXPECT_TRUE(net.Becomes(client, "w"));
    const SocketAddress address = net.Local(client);
    EXPECT_EQ(net.Write(client, "first"), "5");
    client.Close(mode);
    net.Pass();
    SocketAddress peer;
    const Socket server = net.Accept(listener, &peer);
    EXPECT_EQ(peer, address);
    const bool reset = mode == CloseMode::kReset;
    EXPECT_TRUE(net.Becomes(server, reset ? "rweh" : "rw"));
    EXPECT_EQ(net.Peer(server), address);
    EXPECT_EQ(net.Read(server), "first");
    EXPECT_EQ(net.Read(server), reset ? "ECONNRESET" : "FIN");
  }
}

TEST_P(SocketConformanceTest, AClosedListenerResetsWaitingConnections) {
  Sockets net(*world_);
  Socket listener = net.Listen();
  const Socket waits = net.Connect(listener);
  EXPECT_TRUE(net.Becomes(waits, "w"));
  listener.Close(CloseMode::kGraceful);
  EXPECT_TRUE(net.Becomes(waits, "rweh"));
  EXPECT_EQ(net.PendingError(waits), "ECONNRESET");
}

TEST_P(SocketConformanceTest, ASocketConnectsToItself) {
  Sockets net(*world_);
  const SocketAddress own = Unused(net);
  Socket socket = net.Made(net.api().StartConnect(own, &own));
  EXPECT_TRUE(net.Becomes(socket, "w"));
  EXPECT_EQ(net.PendingError(socket), "0");
  EXPECT_EQ(net.Local(socket), own);
  EXPECT_EQ(net.Peer(socket), own);
  EXPECT_EQ(net.Write(socket, "hello"), "5");
  EXPECT_TRUE(net.Becomes(socket, "rw"));
  EXPECT_EQ(net.Read(socket, 3), "hel");
  EXPECT_EQ(net.Read(socket), "lo");
  EXPECT_EQ(net.Read(socket), "EAGAIN");
  EXPECT_EQ(net.Write(socket, "last"), "4");
  EXPECT_EQ(net.ShutdownWrite(socket), "0");
  EXPECT_TRUE(net.Becomes(socket, "rwh"));
  EXPECT_EQ(net.Read(socket), "last");
  EXPECT_EQ(net.Read(socket), "FIN");
  EXPECT_EQ(net.Write(socket, "x"), "EPIPE");
  EXPECT_EQ(net.ShutdownWrite(socket), "ENOTCONN");
  EXPECT_EQ(net.PendingError(socket), "0");
  socket.Close(CloseMode::kGraceful);
  EXPECT_EQ(net.ConnectError(own, &own), "EADDRINUSE");
}

TEST_P(SocketConformanceTest, ShutdownCancelsAPendingConnect) {
  for (const absl::string_view first : {"error", "read", "write"}) {
    SCOPED_TRACE(first);
    Sockets net(*world_);
    const Socket listener =
        net.Listen(SocketAddress::Loopback4(0), {.backlog = 0});
    const Socket accepted = net.Connect(listener);
    EXPECT_TRUE(net.Becomes(accepted, "w"));
    const Socket client = net.Connect(listener);
    const uint16_t port = net.Local(client).port();
    net.Pass();
    EXPECT_EQ(net.Ready(client), "");
    EXPECT_EQ(net.ShutdownWrite(client), "0");
    EXPECT_EQ(net.Ready(client), "weh");
    EXPECT_EQ(first == "error"  ? net.PendingError(client)
              : first == "read" ? net.Read(client)
                                : net.Write(client, "x"),
              "ECONNRESET");
    EXPECT_EQ(net.Ready(client), "wh");
    EXPECT_EQ(net.Read(client), "ENOTCONN");
    EXPECT_EQ(net.Write(client, "x"), "EPIPE");
    EXPECT_EQ(net.ShutdownWrite(client), "ENOTCONN");
    EXPECT_EQ(net.Ready(client), "wh");
    EXPECT_EQ(net.PendingError(client), "0");
    EXPECT_FALSE(net.api().Address(client.fd(), SocketApi::End::kPeer).ok());
    EXPECT_EQ(net.Local(client).ToString(), absl::StrCat("0.0.0.0:", port));
  }
}

// The release of ports

TEST_P(SocketConformanceTest, TheEndThatClosesFirstKeepsItsPortForAWhile) {
  for (const absl::string_view first : {"client", "server", "reset"}) {
    SCOPED_TRACE(first);
    Sockets net(*world_);
    const SocketAddress own = Unused(net);
    const Socket listener = net.Listen();
    Socket client = net.ConnectFrom(own, listener);
    Socket server = net.Accept(listener);
    EXPECT_TRUE(net.Becomes(client, "w"));
    if (first == "reset") {
      client.Close(CloseMode::kReset);
    } else {
      (first == "client" ? client : server).Close(CloseMode::kGraceful);
      EXPECT_TRUE(net.Becomes(first == "client" ? server : client, "rw"));
    }
    client.Close(CloseMode::kGraceful);
    server.Close(CloseMode::kGraceful);
    net.Pass();
    if (first == "client") {
      EXPECT_EQ(net.ConnectError(net.Local(listener), &own), "EADDRINUSE");
      EXPECT_THAT(net.ListenError(own), HasSubstr("Address already in use"));
    } else {
      // The server's end of the same pair is no conflict.
      const Socket again = net.ConnectFromSoon(own, listener);
      EXPECT_TRUE(net.Becomes(again, "w"));
      EXPECT_EQ(net.Peer(net.Accept(listener)), own);
    }
  }
}

TEST_P(SocketConformanceTest, AListenerDoesNotMindConnectionsThatHaveEnded) {
  Sockets net(*world_);
  Socket listener = net.Listen();
  const SocketAddress address = net.Local(listener);
  Socket client = net.Connect(listener);
  Socket server = net.Accept(listener);
  server.Close(CloseMode::kGraceful);
  EXPECT_TRUE(net.Becomes(client, "rw"));
  client.Close(CloseMode::kGraceful);
  listener.Close(CloseMode::kGraceful);
  net.Pass();
  const Socket other = net.Listen();
  EXPECT_EQ(net.ConnectError(net.Local(other), &address), "EADDRINUSE");
  SLUICE_EXPECT_OK(net.TryListen(address));
}

TEST_P(SocketConformanceTest, APortThatWasChosenIsHeldUntilItsSocketCloses) {
  for (const bool reset : {false, true}) {
    SCOPED_TRACE(reset);
    Sockets net(*world_);
    const SocketAddress own = Unused(net);
    const Socket listener = net.Listen();
    Socket client = net.ConnectFrom(own, listener);
    Socket server = net.Accept(listener);
    EXPECT_TRUE(net.Becomes(client, "w"));
    server.Close(reset ? CloseMode::kReset : CloseMode::kGraceful);
    EXPECT_TRUE(net.Becomes(client, reset ? "rweh" : "rw"));
    if (!reset) {
      EXPECT_EQ(net.ShutdownWrite(client), "0");
    }
    net.Pass();
    EXPECT_EQ(net.ConnectError(net.Local(listener), &own), "EADDRINUSE");
    client.Close(CloseMode::kGraceful);
    EXPECT_TRUE(net.Becomes(net.ConnectFromSoon(own, listener), "w"));
  }
}

// Bytes

TEST_P(SocketConformanceTest, BytesArriveInOrder) {
  Sockets net(*world_);
  auto [client, server] = net.Pair();
  EXPECT_EQ(net.Read(server), "EAGAIN");
  const absl::string_view pieces[] = {"one, ", "", "two, ", "three"};
  EXPECT_EQ(Shown(net.api().Write(client.fd(), pieces)), "15");
  EXPECT_EQ(net.Write(client, "."), "1");
  EXPECT_TRUE(net.Becomes(server, "rw"));
  net.Pass();
  EXPECT_EQ(net.UnreadBytes(server), "16");
  EXPECT_EQ(net.Read(server, 4), "one,");
  EXPECT_EQ(net.UnreadBytes(server), "12");
  EXPECT_EQ(net.Read(server), " two, three.");
  EXPECT_EQ(net.Ready(server), "w");
  EXPECT_EQ(net.Read(server), "EAGAIN");
}

TEST_P(SocketConformanceTest, AFullSocketIsWritableAgainWhenAllIsRead) {
  Sockets net(*world_);
  auto [client, server] = net.Pair();
  const size_t written = net.Fill(client);
  EXPECT_EQ(net.Ready(client), "");
  EXPECT_EQ(net.Drain(server, written), written);
  EXPECT_TRUE(net.Becomes(client, "w"));
  EXPECT_EQ(net.Write(client, "x"), "1");
}

TEST_P(SocketConformanceTest, WrittenBytesArriveBeforeFin) {
  for (const bool close : {false, true}) {
    Sockets net(*world_);
    auto [client, server] = net.Pair();
    const size_t written = net.Fill(client);
    if (close) {
      client.Close(CloseMode::kGraceful);
    } else {
      EXPECT_EQ(net.ShutdownWrite(client), "0");
      EXPECT_EQ(net.Ready(client), "w");
    }
    EXPECT_EQ(net.Drain(server, written + 1), written);
    EXPECT_EQ(net.Read(server), "FIN");
    EXPECT_EQ(net.PendingError(server), "0");
  }
}

// Ending

TEST_P(SocketConformanceTest, EachDirectionEndsByItself) {
  for (const bool client_first : {false, true}) {
    Sockets net(*world_);
    auto [client, server] = net.Pair();
    const Socket& a = client_first ? client : server;
    const Socket& b = client_first ? server : client;
    EXPECT_EQ(net.Write(a, "last"), "4");
    EXPECT_EQ(net.ShutdownWrite(a), "0");
    EXPECT_EQ(net.ShutdownWrite(a), "0");
    EXPECT_EQ(net.Ready(a), "w");
    EXPECT_EQ(net.Write(a, "x"), "EPIPE");
    EXPECT_TRUE(net.Becomes(b, "rw"));
    EXPECT_EQ(net.Read(b), "last");
    EXPECT_TRUE(net.Becomes(b, "rw"));
    EXPECT_EQ(net.UnreadBytes(b), "0");
    EXPECT_EQ(net.Read(b), "FIN");
    EXPECT_EQ(net.Read(b), "FIN");
    EXPECT_EQ(net.Ready(b, 0), "");
    // The other direction goes on.
    EXPECT_EQ(net.Write(b, "more"), "4");
    EXPECT_TRUE(net.Becomes(a, "rw"));
    EXPECT_EQ(net.Read(a), "more");
    EXPECT_EQ(net.Read(a), "EAGAIN");
    EXPECT_EQ(net.ShutdownWrite(b), "0");
    EXPECT_EQ(net.Ready(b), "rwh");
    EXPECT_TRUE(net.Becomes(a, "rwh"));
    EXPECT_EQ(net.Ready(a, 0), "h");
    EXPECT_EQ(net.Read(a), "FIN");
    for (const Socket* s : {&a, &b}) {
      net.Pass();
      EXPECT_EQ(net.Ready(*s), "rwh");
      EXPECT_EQ(net.Read(*s), "FIN");
      EXPECT_EQ(net.Write(*s, "x"), "EPIPE");
      EXPECT_EQ(net.PendingError(*s), "0");
      EXPECT_EQ(net.ShutdownWrite(*s), "ENOTCONN");
    }
    EXPECT_EQ(net.Peer(a), net.Local(b));
  }
}

TEST_P(SocketConformanceTest, AResetIsReportedOnceByTheFirstCall) {
  for (const absl::string_view first : {"error", "read", "write"}) {
    SCOPED_TRACE(first);
    Sockets net(*world_);
    auto [client, server] = net.Pair();
    const SocketAddress peer = net.Local(client);
    client.Close(CloseMode::kReset);
    EXPECT_TRUE(net.Becomes(server, "rweh"));
    EXPECT_EQ(net.Ready(server, 0), "eh");
    EXPECT_EQ(first == "error"  ? net.PendingError(server)
              : first == "read" ? net.Read(server)
                                : net.Write(server, "x"),
              "ECONNRESET");
    EXPECT_EQ(net.Ready(server), "rwh");
    EXPECT_EQ(net.PendingError(server), "0");
    EXPECT_EQ(net.Read(server), "FIN");
    EXPECT_EQ(net.Write(server, "x"), "EPIPE");
    EXPECT_EQ(net.Write(server, "x"), "EPIPE");
    EXPECT_EQ(net.ShutdownWrite(server), "ENOTCONN");
    EXPECT_EQ(net.Peer(server), peer);
  }
}

TEST_P(SocketConformanceTest, BytesBeforeAResetAreRead) {
  for (const bool ask_first : {false, true}) {
    Sockets net(*world_);
    auto [client, server] = net.Pair();
    EXPECT_EQ(net.Write(client, "first"), "5");
    client.Close(CloseMode::kReset);
    EXPECT_TRUE(net.Becomes(server, "rweh"));
    EXPECT_EQ(net.UnreadBytes(server), "5");
    if (ask_first) {
      EXPECT_EQ(net.PendingError(server), "ECONNRESET");
    }
    EXPECT_EQ(net.Read(server), "first");
    EXPECT_EQ(net.Read(server), ask_first ? "FIN" : "ECONNRESET");
    EXPECT_EQ(net.Read(server), "FIN");
  }
}

TEST_P(SocketConformanceTest, ClosingWithUnreadBytesIsAReset) {
  Sockets net(*world_);
  auto [client, server] = net.Pair();
  EXPECT_EQ(net.Write(server, "unread"), "6");
  EXPECT_TRUE(net.Becomes(client, "rw"));
  EXPECT_EQ(net.Write(client, "read"), "4");
  client.Close(CloseMode::kGraceful);
  EXPECT_TRUE(net.Becomes(server, "rweh"));
  EXPECT_EQ(net.Read(server), "read");
  EXPECT_EQ(net.Read(server), "ECONNRESET");
}

TEST_P(SocketConformanceTest, BytesForAClosedEndAreAnsweredWithAReset) {
  for (const absl::string_view first : {"error", "read", "write"}) {
    SCOPED_TRACE(first);
    Sockets net(*world_);
    auto [client, server] = net.Pair();
    client.Close(CloseMode::kGraceful);
    EXPECT_TRUE(net.Becomes(server, "rw"));
    if (first == "read") {
      EXPECT_EQ(net.Read(server), "FIN");
    }
    EXPECT_EQ(net.Write(server, "x"), "1");
    // If a reset comes after FIN, the error is EPIPE, and Read() does not
    // return it.
    EXPECT_TRUE(net.Becomes(server, "rweh"));
    if (first == "read") {
      EXPECT_EQ(net.Read(server), "FIN");
      EXPECT_EQ(net.Ready(server), "rweh");
    }
    EXPECT_EQ(
        first == "write" ? net.Write(server, "x") : net.PendingError(server),
        "EPIPE");
    EXPECT_EQ(net.Ready(server), "rwh");
    EXPECT_EQ(net.PendingError(server), "0");
    EXPECT_EQ(net.Read(server), "FIN");
    EXPECT_EQ(net.Write(server, "x"), "EPIPE");
  }
}

TEST_P(SocketConformanceTest, AnEndThatHasSentFinSeesAResetToo) {
  Sockets net(*world_);
  auto [client, server] = net.Pair();
  EXPECT_EQ(net.ShutdownWrite(server), "0");
  EXPECT_TRUE(net.Becomes(client, "rw"));
  client.Close(CloseMode::kReset);
  EXPECT_TRUE(net.Becomes(server, "rweh"));
  EXPECT_EQ(net.Read(server), "ECONNRESET");
  EXPECT_EQ(net.Read(server), "FIN");
}

TEST_P(SocketConformanceTest, AFullEndSeesAReset) {
  Sockets net(*world_);
  auto [client, server] = net.Pair();
  net.Fill(client);
  server.Close(CloseMode::kGraceful);
  EXPECT_TRUE(net.Becomes(client, "rweh"));
  EXPECT_EQ(net.Write(client, "x"), "ECONNRESET");
}

// Descriptors

TEST_P(SocketConformanceTest, AClosedDescriptorIsNoSocket) {
  Sockets net(*world_);
  auto [client, server] = net.Pair();
  const int fd = client.fd();
  client.Close(CloseMode::kGraceful);
  char byte;
  EXPECT_EQ(Shown(net.api().Read(fd, absl::MakeSpan(&byte, 1))), "EBADF");
  const absl::string_view bytes = "x";
  EXPECT_EQ(Shown(net.api().Write(fd, absl::MakeConstSpan(&bytes, 1))),
            "EBADF");
  EXPECT_EQ(Shown(net.api().PendingError(fd)), "EBADF");
  EXPECT_EQ(Shown(net.api().UnreadBytes(fd)), "EBADF");
  EXPECT_EQ(Shown(net.api().ShutdownWrite(fd)), "EBADF");
  EXPECT_EQ(Shown(net.api().Accept(fd, nullptr)), "EBADF");
  EXPECT_FALSE(net.api().Address(fd, SocketApi::End::kLocal).ok());
}

TEST_P(SocketConformanceTest, ANumberThatIsTakenAgainHasNothingOfTheOldOne) {
  Sockets net(*world_);
  const Socket listener = net.Listen();
  Socket old = net.Connect(listener);
  const Socket server = net.Accept(listener);
  EXPECT_EQ(net.Write(server, "old"), "3");
  EXPECT_TRUE(net.Becomes(old, "rw"));
  const int fd = old.fd();
  old.Close(CloseMode::kGraceful);
  const Socket client = net.Connect(listener);
  EXPECT_EQ(client.fd(), fd);
  EXPECT_TRUE(net.Becomes(client, "w"));
  net.Pass();
  EXPECT_EQ(net.Ready(client), "w");
  EXPECT_EQ(net.Read(client), "EAGAIN");
  EXPECT_EQ(net.PendingError(client), "0");
}

// Options

TEST_P(SocketConformanceTest, AllOpenSocketsTakeOptions) {
  for (const char* const address : {"127.0.0.1:0", "unix:a.sock"}) {
    SCOPED_TRACE(address);
    Sockets net(*world_);
    const Socket listener = net.Listen(SocketAddress::Parse(address).value());
    Socket client = net.Connect(listener);
    const Socket server = net.Accept(listener);
    for (const SocketApi::Option option :
         {SocketApi::Option::kNoDelay, SocketApi::Option::kKeepAlive,
          SocketApi::Option::kSendBuffer, SocketApi::Option::kReceiveBuffer}) {
      for (const Socket* socket :
           std::vector<const Socket*>{&listener, &client, &server}) {
        EXPECT_EQ(Shown(net.api().SetOption(socket->fd(), option, 1)), "0");
      }
    }
    const int fd = client.fd();
    client.Close(CloseMode::kGraceful);
    EXPECT_EQ(Shown(net.api().SetOption(fd, SocketApi::Option::kKeepAlive, 1)),
              "EBADF");
  }
}

TEST_P(SocketConformanceTest, SmallBuffersHoldLess) {
  for (const char* const address : {"127.0.0.1:0", "unix:a.sock"}) {
    SCOPED_TRACE(address);
    size_t held[2] = {};
    for (const bool small : {false, true}) {
      Sockets net(*world_);
      const Socket listener = net.Listen(SocketAddress::Parse(address).value());
      // An accepted socket has the options of its listener.
      if (small) {
        EXPECT_EQ(Shown(net.api().SetOption(
                      listener.fd(), SocketApi::Option::kReceiveBuffer, 1)),
                  "0");
      }
      const Socket client = net.Connect(listener);
      const Socket server = net.Accept(listener);
      EXPECT_TRUE(net.Becomes(client, "w"));
      if (small) {
        EXPECT_EQ(Shown(net.api().SetOption(client.fd(),
                                            SocketApi::Option::kSendBuffer, 1)),
                  "0");
      }
      held[small ? 1 : 0] = net.Fill(client);
    }
    EXPECT_LT(4 * held[1], held[0]);
  }
}

// Unix-domain sockets

SocketAddress Unix(absl::string_view name) {
  return SocketAddress::Parse(absl::StrCat("unix:", name)).value();
}

TEST_P(SocketConformanceTest, UnixSocketsAreConnectedAtOnce) {
  for (const char* const name : {"a.sock", "@sluice_sockets_at_once"}) {
    SCOPED_TRACE(name);
    Sockets net(*world_);
    const Socket listener = net.Listen(Unix(name));
    EXPECT_EQ(net.Local(listener), Unix(name));
    EXPECT_EQ(net.Ready(listener), "");
    const Socket client = net.Connect(Unix(name));
    EXPECT_EQ(net.Ready(client), "w");
    EXPECT_EQ(net.PendingError(client), "0");
    EXPECT_EQ(net.Write(client, "early"), "5");
    EXPECT_EQ(net.Ready(listener), "r");
    SocketAddress peer = Unix(name);
    const Socket server = net.Made(net.api().Accept(listener.fd(), &peer));
    EXPECT_EQ(peer, Unix(""));
    EXPECT_EQ(net.Local(server), Unix(name));
    EXPECT_EQ(net.Peer(server), Unix(""));
    EXPECT_EQ(net.Local(client), Unix(""));
    EXPECT_EQ(net.Peer(client), Unix(name));
    EXPECT_EQ(net.Ready(server), "rw");
    EXPECT_EQ(net.UnreadBytes(server), "5");
    EXPECT_EQ(net.Read(server), "early");
    EXPECT_EQ(net.Ready(server), "w");
    EXPECT_EQ(net.Read(server), "EAGAIN");
    EXPECT_EQ(Shown(net.api().Accept(listener.fd(), nullptr)), "EAGAIN");
  }
}

TEST_P(SocketConformanceTest, WhereNoUnixSocketListensConnectsFailAtOnce) {
  Sockets net(*world_);
  EXPECT_EQ(net.ConnectError(Unix("a.sock")), "ENOENT");
  EXPECT_EQ(net.ConnectError(Unix("@sluice_sockets_nobody")), "ECONNREFUSED");
  EXPECT_EQ(net.ConnectError(Unix("")), "EINVAL");
  net.Listen(Unix("a.sock"));  // and closes it
  EXPECT_EQ(net.ConnectError(Unix("a.sock")), "ECONNREFUSED");
}

TEST_P(SocketConformanceTest, ANegativeBacklogIsAnErrorThatNamesTheOption) {
  Sockets net(*world_);
  for (const SocketAddress& address :
       {SocketAddress::Loopback4(0), Unix("a.sock")}) {
    const auto listener = net.TryListen(address, {.backlog = -1});
    EXPECT_EQ(listener.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(listener.status().message(),
              "SocketApi: backlog is -1, and must be at least 0");
  }
}

TEST_P(SocketConformanceTest, AUnixPathHasOneListenerAndIsFreeWhenItCloses) {
  Sockets net(*world_);
  Socket listener = net.Listen(Unix("a.sock"), {.backlog = 0});
  const Socket waits = net.Connect(listener);  // fills the backlog
  EXPECT_THAT(net.ListenError(Unix("a.sock")),
              HasSubstr("Address already in use (errno 98); a server is "
                        "listening there"));
  EXPECT_EQ(ErrnoOf(net.TryListen(Unix("a.sock")).status()), EADDRINUSE);
  EXPECT_THAT(net.ListenError(Unix("a.sock"), {.reuse_port = true}),
              HasSubstr("reuse_port is for IP only"));
  listener.Close(CloseMode::kGraceful);
  const Socket next = net.Listen(Unix("a.sock"));
  EXPECT_EQ(net.Ready(net.Connect(next)), "w");
}

TEST_P(SocketConformanceTest, AnAbstractNameIsFreeWhenItsListenerCloses) {
  Sockets net(*world_);
  const SocketAddress name = Unix("@sluice_sockets_name");
  Socket listener = net.Listen(name);
  EXPECT_THAT(net.ListenError(name), HasSubstr("Address already in use"));
  listener.Close(CloseMode::kGraceful);
  EXPECT_EQ(net.ConnectError(name), "ECONNREFUSED");
  SLUICE_EXPECT_OK(net.TryListen(name));
  // The kernel chooses a different name for each.
  const Socket a = net.Listen(Unix("")), b = net.Listen(Unix(""));
  EXPECT_FALSE(net.Local(a) == net.Local(b));
  EXPECT_EQ(net.Ready(net.Connect(a)), "w");
}

TEST_P(SocketConformanceTest, UnixFilesIdentifyTheirSockets) {
  Sockets net(*world_);
  SocketApi::FileId id, next;
  EXPECT_EQ(Shown(net.api().FindFile("a.sock", &id)), "ENOENT");
  EXPECT_EQ(Shown(net.api().RemoveFile("a.sock")), "ENOENT");
  Socket first = net.Listen(Unix("a.sock"));
  EXPECT_EQ(Shown(net.api().FindFile("a.sock", &id)), "0");
  EXPECT_EQ(Shown(net.api().FindFile("a.sock", &next)), "0");
  EXPECT_TRUE(id == next);
  EXPECT_EQ(Shown(net.api().RemoveFile("a.sock")), "0");
  EXPECT_EQ(net.ConnectError(Unix("a.sock")), "ENOENT");
  // The first socket still listens, but its file is gone.
  Socket second = net.Listen(Unix("a.sock"));
  EXPECT_EQ(Shown(net.api().FindFile("a.sock", &next)), "0");
  EXPECT_FALSE(id == next);
  EXPECT_EQ(net.Ready(net.Connect(second)), "w");
  EXPECT_EQ(net.Ready(first), "");
  first.Close(CloseMode::kGraceful);
  EXPECT_EQ(net.Ready(net.Connect(second)), "w");
  second.Close(CloseMode::kGraceful);
  EXPECT_EQ(Shown(net.api().FindFile("a.sock", &id)), "0");
  EXPECT_TRUE(id == next);
}

TEST_P(SocketConformanceTest, AUnixClientMayHaveAName) {
  Sockets net(*world_);
  const Socket listener = net.Listen(Unix("a.sock"));
  const SocketAddress own = Unix("own.sock");
  Socket client = net.ConnectFrom(own, listener);
  SocketAddress peer;
  const Socket server = net.Accept(listener, &peer);
  EXPECT_EQ(peer, own);
  EXPECT_EQ(net.Peer(server), own);
  EXPECT_EQ(net.Local(client), own);
  EXPECT_EQ(net.ConnectError(net.Local(listener), &own), "EADDRINUSE");
  EXPECT_EQ(net.ConnectError(own), "ECONNREFUSED");
  client.Close(CloseMode::kGraceful);
  EXPECT_EQ(net.ConnectError(net.Local(listener), &own), "EADDRINUSE");
  SLUICE_EXPECT_OK(net.TryListen(own));
}

TEST_P(SocketConformanceTest, AFullUnixBacklogSaysTryAgain) {
  Sockets net(*world_);
  const Socket listener = net.Listen(Unix("a.sock"), {.backlog = 1});
  const Socket first = net.Connect(listener), second = net.Connect(listener);
  EXPECT_EQ(net.ConnectError(net.Local(listener)), "EAGAIN");
  const Socket server = net.Accept(listener);
  EXPECT_EQ(net.Write(first, "x"), "1");
  EXPECT_EQ(net.Ready(server), "rw");
  EXPECT_EQ(net.ConnectError(net.Local(listener)), "none");
}

TEST_P(SocketConformanceTest, AUnixListenerIsNoStream) {
  Sockets net(*world_);
  const Socket listener = net.Listen(Unix("a.sock"));
  EXPECT_EQ(net.Ready(listener), "");
  EXPECT_EQ(net.Read(listener), "EINVAL");
  EXPECT_EQ(net.Write(listener, "x"), "ENOTCONN");
  EXPECT_EQ(net.UnreadBytes(listener), "EINVAL");
  EXPECT_EQ(net.PendingError(listener), "0");
  EXPECT_EQ(net.ShutdownWrite(listener), "0");
  EXPECT_FALSE(net.api().Address(listener.fd(), SocketApi::End::kPeer).ok());
  const Socket client = net.Connect(listener);
  EXPECT_EQ(Shown(net.api().Accept(client.fd(), nullptr)), "EINVAL");
}

TEST_P(SocketConformanceTest, AClosedUnixListenerResetsWaitingConnections) {
  Sockets net(*world_);
  Socket listener = net.Listen(Unix("a.sock"));
  const Socket waits = net.Connect(listener);
  listener.Close(CloseMode::kGraceful);
  EXPECT_EQ(net.Ready(waits), "rweh");
  EXPECT_EQ(net.Write(waits, "x"), "EPIPE");
  EXPECT_EQ(net.Read(waits), "ECONNRESET");
  EXPECT_EQ(net.Ready(waits), "rwh");
  EXPECT_EQ(net.Read(waits), "FIN");
  EXPECT_EQ(net.ShutdownWrite(waits), "0");
  EXPECT_EQ(net.Peer(waits), Unix("a.sock"));
}

TEST_P(SocketConformanceTest, AUnixStreamIsWritableWhenAQuarterIsInUse) {
  Sockets net(*world_);
  auto [client, server] = net.Pair(Unix("a.sock"));
  std::string bytes(1000, 'x');
  size_t written = 0;
  while (net.Put(client, bytes).ok()) written += bytes.size();
  EXPECT_EQ(net.Write(client, bytes), "EAGAIN");
  EXPECT_EQ(net.Ready(client), "");
  size_t read = 0;
  while (net.Ready(client).empty()) read += net.Read(server).size();
  EXPECT_GT(read, written / 2);
  EXPECT_LE(read, written);
}

TEST_P(SocketConformanceTest, EachDirectionOfAUnixStreamEndsByItself) {
  Sockets net(*world_);
  auto [a, b] = net.Pair(Unix("a.sock"));
  EXPECT_EQ(net.Write(a, "last"), "4");
  EXPECT_EQ(net.ShutdownWrite(a), "0");
  EXPECT_EQ(net.Ready(a), "w");
  EXPECT_EQ(net.Ready(b), "rw");
  EXPECT_EQ(net.Write(a, "x"), "EPIPE");
  EXPECT_EQ(net.Read(b), "last");
  EXPECT_EQ(net.Ready(b), "rw");
  EXPECT_EQ(net.Read(b), "FIN");
  EXPECT_EQ(net.Write(b, "more"), "4");
  EXPECT_EQ(net.ShutdownWrite(b), "0");
  EXPECT_EQ(net.Read(a), "more");
  EXPECT_EQ(net.Read(a), "FIN");
  for (const Socket* s : {&a, &b}) {
    EXPECT_EQ(net.Ready(*s), "rwh");
    EXPECT_EQ(net.Write(*s, "x"), "EPIPE");
    EXPECT_EQ(net.PendingError(*s), "0");
    EXPECT_EQ(net.ShutdownWrite(*s), "0");
  }
}

TEST_P(SocketConformanceTest, AUnixStreamEndsAtOnceWithItsOtherEnd) {
  for (const CloseMode mode : {CloseMode::kGraceful, CloseMode::kReset}) {
    for (const bool unread : {false, true}) {
      for (const bool read_first : {false, true}) {
        SCOPED_TRACE(absl::StrCat(unread, read_first));
        Sockets net(*world_);
        auto [a, b] = net.Pair(Unix("a.sock"));
        EXPECT_EQ(net.Write(a, "last"), "4");
        if (unread) {
          EXPECT_EQ(net.Write(b, "unread"), "6");
        }
        a.Close(mode);
        EXPECT_EQ(net.Ready(b), unread ? "rweh" : "rwh");
        EXPECT_EQ(net.UnreadBytes(b), "4");
        EXPECT_EQ(net.Write(b, "x"), "EPIPE");
        if (read_first) {
          EXPECT_EQ(net.Read(b), "last");
          EXPECT_EQ(net.Read(b), unread ? "ECONNRESET" : "FIN");
        }
        EXPECT_EQ(net.PendingError(b),
                  unread && !read_first ? "ECONNRESET" : "0");
        EXPECT_EQ(net.Read(b), read_first ? "FIN" : "last");
        EXPECT_EQ(net.Read(b), "FIN");
        EXPECT_EQ(net.Ready(b), "rwh");
        EXPECT_EQ(net.ShutdownWrite(b), "0");
        EXPECT_EQ(net.Peer(b), Unix(""));
      }
    }
  }
}

TEST_P(SocketConformanceTest, AFullUnixStreamSeesTheOtherEndClose) {
  Sockets net(*world_);
  auto [client, server] = net.Pair(Unix("a.sock"));
  net.Fill(client);
  EXPECT_EQ(net.Ready(client), "");
  server.Close(CloseMode::kGraceful);
  EXPECT_EQ(net.Ready(client), "rweh");
  EXPECT_EQ(net.Read(client), "ECONNRESET");
}

}  // namespace sluice
