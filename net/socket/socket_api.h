#ifndef SLUICE_NET_SOCKET_SOCKET_API_H_
#define SLUICE_NET_SOCKET_SOCKET_API_H_

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
  // Written bytes are still delivered, then FIN. If bytes of the peer are
  // unread, TCP sends RST instead: see SocketApi::UnreadBytes().
  kGraceful,
  // TCP: sends RST at once and discards unsent data. Unix: as kGraceful.
  kReset,
};

// Non-blocking stream sockets: the kernel's in production, simulated ones in
// tests. Use them with pollers of the same world. Thread-safe, except that a
// call on a descriptor must not race with Close() of that descriptor.
//
// No call blocks or raises SIGPIPE. After EAGAIN, the caller waits for
// readiness. A call that gets EINTR is retried at most 100 times; then EINTR is
// returned. Do not implement this interface outside this repository: it grows.
// It has more virtual functions than our other interfaces, because each is one
// system call.
class SocketApi {
 public:
  struct ListenOptions {
    // The most connections that wait to be accepted; more connections are held
    // off. The kernel limits it to net.core.somaxconn. If it is negative,
    // Listen() returns kInvalidArgument.
    int backlog = 4096;
    // Lets several sockets of one user share an IP address and port; the kernel
    // spreads connections over them. All of the sockets must set it. Closing
    // one of them resets the connections that wait in its backlog.
    bool reuse_port = false;
  };
  enum class Option {
    kNoDelay,        // 0 or 1; has no effect on a Unix-domain socket
    kKeepAlive,      // 0 or 1
    kSendBuffer,     // bytes; Linux doubles them, see socket(7)
    kReceiveBuffer,  // bytes, as kSendBuffer
  };
  enum class End { kLocal, kPeer };
  // Identifies a file. Two files that exist at the same time have different
  // ids.
  struct FileId {
    uint64_t device = 0;
    uint64_t number = 0;
    friend bool operator==(const FileId&, const FileId&) = default;
  };

  // The most pieces that one Write() takes.
  static constexpr size_t kMaxPieces = 64;

  virtual ~SocketApi() = default;

  // Returns a new listening descriptor, close-on-exec. An error names the
  // operation and the address: "bind on 127.0.0.1:80: Permission denied (errno
  // 13)". Returns kInvalidArgument for reuse_port with a Unix-domain address.
  //
  // IP: sets SO_REUSEADDR, so that a server can start on a port although
  // connections of an earlier server are in TIME_WAIT. An IPv6 socket takes no
  // IPv4, whatever net.ipv6.bindv6only says, except for
  // SocketAddress::Everywhere(): that socket takes both, or IPv4 alone on a
  // host without IPv6. The address of an IPv4 peer has one form only: it is
  // never [::ffff:1.2.3.4].
  //
  // Unix path: replaces the file of a socket that no server listens on any
  // more. Returns EADDRINUSE, and says so, if a server listens on it. Never
  // removes a file that is not a socket. If two servers start on one path at
  // the same time, both can succeed, and the later one takes the path from the
  // other. The reason: a server that has bound its socket and does not listen
  // yet looks like a dead one, and no system call unlinks a file only if it is
  // still the file that was examined. To exclude this, take a lock of your own
  // first. SocketApi does not remove the file: see unix_socket_file.h.
  virtual absl::StatusOr<int> Listen(const SocketAddress& address,
                                     const ListenOptions& options) = 0;
  // Returns the local address or the peer's. The local address of a socket that
  // listens for both families is SocketAddress::Everywhere(). The peer of an IP
  // connection is known after a reset too. Errors name the operation and the
  // descriptor.
  virtual absl::StatusOr<SocketAddress> Address(int fd, End end) = 0;

