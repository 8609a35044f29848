#ifndef SLUICE_NET_SOCKET_API_H_
#define SLUICE_NET_SOCKET_API_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "sluice/base/io_result.h"
#include "sluice/net/socket_address.h"

namespace sluice {

enum class CloseMode : uint8_t {
  // What was written is still delivered, then FIN. TCP makes a reset of it if
  // bytes of the peer are unread: see SocketApi::UnreadBytes().
  kGraceful,
  // TCP: RST at once; unsent data is discarded. Unix: as kGraceful.
  kReset,
};

// Non-blocking stream sockets: the kernel's in production, simulated ones under
// test, paired with pollers of the same world. Thread-safe, save that what is
// called on a descriptor must not race with Close() of it.
//
// Nothing blocks or raises SIGPIPE. EAGAIN is the caller's, who waits for
// readiness; EINTR is retried here, at most 100 times, and then returned.
// Nobody but this repository should implement it: it grows. It has more
// virtuals than an interface of ours should, for each is one system call.
class SocketApi {
 public:
  struct ListenOptions {
    // Connections that wait to be accepted, beyond which new ones are held off;
    // the kernel caps it at net.core.somaxconn. kInvalidArgument if negative.
    int backlog = 4096;
    // Several sockets of one user share an IP address and port, and the kernel
    // spreads connections over them. All of them must ask for it. Closing one
    // resets the connections that wait in it.
    bool reuse_port = false;
  };
  enum class Option {
    kNoDelay,        // 0 or 1; success without effect on a Unix-domain socket
    kKeepAlive,      // 0 or 1
    kSendBuffer,     // bytes; Linux doubles them, see socket(7)
    kReceiveBuffer,  // the same
  };
  enum class End { kLocal, kPeer };
  // Of files that are there at one time, no two have the same.
  struct FileId {
    uint64_t device = 0;
    uint64_t number = 0;
    friend bool operator==(const FileId&, const FileId&) = default;
  };

  // At most so many pieces are taken by one Write().
  static constexpr size_t kMaxPieces = 64;

  virtual ~SocketApi() = default;

  // A new listening descriptor, close-on-exec. An error names the operation and
  // the address: "bind on 127.0.0.1:80: Permission denied (errno 13)".
  // kInvalidArgument: reuse_port with a Unix-domain address.
  //
  // IP: SO_REUSEADDR is set, so that connections in TIME_WAIT of a server that
  // ended do not keep the next one from its port. An IPv6 socket takes no IPv4,
  // whatever net.ipv6.bindv6only says, but for SocketAddress::Everywhere():
  // that socket takes both, or IPv4 alone on a host without IPv6. Peers have
  // one spelling: an IPv4 peer is never [::ffff:1.2.3.4].
  //
  // Unix path: a socket's file that nobody listens on any more is replaced; one
  // with a server behind it gives EADDRINUSE and says so; a file that is not a
  // socket is never removed. Two servers that start on one path at the same
  // time can still both succeed, the later one having taken the path from the
  // other: a server that has bound and does not listen yet looks like a dead
  // one, and there is no system call that unlinks a file only if it is still
  // the file that was looked at. Who must exclude that takes a lock of his own
  // first. The file is removed by nobody here: see unix_socket_file.h.
  virtual absl::StatusOr<int> Listen(const SocketAddress& address,
                                     const ListenOptions& options) = 0;
  // The peer of an IP connection is known after a reset too. Errors name the
  // operation and the descriptor.
  virtual absl::StatusOr<SocketAddress> Address(int fd, End end) = 0;

  // The new descriptor, close-on-exec. `peer`, which may be null, is set on
  // success; no address if the peer's cannot be expressed. Errors are:
  //   would_block()                    nobody waits
  //   EMFILE, ENFILE, ENOBUFS, ENOMEM  the connection waits until descriptors
  //                                    or memory are there; the listening
  //                                    socket stays readable meanwhile
  //   anything else                    this listening socket will not do
  // Errors of one connection that ended while it waited (ECONNABORTED, and what
  // accept(2) lists under "Error handling") pass on to the next connection, for
  // at most 100 of them in one call; then the last is returned, and another
  // call may do better.
  virtual IoResult Accept(int listen_fd, SocketAddress* peer) = 0;

  // The new descriptor, close-on-exec: connecting, or connected already. When
  // it becomes writable, PendingError() says which. `local`, which may be null,
  // is the address to come from; with port 0 the port is chosen when the peer
  // is known, so that connections to different peers may share it; before Linux
  // 4.2 they do not. At once:
  //   would_block()    Unix: the listener's backlog is full; nothing is pending
  //                    and no readiness will come: try again later
  //   EADDRNOTAVAIL    `local` is not ours, or all its ports are taken
  //   another error    refused, unreachable, out of descriptors and the like
  virtual IoResult StartConnect(const SocketAddress& peer,
                                const SocketAddress* local) = 0;
  // SO_ERROR: the error that is pending on the socket, which this clears; 0 if
  // there is none.
  virtual IoResult PendingError(int fd) = 0;

  // How many bytes were read; 0 is the peer's FIN. REQUIRES: !into.empty().
  virtual IoResult Read(int fd, absl::Span<char> into) = 0;
  // How many bytes Read() could return now. For draining before Close(), not
  // for sizing reads: it is one more system call.
  virtual IoResult UnreadBytes(int fd) = 0;
  // Takes a prefix of the first kMaxPieces pieces together: how many bytes.
  // EPIPE, and no signal, after the peer has gone or ShutdownWrite().
  virtual IoResult Write(int fd,
                         absl::Span<const absl::string_view> pieces) = 0;
  // Sends FIN after all that was written; reading goes on.
  virtual IoResult ShutdownWrite(int fd) = 0;
  virtual IoResult SetOption(int fd, Option option, int value) = 0;

  // REQUIRES: `fd` is open, has been removed from its poller, and no operation
  // of a ring is in flight on it.
  virtual void Close(int fd, CloseMode mode) = 0;

  // Which file is at the path, as lstat(2) says, whose errors these are.
  // ENOTSOCK: one that is not a Unix-domain socket's.
  virtual IoResult FindFile(const std::string& path, FileId* id) = 0;
  // unlink(2).
  virtual IoResult RemoveFile(const std::string& path) = 0;
};

// Owns one descriptor of one SocketApi. Move-only, 16 bytes. Thread-compatible.
// Destruction closes gracefully: right while nobody has sent; after that
// closing is a Transport's.
class Socket {
 public:
  Socket() = default;
  // REQUIRES: `fd` is open and owned by nobody. `api` outlives this object.
  Socket(SocketApi* api, int fd) : api_(api), fd_(fd) {}
  ~Socket() { Close(CloseMode::kGraceful); }
  Socket(Socket&& other) noexcept
      : api_(other.api_), fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    if (this != &other) {
      Close(CloseMode::kGraceful);
      api_ = other.api_;
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }

  explicit operator bool() const { return fd_ >= 0; }
  // -1 when empty.
  int fd() const { return fd_; }
  // REQUIRES: not empty.
  SocketApi& api() const { return *api_; }

  // Empties; no-op when empty.
  void Close(CloseMode mode) {
    if (fd_ >= 0) api_->Close(std::exchange(fd_, -1), mode);
  }
  // Empties without closing: the descriptor, now the caller's; -1 when empty.
  int Release() { return std::exchange(fd_, -1); }

 private:
  SocketApi* api_ = nullptr;
  int fd_ = -1;
};

}  // namespace sluice

#endif  // SLUICE_NET_SOCKET_API_H_
