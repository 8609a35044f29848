// The limit that //bench:echo measures other servers against: an echo server,
// written by hand, that does only the necessary work. The server has one thread
// and level-triggered epoll. For an event, the server makes one read into one
// buffer and one write. If the socket does not take all bytes, the server keeps
// the rest, and reads nothing more from the connection until the rest has been
// written. The server has no timeouts, no drain, no limits on buffered bytes,
// and no abstraction.
//
// With --edge_triggered, the server registers both interests once, and goes on
// reading from a connection while reads fill the buffer and all bytes are
// written. Bulk transfers cannot gain more than this.
//
// Usage: echo_limit [--edge_triggered] [--listen=127.0.0.1:PORT]. The first
// line on standard output is "listening on 127.0.0.1:PORT". SIGTERM ends the
// server, by the default action of the signal.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "sluice/base/standard_descriptors.h"

namespace {

[[noreturn]] void Fail(const char* operation) {
  std::perror(operation);
  std::exit(1);
}

struct Flags {
  sockaddr_in address{};
  bool edge_triggered = false;
};

[[noreturn]] void FailUsage() {
  std::fprintf(stderr,
               "usage: echo_limit [--edge_triggered] "
               "[--listen=127.0.0.1:PORT]\n");
  std::exit(2);
}

Flags ParseFlags(int argc, char* argv[]) {
  Flags flags;
  flags.address.sin_family = AF_INET;
  flags.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  for (int i = 1; i < argc; ++i) {
    char host[16];
    unsigned port;
    if (std::strcmp(argv[i], "--edge_triggered") == 0) {
      flags.edge_triggered = true;
    } else if (std::sscanf(argv[i], "--listen=%15[0-9.]:%5u", host, &port) ==
                   2 &&
               port <= 65535 &&
               inet_pton(AF_INET, host, &flags.address.sin_addr) == 1) {
      flags.address.sin_port = htons(static_cast<uint16_t>(port));
    } else {
      FailUsage();
    }
  }
  return flags;
}

void RaiseDescriptorLimit() {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

class Server {
 public:
  explicit Server(const Flags& flags);

  [[noreturn]] void Run();

 private:
  // The output that the socket has not taken yet: `bytes` from `sent` on.
  struct Rest {
    std::string bytes;
    size_t sent = 0;
  };

  // Empties `rest`, and keeps the memory for the next output.
  static void Drop(Rest& rest) {
    rest.bytes.clear();
    rest.sent = 0;
  }

  void Control(int operation, int fd, uint32_t events);
  void Accept();
  void OnReadable(int fd);
  void OnWritable(int fd);
  void OnEdge(int fd, uint32_t events);
  void Close(int fd);

  const bool edge_triggered_;
  int listener_;
  int epoll_;
  std::vector<Rest> rests_;  // indexed by descriptor
  char buffer_[64 * 1024];
};

Server::Server(const Flags& flags) : edge_triggered_(flags.edge_triggered) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener_ < 0) Fail("socket");
  const int on = 1;
  setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  // Accepted sockets inherit this option.
  setsockopt(listener_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  sockaddr_in address = flags.address;
  socklen_t size = sizeof(address);
  sockaddr* const name = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener_, name, size) != 0) Fail("bind");
  if (listen(listener_, SOMAXCONN) != 0) Fail("listen");
  if (getsockname(listener_, name, &size) != 0) Fail("getsockname");
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ < 0) Fail("epoll_create1");
  Control(EPOLL_CTL_ADD, listener_, EPOLLIN);
  char host[INET_ADDRSTRLEN];
  inet_ntop(AF_INET, &address.sin_addr, host, sizeof(host));
  std::printf("listening on %s:%d\n", host, ntohs(address.sin_port));
  if (std::fflush(stdout) != 0) Fail("stdout");
}