  // Returns the descriptor of a new connection, close-on-exec. On success, sets
  // `peer`, which may be null; `peer` has no address if the peer's address
  // cannot be expressed. Errors are:
  //   would_block()                    no connection waits
  //   EMFILE, ENFILE, ENOBUFS, ENOMEM  the connection waits until descriptors
  //                                    or memory are there; the listening
  //                                    socket stays readable meanwhile
  //   any other error                  this listening socket does not work, or
  //                                    a filter refuses accept(2) (EPERM)
  // If a connection ended while it waited (ECONNABORTED, and the errors that
  // accept(2) lists under "Error handling"), skips it, at most 100 connections
  // in one call. After 100, returns the error of the last one; another call may
  // succeed.
  virtual IoResult Accept(int listen_fd, SocketAddress* peer) = 0;

  // Returns a new descriptor, close-on-exec, that is connecting or connected.
  // When it becomes writable, it is connected unless PendingError() returns an
  // error.
  // `local` is the address to connect from; null leaves the choice to the
  // kernel. If the port of `local` is 0, the port is chosen when the peer is
  // known, so that connections to different peers may share it; before Linux
  // 4.2 they do not. Errors that are known at once are:
  //   would_block()    Unix: the listener's backlog is full; nothing is pending
  //                    and no readiness will come: try again later
  //   EADDRNOTAVAIL    this host does not have the address `local`, or all its
  //                    ports are taken
  //   another error    refused, unreachable, out of descriptors and the like
  virtual IoResult StartConnect(const SocketAddress& peer,
                                const SocketAddress* local) = 0;
  // Returns the pending error of the socket (SO_ERROR) as the error of the
  // result, and clears it. Returns an ok result if no error is pending.
  virtual IoResult PendingError(int fd) = 0;

  // Reads, and returns the number of bytes; 0 means the peer's FIN. REQUIRES:
  // !into.empty().
  virtual IoResult Read(int fd, absl::Span<char> into) = 0;
  // Returns how many bytes Read() could return now. For reading all input
  // before Close(), not for choosing the size of a read: it is one more system
  // call.
  virtual IoResult UnreadBytes(int fd) = 0;
  // Sends a prefix of the first kMaxPieces pieces, and returns the number of
  // bytes. Returns EPIPE, without a signal, after the peer has gone or after
  // ShutdownWrite().
  virtual IoResult Write(int fd,
                         absl::Span<const absl::string_view> pieces) = 0;
  // Half-closes: sends FIN after all written bytes. Reading goes on. Returns
  // the errors of shutdown(2), such as ENOTCONN after a reset.
  virtual IoResult ShutdownWrite(int fd) = 0;
  // Sets an option, and returns the errors of setsockopt(2).
  virtual IoResult SetOption(int fd, Option option, int value) = 0;

  // Closes `fd`. REQUIRES: `fd` is open and was removed from its poller, and no
  // operation of a ring is in flight on it.
  virtual void Close(int fd, CloseMode mode) = 0;

  // Sets `id` to the file at the path. Returns the errors of lstat(2), and
  // ENOTSOCK if the file is not that of a Unix-domain socket.
  virtual IoResult FindFile(const std::string& path, FileId* id) = 0;
  // Removes the file, as unlink(2) does, and returns its errors.
  virtual IoResult RemoveFile(const std::string& path) = 0;
};

// An owner of one descriptor of one SocketApi. The destructor closes
// gracefully, which is right as long as no bytes were sent. To send bytes, pass
// the socket to a Transport, which then closes it. Move-only, 16 bytes.
// Thread-compatible.
class Socket {
 public:
  Socket() = default;
  // REQUIRES: `fd` is open and has no owner. `api` outlives this object.
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
  // Returns -1 when empty.
  int fd() const { return fd_; }
  // REQUIRES: not empty.
  SocketApi& api() const { return *api_; }

  // Closes the descriptor and becomes empty. Does nothing when empty.
  void Close(CloseMode mode) {
    if (fd_ >= 0) api_->Close(std::exchange(fd_, -1), mode);
  }
  // Becomes empty without closing. Returns the descriptor, which the caller now
  // owns; -1 when empty.
  int Release() { return std::exchange(fd_, -1); }

 private:
  SocketApi* api_ = nullptr;
  int fd_ = -1;
};

}  // namespace sluice

#endif  // SLUICE_NET_SOCKET_SOCKET_API_H_
