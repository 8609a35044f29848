#include "sluice/net/socket/kernel_sockets.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/io_result.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/base/testing/without_system_call.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/socket_address.h"

namespace sluice {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr int kDeadlineMillis = 20000;
using Option = SocketApi::Option;
using End = SocketApi::End;

// Returns true if `fd` becomes ready before the deadline, which only a failure
// reaches.
bool WaitFor(int fd, short events) {
  pollfd entry = {fd, events, 0};
  return poll(&entry, 1, kDeadlineMillis) == 1;
}

SocketAddress MustParse(absl::string_view text) {
  absl::StatusOr<SocketAddress> address = SocketAddress::Parse(text);
  SLUICE_EXPECT_OK(address);
  return address.value_or(SocketAddress());
}

int GetOption(int fd, int level, int name) {
  int value = -1;
  socklen_t size = sizeof(value);
  EXPECT_EQ(getsockopt(fd, level, name, &value, &size), 0);
  return value;
}

// Returns the next descriptor that the kernel will open: shows leaks.
int NextDescriptor() {
  const int fd = dup(STDERR_FILENO);
  close(fd);
  return fd;
}

class KernelSocketsTest : public ::testing::Test {
 protected:
  // Unix-domain paths are relative to a fresh folder: absolute ones may be too
  // long under a test runner.
  KernelSocketsTest() {
    std::string folder = ::testing::TempDir() + "/kernel_sockets_XXXXXX";
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    EXPECT_EQ(chdir(folder.c_str()), 0);
    // The parent process may have ignored SIGPIPE, which would hide our
    // handling.
    signal(SIGPIPE, SIG_DFL);
  }

  absl::StatusOr<Socket> TryListen(
      const SocketAddress& address,
      const SocketApi::ListenOptions& options = {}) {
    absl::StatusOr<int> fd = api_->Listen(address, options);
    if (!fd.ok()) return fd.status();
    return Socket(api_, *fd);
  }
  Socket MustListen(absl::string_view address,
                    const SocketApi::ListenOptions& options = {}) {
    absl::StatusOr<Socket> socket = TryListen(MustParse(address), options);
    SLUICE_EXPECT_OK(socket);
    return socket.ok() ? *std::move(socket) : Socket();
  }
  absl::Status ListenError(absl::string_view address,
                           const SocketApi::ListenOptions& options = {}) {
    return TryListen(MustParse(address), options).status();
  }

  SocketAddress AddressOf(const Socket& socket, End end = End::kLocal) {
    absl::StatusOr<SocketAddress> address = api_->Address(socket.fd(), end);
    SLUICE_EXPECT_OK(address);
    return address.value_or(SocketAddress());
  }

  Socket MustConnect(const SocketAddress& to,
                     const SocketAddress* from = nullptr) {
    const IoResult fd = api_->StartConnect(to, from);
    EXPECT_TRUE(fd.ok()) << fd.error();
    return fd.ok() ? Socket(api_, static_cast<int>(fd.value())) : Socket();
  }
  Socket MustAccept(const Socket& listener, SocketAddress* peer = nullptr) {
    EXPECT_TRUE(WaitFor(listener.fd(), POLLIN));
    const IoResult fd = api_->Accept(listener.fd(), peer);
    EXPECT_TRUE(fd.ok()) << fd.error();
    return fd.ok() ? Socket(api_, static_cast<int>(fd.value())) : Socket();
  }

  IoResult Write(const Socket& socket,
                 const std::vector<absl::string_view>& pieces) {
    return api_->Write(socket.fd(), pieces);
  }
  // Waits until the socket is readable, and returns the result and the bytes of
  // a Read() of at most `max` bytes.
  std::pair<IoResult, std::string> Read(const Socket& socket,
                                        size_t max = 100000) {
    EXPECT_TRUE(WaitFor(socket.fd(), POLLIN));
    std::string into(max, '\0');
    const IoResult result =
        api_->Read(socket.fd(), absl::MakeSpan(into.data(), into.size()));
    into.resize(result.ok() ? static_cast<size_t>(result.value()) : 0);
    return {result, into};
  }
  std::string ReadExactly(const Socket& socket, size_t size) {
    std::string all;
    while (all.size() < size) {
      const auto [result, bytes] = Read(socket, size - all.size());
      if (!result.ok() || result.value() == 0) break;
      all += bytes;
    }
    return all;
  }

