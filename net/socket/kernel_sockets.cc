#include "sluice/net/socket/kernel_sockets.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstring>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "sluice/base/check.h"
#include "sluice/base/check_option.h"
#include "sluice/base/io_result.h"
#include "sluice/net/socket_address.h"

namespace sluice {
namespace {

constexpr int kMaxRetries = 100;

// Returns the result of a system call that has just returned `value`.
IoResult ResultOf(int64_t value) {
  return value >= 0 ? IoResult(value) : IoResult::FromErrno(errno);
}

template <typename Call>
IoResult RetryInterrupted(Call call) {
  for (int retries = 0;; ++retries) {
    const IoResult result = ResultOf(call());
    if (result.error() != EINTR || retries == kMaxRetries) return result;
  }
}

// Returns true if accept(2) failed because of one connection, which is removed
// from the backlog; a call for the next connection may succeed.
bool EndedInQueue(int error) {
  switch (error) {
    case ECONNABORTED:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENETDOWN:
    case ENETUNREACH:
    case ENONET:
    case ENOPROTOOPT:
    case EOPNOTSUPP:
    case EPROTO:
      return true;
    default:
      return false;
  }
}

bool IsIp(const SocketAddress& address) {
  return address.family() == AF_INET || address.family() == AF_INET6;
}

IoResult NewSocket(int family) {
  return ResultOf(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                         /*protocol=*/0));
}

IoResult SetIntOption(int fd, int level, int name, int value) {
  return ResultOf(setsockopt(fd, level, name, &value, sizeof(value)));
}

IoResult GetIntOption(int fd, int level, int name) {
  int value = 0;
  socklen_t size = sizeof(value);
  const IoResult got = ResultOf(getsockopt(fd, level, name, &value, &size));
  return got.ok() ? IoResult(value) : got;
}

bool IsAnyIpv6(const SocketAddress& address) {
  const auto* in = reinterpret_cast<const sockaddr_in6*>(address.data());
  return address.family() == AF_INET6 &&
         IN6_IS_ADDR_UNSPECIFIED(&in->sin6_addr);
}

// Returns the address that a system call filled in. For a connection to a
// socket of both families, an IPv4 address is returned as IPv4, so that an
// address has one form whatever the listener is.
absl::StatusOr<SocketAddress> FromKernel(const sockaddr* address,
                                         socklen_t size) {
  const auto* in6 = reinterpret_cast<const sockaddr_in6*>(address);
  if (size < sizeof(*in6) || in6->sin6_family != AF_INET6 ||
      !IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
    return SocketAddress::FromSockaddr(address, size);
  }
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = in6->sin6_port;
  std::memcpy(&in.sin_addr, in6->sin6_addr.s6_addr + 12, sizeof(in.sin_addr));
  return SocketAddress::FromSockaddr(reinterpret_cast<const sockaddr*>(&in),
                                     sizeof(in));
}

// Gets the peer of an IP connection that has ended, which getpeername(2) no
// longer returns, so that the error of a reset can name the peer. Returns false
// if there was no peer. SO_PEERNAME needs exactly the size of the family's
// address.
bool GetFormerPeer(int fd, sockaddr* peer, socklen_t* size) {
  return getsockname(fd, peer, size) == 0 &&
         getsockopt(fd, SOL_SOCKET, SO_PEERNAME, peer, size) == 0;
}

IoResult Bind(int fd, const SocketAddress& address) {
  return ResultOf(bind(fd, address.data(), address.size()));
}

// Calls accept4(2). Filters of containers may refuse it with ENOSYS or EPERM;
// then calls accept(2). In that case, a program that is started by another
// thread at that moment inherits the descriptor. EPERM may also come from a
// firewall: then accept(2) returns it too.
int AcceptCloexecNonblock(int listen_fd, sockaddr* address, socklen_t* size) {
  const int fd =
      accept4(listen_fd, address, size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0 || (errno != ENOSYS && errno != EPERM)) return fd;
  const int plain = accept(listen_fd, address, size);
  if (plain < 0) return plain;
  if (fcntl(plain, F_SETFD, FD_CLOEXEC) == 0 &&
      fcntl(plain, F_SETFL, O_NONBLOCK) == 0) {
    return plain;
  }
  const int error = errno;
  close(plain);
  errno = error;
  return -1;
}

// Returns 0 or an errno, which may be EINPROGRESS.
int ConnectError(int fd, const SocketAddress& peer) {
  return connect(fd, peer.data(), peer.size()) == 0 ? 0 : errno;
}

// Returns why a path cannot be bound to, as a text for users; "" if the caller
// can bind again.
absl::string_view NotRemoved(int error) {
  return error == EACCES || error == EPERM
             ? "; its file is a socket of another user that no server listens "
               "on, and this process may not remove it: remove the file or "
               "choose another path"
             : "; its file is a socket that no server listens on, and it "
               "cannot be removed";
}

// Unlinks the file of a socket without a listener. Examines the file before and
// after the test for a listener, so that a file that was created meanwhile
// stays.
absl::string_view RemoveStale(const SocketAddress& address) {
  const char* const path = address.unix_path().data();
  struct stat before;
  if (lstat(path, &before) != 0) {
    return errno == ENOENT ? "" : "; its file cannot be examined";
  }
  if (!S_ISSOCK(before.st_mode))
    return "; there is a file that is not a socket";

  const IoResult probe = NewSocket(AF_UNIX);
  if (!probe.ok()) return "; it is not known whether a server listens there";
  const int error = ConnectError(static_cast<int>(probe.value()), address);
  close(static_cast<int>(probe.value()));
  // EAGAIN: its backlog is full. EPROTOTYPE: it is a datagram socket.
  if (error == 0 || error == EAGAIN || error == EPROTOTYPE) {
    return "; a server is listening there";
  }
  if (error == EACCES || error == EPERM) {
    return "; its file is a socket of another user, which this process may not "
           "use: remove the file or choose another path";
  }
  if (error != ECONNREFUSED)
    return "; it is not known whether a server listens there";

  struct stat after;
  if (lstat(path, &after) != 0 || after.st_dev != before.st_dev ||
      after.st_ino != before.st_ino) {
    return "; another process is changing its file";
  }
  return unlink(path) == 0 ? "" : NotRemoved(errno);
}

absl::Status BindListener(int fd, const SocketAddress& address) {
  IoResult bound = Bind(fd, address);
  absl::string_view why;
  if (bound.error() == EADDRINUSE && !address.unix_path().empty()) {
    why = RemoveStale(address);
    if (why.empty()) bound = Bind(fd, address);
  }
  const absl::Status status = ToStatus(bound, "bind", address.ToString());
  return why.empty() ? status
                     : WithMessage(status, absl::StrCat(status.message(), why));
}

class KernelSocketApi final : public SocketApi {
 public:
  absl::StatusOr<int> Listen(const SocketAddress& address,
                             const ListenOptions& options) override {
    const absl::Status valid =
        CheckOption("SocketApi: backlog", options.backlog, 0, INT_MAX);
    if (!valid.ok()) return valid;
    const std::string name = address.ToString();
    if (options.reuse_port && !IsIp(address)) {
      return absl::InvalidArgumentError(
          absl::StrCat("listen on ", name, ": reuse_port is for IP only"));
    }
    const IoResult made = NewSocket(address.family());
    if (made.error() == EAFNOSUPPORT && address.both_families()) {
      const std::string ipv4 = absl::StrCat("0.0.0.0:", address.port());
      return Listen(*SocketAddress::Parse(ipv4), options);
    }
    if (!made.ok()) return ToStatus(made, "socket", name);
    Socket socket(this, static_cast<int>(made.value()));

    absl::Status status;
    const auto set = [&](int level, int option, int value,
                         absl::string_view option_name) {
      status.Update(ToStatus(SetIntOption(socket.fd(), level, option, value),
                             option_name, name));
    };
    if (IsIp(address)) set(SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR");
    if (options.reuse_port) set(SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT");
    if (address.family() == AF_INET6) {
      set(IPPROTO_IPV6, IPV6_V6ONLY, address.both_families() ? 0 : 1,
          "IPV6_V6ONLY");
    }
    if (status.ok()) status = BindListener(socket.fd(), address);
    if (!status.ok()) return status;
    const IoResult listening = ResultOf(listen(socket.fd(), options.backlog));
    if (!listening.ok()) return ToStatus(listening, "listen", name);
    return socket.Release();
  }

  absl::StatusOr<SocketAddress> Address(int fd, End end) override {
    sockaddr_storage storage;
    auto* const address = reinterpret_cast<sockaddr*>(&storage);
    socklen_t size = sizeof(storage);
    const bool local = end == End::kLocal;
    const IoResult result = ResultOf(local ? getsockname(fd, address, &size)
                                           : getpeername(fd, address, &size));
    if (result.ok()) {
      auto found = FromKernel(address, size);
      if (local && found.ok() && IsAnyIpv6(*found) &&
          GetIntOption(fd, IPPROTO_IPV6, IPV6_V6ONLY) == IoResult(0)) {
        return SocketAddress::Everywhere(found->port());
      }
      return found;
    }
    size = sizeof(storage);
    if (!local && result.error() == ENOTCONN &&
        GetFormerPeer(fd, address, &size)) {
      return FromKernel(address, size);
    }
    return ToStatus(result, local ? "getsockname" : "getpeername",
                    absl::StrCat("descriptor ", fd));
  }

  IoResult Accept(int listen_fd, SocketAddress* peer) override {
    sockaddr_storage storage;
    auto* const address = reinterpret_cast<sockaddr*>(&storage);
    socklen_t size = 0;
    for (int retries = 0;; ++retries) {
      const IoResult accepted = RetryInterrupted([&] {
        size = sizeof(storage);
        return AcceptCloexecNonblock(listen_fd, address, &size);
      });
      if (accepted.ok()) {
        if (peer != nullptr) {
          *peer = FromKernel(address, size).value_or(SocketAddress());
        }
        return accepted;
      }
      if (!EndedInQueue(accepted.error()) || retries == kMaxRetries) {
        return accepted;
      }
    }
  }

  IoResult StartConnect(const SocketAddress& peer,
                        const SocketAddress* local) override {
    const IoResult made = NewSocket(peer.family());
    if (!made.ok()) return made;
    Socket socket(this, static_cast<int>(made.value()));
    if (local != nullptr) {
      if (IsIp(*local) && local->port() == 0) {
        const IoResult set =
            SetIntOption(socket.fd(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
        // ENOPROTOOPT, before Linux 4.2: bind(2) chooses the port.
        if (!set.ok() && set.error() != ENOPROTOOPT) return set;
      }
      const IoResult bound = Bind(socket.fd(), *local);
      if (!bound.ok()) return bound;
    }
    const int error = ConnectError(socket.fd(), peer);
    // EINTR: connecting goes on in the background, see connect(2).
    if (error != 0 && error != EINPROGRESS && error != EINTR) {
      return IoResult::FromErrno(error);
    }
    return IoResult(socket.Release());
  }

  IoResult PendingError(int fd) override {
    const IoResult error = GetIntOption(fd, SOL_SOCKET, SO_ERROR);
    return error.ok() ? IoResult(-error.value()) : error;
  }

  IoResult Read(int fd, absl::Span<char> into) override {
    SLUICE_DCHECK(!into.empty());
    return RetryInterrupted(
        [&] { return recv(fd, into.data(), into.size(), /*flags=*/0); });
  }

  IoResult UnreadBytes(int fd) override {
    int bytes = 0;
    const IoResult got = ResultOf(ioctl(fd, FIONREAD, &bytes));
    return got.ok() ? IoResult(bytes) : got;
  }

  IoResult Write(int fd, absl::Span<const absl::string_view> pieces) override {
    if (pieces.empty()) return IoResult(0);
    if (pieces.size() == 1) {
      const absl::string_view piece = pieces[0];
      return RetryInterrupted(
          [&] { return send(fd, piece.data(), piece.size(), MSG_NOSIGNAL); });
    }
    iovec vector[kMaxPieces];
    const size_t count = std::min(pieces.size(), kMaxPieces);
    for (size_t i = 0; i < count; ++i) {
      vector[i] = {const_cast<char*>(pieces[i].data()), pieces[i].size()};
    }
    msghdr message{};
    message.msg_iov = vector;
    message.msg_iovlen = count;
    return RetryInterrupted(
        [&] { return sendmsg(fd, &message, MSG_NOSIGNAL); });
  }

  IoResult ShutdownWrite(int fd) override {
    return ResultOf(shutdown(fd, SHUT_WR));
  }

  IoResult SetOption(int fd, Option option, int value) override {
    switch (option) {
      case Option::kNoDelay: {
        const IoResult set = SetIntOption(fd, IPPROTO_TCP, TCP_NODELAY, value);
        if (!set.ok() &&
            GetIntOption(fd, SOL_SOCKET, SO_DOMAIN) == IoResult(AF_UNIX)) {
          return IoResult(0);
        }
        return set;
      }
      case Option::kKeepAlive:
        return SetIntOption(fd, SOL_SOCKET, SO_KEEPALIVE, value);
      case Option::kSendBuffer:
        return SetIntOption(fd, SOL_SOCKET, SO_SNDBUF, value);
      case Option::kReceiveBuffer:
        return SetIntOption(fd, SOL_SOCKET, SO_RCVBUF, value);
    }
    return IoResult::FromErrno(EINVAL);
  }

  void Close(int fd, CloseMode mode) override {
    if (mode == CloseMode::kReset) {
      // A linger time of 0 makes close(2) send RST, see socket(7). If this
      // fails, the close is graceful.
      const linger now = {.l_onoff = 1, .l_linger = 0};
      setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    }
    const bool closed = close(fd) == 0 || errno != EBADF;
    SLUICE_CHECK(closed);
  }

  IoResult FindFile(const std::string& path, FileId* id) override {
    struct stat found;
    if (lstat(path.c_str(), &found) != 0) return IoResult::FromErrno(errno);
    if (!S_ISSOCK(found.st_mode)) return IoResult::FromErrno(ENOTSOCK);
    *id = {found.st_dev, found.st_ino};
    return IoResult(0);
  }

  IoResult RemoveFile(const std::string& path) override {
    return ResultOf(unlink(path.c_str()));
  }
};

}  // namespace

SocketApi* KernelSockets() {
  static KernelSocketApi* const sockets = new KernelSocketApi;
  return sockets;
}

}  // namespace sluice