void Server::Run() {
  while (true) {
    epoll_event events[64];
    const int count = epoll_wait(epoll_, events, 64, -1);
    if (count < 0 && errno != EINTR) Fail("epoll_wait");
    for (int i = 0; i < count; ++i) {
      const int fd = events[i].data.fd;
      if (fd == listener_) {
        Accept();
      } else if (edge_triggered_) {
        OnEdge(fd, events[i].events);
      } else if (rests_[fd].bytes.empty()) {
        OnReadable(fd);
      } else {
        OnWritable(fd);
      }
    }
  }
}

void Server::Control(int operation, int fd, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  if (epoll_ctl(epoll_, operation, fd, &event) != 0) Fail("epoll_ctl");
}

void Server::Accept() {
  const int fd =
      accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) {
    // Without free descriptors the server is of no use to a benchmark, and
    // would spin from now on.
    if (errno == EMFILE || errno == ENFILE) Fail("accept4");
    return;
  }
  if (rests_.size() <= static_cast<size_t>(fd)) rests_.resize(fd + 1);
  Control(
      EPOLL_CTL_ADD, fd,
      edge_triggered_ ? EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET : EPOLLIN);
}

void Server::OnReadable(int fd) {
  const ssize_t size = read(fd, buffer_, sizeof(buffer_));
  if (size <= 0) {
    if (size == 0 || (errno != EAGAIN && errno != EINTR)) Close(fd);
    return;
  }
  ssize_t sent = write(fd, buffer_, size);
  if (sent == size) return;
  if (sent < 0) {
    if (errno != EAGAIN && errno != EINTR) return Close(fd);
    sent = 0;
  }
  rests_[fd].bytes.assign(buffer_ + sent, size - sent);
  Control(EPOLL_CTL_MOD, fd, EPOLLOUT);
}

void Server::OnWritable(int fd) {
  Rest& rest = rests_[fd];
  const ssize_t sent =
      write(fd, rest.bytes.data() + rest.sent, rest.bytes.size() - rest.sent);
  if (sent < 0) {
    if (errno != EAGAIN && errno != EINTR) Close(fd);
    return;
  }
  rest.sent += sent;
  if (rest.sent < rest.bytes.size()) return;
  Drop(rest);
  Control(EPOLL_CTL_MOD, fd, EPOLLIN);
}

// Reads until the socket has no more bytes, unless the socket takes no more
// output: epoll reports an edge only once. A read that did not fill the buffer
// has emptied the socket, and later bytes are a new edge. But a FIN that has
// arrived already is no new edge.
void Server::OnEdge(int fd, uint32_t events) {
  Rest& rest = rests_[fd];
  if (!rest.bytes.empty()) {
    const ssize_t sent =
        write(fd, rest.bytes.data() + rest.sent, rest.bytes.size() - rest.sent);
    if (sent < 0 && errno != EAGAIN) return Close(fd);
    if (sent > 0) rest.sent += sent;
    if (rest.sent < rest.bytes.size()) return;
    Drop(rest);
  }
  ssize_t size;
  do {
    size = read(fd, buffer_, sizeof(buffer_));
    if (size <= 0) {
      if (size == 0 || errno != EAGAIN) Close(fd);
      return;
    }
    ssize_t sent = write(fd, buffer_, size);
    if (sent < 0 && errno != EAGAIN) return Close(fd);
    if (sent < size) {
      if (sent < 0) sent = 0;
      rest.bytes.assign(buffer_ + sent, size - sent);
      return;
    }
  } while (size == static_cast<ssize_t>(sizeof(buffer_)) ||
           (events & EPOLLRDHUP) != 0);
}

void Server::Close(int fd) {
  Drop(rests_[fd]);
  close(fd);
}

}  // namespace

int main(int argc, char* argv[]) {
  sluice::FillStandardDescriptors();
  const Flags flags = ParseFlags(argc, argv);
  signal(SIGPIPE, SIG_IGN);
  RaiseDescriptorLimit();
  Server(flags).Run();
}