  SocketApi* const api_ = KernelSockets();
};

// A connected client and server, over each kind of address.
class ConnectedTest : public KernelSocketsTest,
                      public ::testing::WithParamInterface<std::string> {
 protected:
  void SetUp() override {
    const SocketAddress address = MustParse(GetParam());
    absl::StatusOr<Socket> listener = TryListen(address);
    if (!listener.ok() && address.family() == AF_INET6) {
      GTEST_SKIP() << "no IPv6 here: " << listener.status();
    }
    SLUICE_ASSERT_OK(listener);
    listener_ = *std::move(listener);
    client_ = MustConnect(AddressOf(listener_));
    server_ = MustAccept(listener_, &accepted_from_);
    ASSERT_TRUE(WaitFor(client_.fd(), POLLOUT));
    ASSERT_EQ(api_->PendingError(client_.fd()), IoResult(0));
  }

  bool is_unix() const { return absl::StartsWith(GetParam(), "unix:"); }

  Socket listener_;
  Socket client_;
  Socket server_;
  SocketAddress accepted_from_;
};

INSTANTIATE_TEST_SUITE_P(Addresses, ConnectedTest,
                         ::testing::Values("127.0.0.1:0", "[::1]:0",
                                           "unix:", "unix:a.sock"));

TEST_P(ConnectedTest, CarriesBytesBothWays) {
  EXPECT_EQ(Write(client_, {"ping"}), IoResult(4));
  EXPECT_EQ(ReadExactly(server_, 4), "ping");
  EXPECT_EQ(Write(server_, {"pong"}), IoResult(4));
  EXPECT_EQ(ReadExactly(client_, 4), "pong");
}

TEST_P(ConnectedTest, DescriptorsDoNotBlockAndCloseOnExec) {
  for (const Socket* socket : {&listener_, &client_, &server_}) {
    EXPECT_TRUE(fcntl(socket->fd(), F_GETFL) & O_NONBLOCK);
    EXPECT_TRUE(fcntl(socket->fd(), F_GETFD) & FD_CLOEXEC);
  }
}

TEST_P(ConnectedTest, NothingToDoIsWouldBlock) {
  char byte;
  EXPECT_TRUE(api_->Accept(listener_.fd(), nullptr).would_block());
  EXPECT_TRUE(api_->Read(server_.fd(), absl::MakeSpan(&byte, 1)).would_block());
}

TEST_P(ConnectedTest, AFullSocketTakesAPrefixAndThenWouldBlock) {
  const std::string data(100000, 'x');
  size_t written = 0;
  IoResult result(0);
  // A bound far beyond any socket buffer: reaching it means that there is no
  // limit.
  while (written < (size_t{1} << 30)) {
    result = Write(client_, {data});
    if (!result.ok()) break;
    written += static_cast<size_t>(result.value());
  }
  EXPECT_TRUE(result.would_block()) << result.error();
  EXPECT_GT(written, 0u);
  ReadExactly(server_, written);
  ASSERT_TRUE(WaitFor(client_.fd(), POLLOUT));
  EXPECT_TRUE(Write(client_, {data}).ok());
}

TEST_P(ConnectedTest, WritesPiecesInOrder) {
  EXPECT_EQ(Write(client_, {"ab", "", "cde", "f"}), IoResult(6));
  EXPECT_EQ(ReadExactly(server_, 6), "abcdef");
}

TEST_P(ConnectedTest, WritesAtMost64PiecesTogether) {
  const std::vector<absl::string_view> pieces(70, "xy");
  EXPECT_EQ(Write(client_, pieces), IoResult(2 * SocketApi::kMaxPieces));
  EXPECT_EQ(Write(client_, {pieces.begin(), pieces.begin() + 64}),
            IoResult(128));
}

TEST_P(ConnectedTest, WritingNothingIsNoError) {
  EXPECT_EQ(Write(client_, {}), IoResult(0));
  EXPECT_EQ(Write(client_, {""}), IoResult(0));
  EXPECT_EQ(Write(client_, {"", ""}), IoResult(0));
}

TEST_P(ConnectedTest, ReturnsHowManyBytesAreUnread) {
  EXPECT_EQ(api_->UnreadBytes(server_.fd()), IoResult(0));
  Write(client_, {"hello"}).ok();
  ASSERT_TRUE(WaitFor(server_.fd(), POLLIN));
  EXPECT_EQ(api_->UnreadBytes(server_.fd()), IoResult(5));
  EXPECT_EQ(ReadExactly(server_, 2), "he");
  EXPECT_EQ(api_->UnreadBytes(server_.fd()), IoResult(3));
}

TEST_P(ConnectedTest, HalfCloseEndsOneDirectionOnly) {
  EXPECT_EQ(Write(client_, {"last"}), IoResult(4));
  EXPECT_EQ(api_->ShutdownWrite(client_.fd()), IoResult(0));
  EXPECT_EQ(ReadExactly(server_, 4), "last");
  EXPECT_EQ(Read(server_).first, IoResult(0));
  EXPECT_EQ(api_->UnreadBytes(server_.fd()), IoResult(0));
  EXPECT_EQ(Write(server_, {"still"}), IoResult(5));
  EXPECT_EQ(ReadExactly(client_, 5), "still");
}

TEST_P(ConnectedTest, WritingAfterShutdownIsEpipeAndNoSignal) {
  ASSERT_EQ(api_->ShutdownWrite(client_.fd()), IoResult(0));
  EXPECT_EQ(Write(client_, {"x"}), IoResult::FromErrno(EPIPE));
  EXPECT_EQ(Write(client_, {"x", "y"}), IoResult::FromErrno(EPIPE));
}

TEST_P(ConnectedTest, GracefulCloseDeliversWrittenBytes) {
  const std::string data(10000, 'x');
  ASSERT_EQ(Write(client_, {data}), IoResult(10000));
  client_.Close(CloseMode::kGraceful);
  EXPECT_EQ(ReadExactly(server_, data.size()), data);
  EXPECT_EQ(Read(server_).first, IoResult(0));
}

TEST_P(ConnectedTest, ResetCloseIsAResetOnTcpAndAnEndOnUnix) {
  client_.Close(CloseMode::kReset);
  EXPECT_EQ(Read(server_).first,
            is_unix() ? IoResult(0) : IoResult::FromErrno(ECONNRESET));
}

TEST_P(ConnectedTest, GracefulCloseWithUnreadBytesIsAReset) {
  ASSERT_EQ(Write(server_, {"unread"}), IoResult(6));
  ASSERT_TRUE(WaitFor(client_.fd(), POLLIN));
  client_.Close(CloseMode::kGraceful);
  EXPECT_EQ(Read(server_).first, IoResult::FromErrno(ECONNRESET));
}

TEST_P(ConnectedTest, PendingErrorIsReportedOnce) {
  if (is_unix()) GTEST_SKIP() << "a Unix-domain socket has no RST";
  client_.Close(CloseMode::kReset);
  ASSERT_TRUE(WaitFor(server_.fd(), POLLIN));
  EXPECT_EQ(api_->PendingError(server_.fd()), IoResult::FromErrno(ECONNRESET));
  EXPECT_EQ(api_->PendingError(server_.fd()), IoResult(0));
}

TEST_P(ConnectedTest, KnowsBothAddresses) {
  EXPECT_EQ(AddressOf(client_, End::kPeer), AddressOf(listener_));
  EXPECT_EQ(AddressOf(server_, End::kLocal), AddressOf(listener_));
  EXPECT_EQ(AddressOf(server_, End::kPeer), AddressOf(client_));
  EXPECT_EQ(accepted_from_, AddressOf(client_));
  EXPECT_EQ(accepted_from_.ToString() == "unix:", is_unix());
}

TEST_P(ConnectedTest, KnowsThePeerOfAConnectionThatWasReset) {
  if (is_unix()) GTEST_SKIP() << "a Unix-domain socket has no RST";
  const SocketAddress client = AddressOf(client_);
  client_.Close(CloseMode::kReset);
  ASSERT_TRUE(WaitFor(server_.fd(), POLLIN));
  EXPECT_EQ(AddressOf(server_, End::kPeer), client);
}

TEST_P(ConnectedTest, AnAddressThatIsNotThereIsAnErrorThatNamesTheCall) {
  EXPECT_THAT(api_->Address(listener_.fd(), End::kPeer).status().message(),
              AllOf(StartsWith(absl::StrCat("getpeername on descriptor ",
                                            listener_.fd(), ": ")),
                    EndsWith("(errno 107)")));
}

TEST_P(ConnectedTest, SetsEveryOption) {
  const int fd = client_.fd();
  EXPECT_EQ(api_->SetOption(fd, Option::kNoDelay, 1), IoResult(0));
  EXPECT_EQ(api_->SetOption(fd, Option::kKeepAlive, 1), IoResult(0));
  EXPECT_EQ(api_->SetOption(fd, Option::kSendBuffer, 20000), IoResult(0));
  EXPECT_EQ(api_->SetOption(fd, Option::kReceiveBuffer, 30000), IoResult(0));
  EXPECT_EQ(GetOption(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(GetOption(fd, SOL_SOCKET, SO_SNDBUF), 40000);
  EXPECT_EQ(GetOption(fd, SOL_SOCKET, SO_RCVBUF), 60000);
  if (is_unix()) return;
  EXPECT_NE(GetOption(fd, IPPROTO_TCP, TCP_NODELAY), 0);
  EXPECT_EQ(api_->SetOption(fd, Option::kNoDelay, 0), IoResult(0));
  EXPECT_EQ(GetOption(fd, IPPROTO_TCP, TCP_NODELAY), 0);
}

TEST_F(KernelSocketsTest, EachCallReturnsTheSameObject) {
  EXPECT_EQ(KernelSockets(), KernelSockets());
}

TEST_F(KernelSocketsTest, ErrorsOfABadDescriptorAreReturned) {
  char byte;
  const IoResult bad = IoResult::FromErrno(EBADF);
  EXPECT_EQ(api_->Accept(-1, nullptr), bad);
  EXPECT_EQ(api_->PendingError(-1), bad);
  EXPECT_EQ(api_->Read(-1, absl::MakeSpan(&byte, 1)), bad);
  EXPECT_EQ(api_->UnreadBytes(-1), bad);
  EXPECT_EQ(api_->Write(-1, {"x"}), bad);
  EXPECT_EQ(api_->Write(-1, {"x", "y"}), bad);
  EXPECT_EQ(api_->ShutdownWrite(-1), bad);
  EXPECT_EQ(api_->SetOption(-1, Option::kNoDelay, 1), bad);
  EXPECT_EQ(api_->SetOption(-1, Option::kKeepAlive, 1), bad);
}

TEST_F(KernelSocketsTest, NoDelayOnASocketWithoutItIsAnError) {
  // A netlink socket is neither TCP nor Unix-domain.
  Socket netlink(api_, socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0));
  EXPECT_FALSE(api_->SetOption(netlink.fd(), Option::kNoDelay, 1).ok());
}

using KernelSocketsDeathTest = KernelSocketsTest;

TEST_F(KernelSocketsDeathTest, ClosingTwiceAborts) {
  Socket listener = MustListen("127.0.0.1:0");
  const int fd = listener.fd();
  listener.Close(CloseMode::kGraceful);
  EXPECT_DEATH(api_->Close(fd, CloseMode::kGraceful), "closed");
}

TEST_F(KernelSocketsTest, ABusyPortIsAnErrorThatNamesTheAddress) {
  const Socket listener = MustListen("127.0.0.1:0");
  const std::string address = AddressOf(listener).ToString();
  EXPECT_EQ(
      ListenError(address).message(),
      absl::StrCat("bind on ", address, ": Address already in use (errno 98)"));
}

TEST_F(KernelSocketsTest, AnAddressThatIsNotOursIsAnError) {
  EXPECT_EQ(ListenError("192.0.2.1:0").message(),
            "bind on 192.0.2.1:0: Cannot assign requested address (errno 99)");
}

TEST_F(KernelSocketsTest, NoAddressIsAnError) {
  EXPECT_THAT(TryListen(SocketAddress()).status().message(),
              StartsWith("socket on unspecified: "));
  EXPECT_EQ(api_->StartConnect(SocketAddress(), nullptr).error(), EAFNOSUPPORT);
}

TEST_F(KernelSocketsTest, ListensAgainWhileOldConnectionsAreInTimeWait) {
  // An address of this test alone: no other connection takes the port.
  std::random_device random;
  Socket listener =
      MustListen(absl::StrCat("127.", random() % 255, ".", random() % 256, ".",
                              1 + random() % 254, ":0"));
  const SocketAddress address = AddressOf(listener);
  Socket client = MustConnect(address);
  // The end that closes first keeps TIME_WAIT.
  MustAccept(listener).Close(CloseMode::kGraceful);
  ASSERT_EQ(Read(client).first, IoResult(0));
  client.Close(CloseMode::kGraceful);
  listener.Close(CloseMode::kGraceful);
  SLUICE_EXPECT_OK(TryListen(address));
}

TEST_F(KernelSocketsTest, ReusePortSharesAPort) {
  const Socket first = MustListen("127.0.0.1:0", {.reuse_port = true});
  const SocketAddress address = AddressOf(first);
  SLUICE_EXPECT_OK(TryListen(address, {.reuse_port = true}));
  EXPECT_FALSE(TryListen(address, {.reuse_port = false}).ok());
}

TEST_F(KernelSocketsTest, ReusePortIsForIpOnly) {
  EXPECT_THAT(ListenError("unix:a.sock", {.reuse_port = true}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("unix:a.sock: reuse_port is for IP only")));
}

TEST_F(KernelSocketsTest, AnIpv6ListenerTakesNoIpv4) {
  absl::StatusOr<Socket> listener = TryListen(MustParse("[::]:0"));
  if (!listener.ok()) GTEST_SKIP() << "no IPv6 here: " << listener.status();
  EXPECT_EQ(GetOption(listener->fd(), IPPROTO_IPV6, IPV6_V6ONLY), 1);
}

TEST_F(KernelSocketsTest, AListenerOfBothFamiliesTakesBoth) {
  const absl::StatusOr<Socket> listener = TryListen(MustParse(":0"));
  SLUICE_ASSERT_OK(listener);
  const SocketAddress at = AddressOf(*listener);
  if (at.family() != AF_INET6) GTEST_SKIP() << "no IPv6 here";
  EXPECT_EQ(at, SocketAddress::Everywhere(at.port()));
  for (const SocketAddress& address : {SocketAddress::Loopback4(at.port()),
                                       SocketAddress::Loopback6(at.port())}) {
    const Socket client = MustConnect(address);
    SocketAddress peer;
    const Socket server = MustAccept(*listener, &peer);
    // The peer is not [::ffff:127.0.0.1].
    EXPECT_EQ(peer, AddressOf(client));
    EXPECT_EQ(AddressOf(server, End::kPeer), peer);
    EXPECT_EQ(AddressOf(server), address);
  }
  EXPECT_FALSE(TryListen(MustParse(absl::StrCat("0.0.0.0:", at.port()))).ok());
}

TEST_F(KernelSocketsTest, ListenersOfBothFamiliesShareAPort) {
  const Socket first = MustListen(":0", {.reuse_port = true});
  SLUICE_EXPECT_OK(TryListen(AddressOf(first), {.reuse_port = true}));
}

TEST_F(KernelSocketsTest, TcpGetsTheBacklog) {
  const Socket listener = MustListen("127.0.0.1:0", {.backlog = 17});
  tcp_info info{};
  socklen_t size = sizeof(info);
  ASSERT_EQ(getsockopt(listener.fd(), IPPROTO_TCP, TCP_INFO, &info, &size), 0);
  EXPECT_EQ(info.tcpi_sacked, 17u);
}

TEST_F(KernelSocketsTest, AFullUnixBacklogIsWouldBlockUntilOneIsAccepted) {
  const Socket listener = MustListen("unix:", {.backlog = 2});
  const SocketAddress address = AddressOf(listener);
  std::vector<Socket> clients;
  // Linux lets one more connection wait than the backlog says.
  for (int i = 0; i < 3; ++i) clients.push_back(MustConnect(address));
  const int next = NextDescriptor();
  EXPECT_TRUE(api_->StartConnect(address, nullptr).would_block());
  EXPECT_EQ(NextDescriptor(), next);
  const Socket server = MustAccept(listener);
  clients.push_back(MustConnect(address));
}

TEST_F(KernelSocketsTest, ARefusedConnectionSaysSo) {
  // A bound socket that does not listen refuses connections and keeps the port.
  Socket bound(api_, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const SocketAddress any = SocketAddress::Loopback4(0);
  ASSERT_EQ(bind(bound.fd(), any.data(), any.size()), 0);

  const Socket client = MustConnect(AddressOf(bound));
  ASSERT_TRUE(WaitFor(client.fd(), POLLOUT));
  EXPECT_EQ(api_->PendingError(client.fd()), IoResult::FromErrno(ECONNREFUSED));
}

TEST_F(KernelSocketsTest, AConnectThatFailsAtOnceLeaksNothing) {
  const int next = NextDescriptor();
  EXPECT_EQ(api_->StartConnect(MustParse("unix:nobody.sock"), nullptr),
            IoResult::FromErrno(ENOENT));
  const SocketAddress elsewhere = MustParse("192.0.2.1:0");
  EXPECT_EQ(api_->StartConnect(SocketAddress::Loopback4(1), &elsewhere),
            IoResult::FromErrno(EADDRNOTAVAIL));
  EXPECT_EQ(NextDescriptor(), next);
}

TEST_F(KernelSocketsTest, ConnectsFromALocalAddressAndChoosesThePortLate) {
  const Socket listener = MustListen("127.0.0.1:0");
  const SocketAddress from = MustParse("127.0.0.2:0");
  const Socket client = MustConnect(AddressOf(listener), &from);
  SocketAddress peer;
  const Socket server = MustAccept(listener, &peer);
  EXPECT_THAT(peer.ToString(), StartsWith("127.0.0.2:"));
  EXPECT_NE(peer.port(), 0);
  EXPECT_EQ(GetOption(client.fd(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT), 1);
}

TEST_F(KernelSocketsTest, Ipv6ConnectsFromALocalAddressToo) {
  absl::StatusOr<Socket> listener = TryListen(SocketAddress::Loopback6(0));
  if (!listener.ok()) GTEST_SKIP() << "no IPv6 here: " << listener.status();
  const SocketAddress from = SocketAddress::Loopback6(0);
  const Socket client = MustConnect(AddressOf(*listener), &from);
  const Socket server = MustAccept(*listener);
  EXPECT_EQ(GetOption(client.fd(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT), 1);
}

TEST_F(KernelSocketsTest, ConnectsFromAUnixNameThatThePeerSees) {
  const Socket listener = MustListen("unix:a.sock");
  const SocketAddress from = MustParse("unix:client.sock");
  const Socket client = MustConnect(AddressOf(listener), &from);
  SocketAddress peer;
  const Socket server = MustAccept(listener, &peer);
  EXPECT_EQ(peer, from);
}

TEST_F(KernelSocketsTest, AcceptsAPeerWithANameThatCannotBeExpressed) {
  const Socket listener = MustListen("unix:");
  // Linux binds to a path that fills all of sun_path, without a NUL.
  sockaddr_un name;
  name.sun_family = AF_UNIX;
  std::memset(name.sun_path, 'x', sizeof(name.sun_path));
  Socket client(api_, socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(
      bind(client.fd(), reinterpret_cast<const sockaddr*>(&name), sizeof(name)),
      0);
  const SocketAddress to = AddressOf(listener);
  ASSERT_EQ(connect(client.fd(), to.data(), to.size()), 0);
  SocketAddress peer = to;
  EXPECT_TRUE(MustAccept(listener, &peer));
  EXPECT_EQ(peer, SocketAddress());
}

TEST_F(KernelSocketsTest, ABusyLocalAddressIsAnError) {
  const Socket listener = MustListen("127.0.0.1:0");
  const SocketAddress busy = AddressOf(listener);
  EXPECT_EQ(api_->StartConnect(SocketAddress::Loopback4(1), &busy),
            IoResult::FromErrno(EADDRINUSE));
}

TEST_F(KernelSocketsTest,
       OutOfDescriptorsIsADistinctErrorAndLosesNoConnection) {
  const Socket listener = MustListen("127.0.0.1:0");
  const SocketAddress address = AddressOf(listener);
  const Socket client = MustConnect(address);
  ASSERT_TRUE(WaitFor(listener.fd(), POLLIN));

  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(NextDescriptor());
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const IoResult accepted = api_->Accept(listener.fd(), nullptr);
  const IoResult connected = api_->StartConnect(address, nullptr);
  const absl::Status listened = ListenError("127.0.0.1:0");
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);

  EXPECT_EQ(accepted, IoResult::FromErrno(EMFILE));
  EXPECT_EQ(connected, IoResult::FromErrno(EMFILE));
  EXPECT_THAT(listened, StatusIs(absl::StatusCode::kResourceExhausted,
                                 HasSubstr("socket on 127.0.0.1:0: ")));
  EXPECT_TRUE(MustAccept(listener));
}

ino_t InodeOf(const char* path) {
  struct stat found;
  return lstat(path, &found) == 0 ? found.st_ino : 0;
}

TEST_F(KernelSocketsTest, AStaleSocketFileIsReplaced) {
  MustListen("unix:a.sock").Close(CloseMode::kGraceful);
  ASSERT_NE(InodeOf("a.sock"), 0u) << "closing should leave the file";
  const Socket listener = MustListen("unix:a.sock");
  const Socket client = MustConnect(MustParse("unix:a.sock"));
  EXPECT_TRUE(MustAccept(listener));
}

TEST_F(KernelSocketsTest, ALiveServersSocketFileIsNotReplaced) {
  const Socket listener = MustListen("unix:a.sock");
  const ino_t inode = InodeOf("a.sock");
  const int next = NextDescriptor();
  EXPECT_EQ(ListenError("unix:a.sock").message(),
            "bind on unix:a.sock: Address already in use (errno 98); a server "
            "is listening there");
  EXPECT_EQ(InodeOf("a.sock"), inode);
  EXPECT_EQ(NextDescriptor(), next);
}

TEST_F(KernelSocketsTest, AServerWithAFullBacklogIsAlive) {
  const Socket listener = MustListen("unix:a.sock", {.backlog = 0});
  const Socket client = MustConnect(MustParse("unix:a.sock"));
  EXPECT_THAT(ListenError("unix:a.sock").message(),
              EndsWith("a server is listening there"));
}

TEST_F(KernelSocketsTest, ASocketThatTakesDatagramsIsAlive) {
  Socket datagrams(api_, socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const SocketAddress address = MustParse("unix:a.sock");
  ASSERT_EQ(bind(datagrams.fd(), address.data(), address.size()), 0);
  EXPECT_THAT(ListenError("unix:a.sock").message(),
              EndsWith("a server is listening there"));
}

TEST_F(KernelSocketsTest, AFileThatIsNotASocketIsNeverRemoved) {
  close(open("file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  ASSERT_EQ(mkdir("folder", 0700), 0);
  ASSERT_EQ(symlink("nowhere", "dangling"), 0);
  MustListen("unix:stale.sock").Close(CloseMode::kGraceful);
  ASSERT_EQ(symlink("stale.sock", "link"), 0);
  for (const char* path : {"file", "folder", "dangling", "link"}) {
    const ino_t inode = InodeOf(path);
    ASSERT_NE(inode, 0u);
    EXPECT_EQ(ListenError(absl::StrCat("unix:", path)).message(),
              absl::StrCat("bind on unix:", path,
                           ": Address already in use (errno 98); there is a "
                           "file that is not a socket"));
    EXPECT_EQ(InodeOf(path), inode);
  }
  EXPECT_NE(InodeOf("stale.sock"), 0u);
}

TEST_F(KernelSocketsTest, AFolderThatIsNotThereIsAnErrorThatNamesThePath) {
  EXPECT_THAT(ListenError("unix:no/such/a.sock"),
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr("bind on unix:no/such/a.sock: ")));
}

TEST_F(KernelSocketsTest, ABusyAbstractNameIsAnError) {
  const Socket listener = MustListen("unix:");
  const std::string address = AddressOf(listener).ToString();
  EXPECT_THAT(address, StartsWith("unix:@"));
  EXPECT_EQ(
      ListenError(address).message(),
      absl::StrCat("bind on ", address, ": Address already in use (errno 98)"));
}

// A container's filter may be older than accept4(2).
TEST_F(KernelSocketsTest, AcceptsWhereThereIsNoAccept4) {
  for (const int error : {ENOSYS, EPERM}) {
    WithoutSystemCall(SYS_accept4, error, [this] {
      const Socket listener = MustListen("127.0.0.1:0");
      EXPECT_TRUE(api_->Accept(listener.fd(), nullptr).would_block());
      const Socket client = MustConnect(AddressOf(listener));
      ASSERT_TRUE(WaitFor(listener.fd(), POLLIN));
      SocketAddress peer;
      const IoResult accepted = api_->Accept(listener.fd(), &peer);
      ASSERT_TRUE(accepted.ok()) << accepted.error();
      const Socket server(api_, static_cast<int>(accepted.value()));
      EXPECT_EQ(peer, AddressOf(client));
      EXPECT_EQ(fcntl(server.fd(), F_GETFD), FD_CLOEXEC);
      EXPECT_NE(fcntl(server.fd(), F_GETFL) & O_NONBLOCK, 0);
    });
  }
}

}  // namespace
}  // namespace sluice
