#include "sluice/tests/support/client_socket.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "sluice/net/socket_address.h"

namespace sluice {
namespace {

absl::Status Error(const char* operation) {
  return absl::ErrnoToStatus(errno, operation);
}

}  // namespace

absl::StatusOr<ClientSocket> ClientSocket::Connect(absl::string_view address,
                                                   Options options) {
  const absl::StatusOr<SocketAddress> peer = SocketAddress::Parse(address);
  if (!peer.ok()) return peer.status();
  ClientSocket self(
      socket(peer->family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (self.fd_ < 0) return Error("socket");
  if (options.buffer > 0) {
    for (const int name : {SO_SNDBUF, SO_RCVBUF}) {
      if (setsockopt(self.fd_, SOL_SOCKET, name, &options.buffer,
                     sizeof(options.buffer)) != 0) {
        return Error("setsockopt");
      }
    }
  }
  if (connect(self.fd_, peer->data(), peer->size()) != 0) {
    if (errno != EINPROGRESS) return Error("connect");
    const absl::Status status = self.Wait(POLLOUT);
    if (!status.ok()) return status;
    int error = 0;
    socklen_t size = sizeof(error);
    getsockopt(self.fd_, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return absl::ErrnoToStatus(error, "connect");
  }
  return self;
}

ClientSocket::ClientSocket(ClientSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)) {}

ClientSocket& ClientSocket::operator=(ClientSocket&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

bool ClientSocket::Poll(short events, absl::Duration timeout) const {
  pollfd polled = {fd_, events, 0};
  return poll(&polled, 1,
              static_cast<int>(absl::ToInt64Milliseconds(timeout))) > 0;
}

absl::Status ClientSocket::Wait(short events) const {
  return Poll(events, kPatience)
             ? absl::OkStatus()
             : absl::DeadlineExceededError("nothing has moved");
}

bool ClientSocket::WaitReadable(absl::Duration timeout) const {
  return Poll(POLLIN, timeout);
}

bool ClientSocket::WaitWritable(absl::Duration timeout) const {
  return Poll(POLLOUT, timeout);
}

absl::Status ClientSocket::Send(absl::string_view data) {
  while (!data.empty()) {
    const ssize_t sent = send(fd_, data.data(), data.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      data.remove_prefix(sent);
    } else if (errno == EAGAIN) {
      const absl::Status status = Wait(POLLOUT);
      if (!status.ok()) return status;
    } else if (errno != EINTR) {
      return Error("send");
    }
  }
  return absl::OkStatus();
}

size_t ClientSocket::TrySend(absl::string_view data) {
  const ssize_t sent = send(fd_, data.data(), data.size(), MSG_NOSIGNAL);
  return sent > 0 ? sent : 0;
}

size_t ClientSocket::Unacknowledged() const {
  int bytes = 0;
  return ioctl(fd_, SIOCOUTQ, &bytes) == 0 ? bytes : 0;
}

absl::Status ClientSocket::ShutdownWrite() {
  return shutdown(fd_, SHUT_WR) == 0 ? absl::OkStatus() : Error("shutdown");
}

absl::Status ClientSocket::SendAndShutdownWrite(absl::string_view data) {
  const int on = 1;
  if (setsockopt(fd_, IPPROTO_TCP, TCP_CORK, &on, sizeof(on)) != 0) {
    return Error("setsockopt");
  }
  const absl::Status sent = Send(data);
  return sent.ok() ? ShutdownWrite() : sent;
}

absl::StatusOr<std::string> ClientSocket::ReceiveSome(size_t size) {
  std::string data(size, '\0');
  while (true) {
    const ssize_t received = recv(fd_, data.data(), size, 0);
    if (received >= 0) {
      data.resize(received);
      return data;
    }
    if (errno == EAGAIN) {
      const absl::Status status = Wait(POLLIN);
      if (!status.ok()) return status;
    } else if (errno != EINTR) {
      return Error("recv");
    }
  }
}

absl::StatusOr<std::string> ClientSocket::Receive(size_t size) {
  std::string data;
  while (data.size() < size) {
    const absl::StatusOr<std::string> some = ReceiveSome(size - data.size());
    if (!some.ok()) return some.status();
    if (some->empty()) {
      return absl::OutOfRangeError(
          absl::StrCat("EOF after ", data.size(), " bytes of ", size));
    }
    data.append(*some);
  }
  return data;
}

absl::StatusOr<std::string> ClientSocket::ReceiveAll() {
  std::string data;
  while (true) {
    const absl::StatusOr<std::string> some = ReceiveSome(64 * 1024);
    if (!some.ok()) return some.status();
    if (some->empty()) return data;
    data.append(*some);
  }
}

absl::Status ClientSocket::Echo(absl::string_view data) {
  const absl::Status sent = Send(data);
  if (!sent.ok()) return sent;
  const absl::StatusOr<std::string> received = Receive(data.size());
  if (!received.ok()) return received.status();
  if (*received != data) return absl::DataLossError("other bytes came back");
  return absl::OkStatus();
}

void ClientSocket::Close() {
  if (fd_ >= 0) close(std::exchange(fd_, -1));
}

void ClientSocket::Reset() {
  const linger now = {.l_onoff = 1, .l_linger = 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  Close();
}

}  // namespace sluice
