#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "sluice/base/check.h"
#include "sluice/event/poller/poller.h"
#include "sluice/event/poller/poller_conformance.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

using PollerFactory =
    std::function<absl::StatusOr<std::unique_ptr<Poller>>(size_t max_events)>;

// Returns true if the kernel has put this thread to sleep: reads the letter
// after the name in /proc/PID/task/TID/stat, see proc(5).
bool IsAsleep(pid_t tid) {
  std::ifstream file(absl::StrCat("/proc/self/task/", tid, "/stat"));
  std::string stat;
  std::getline(file, stat);
  const size_t name_end = stat.rfind(')');
  return name_end != std::string::npos && stat.size() > name_end + 2 &&
         stat[name_end + 2] == 'S';
}

// Raises the limit on descriptors as far as possible, and returns it.
size_t RaiseDescriptorLimit() {
  rlimit limit;
  SLUICE_CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  limit.rlim_cur = limit.rlim_max;
  SLUICE_CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  return limit.rlim_cur;
}

// Uses loopback TCP sockets because they can be reset; pipes and Unix-domain
// sockets cannot.
class KernelPollerWorld final : public PollerWorld {
 public:
  explicit KernelPollerWorld(PollerFactory new_poller)
      : new_poller_(std::move(new_poller)),
        descriptor_limit_(RaiseDescriptorLimit()),
        listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    Must(bind(listener_, reinterpret_cast<sockaddr*>(&address),
              sizeof(address)));
    Must(listen(listener_, 16));
  }
  ~KernelPollerWorld() override {
    for (const auto& [fd, peer] : open_) close(fd);
    close(listener_);
  }

  absl::StatusOr<std::unique_ptr<Poller>> NewPoller(
      size_t max_events) override {
    return new_poller_(max_events);
  }
  const Clock& clock() const override { return *Clock::Real(); }

  size_t room() const override {
    const std::filesystem::directory_iterator open("/proc/self/fd");
    const size_t count = std::distance(begin(open), end(open));
    return descriptor_limit_ - std::min(count, descriptor_limit_);
  }
  std::pair<int, int> NewPair() override {
    sockaddr_in address{};
    socklen_t size = sizeof(address);
    Must(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size));
    const int a = Must(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    Must(connect(a, reinterpret_cast<sockaddr*>(&address), size));
    Must(fcntl(a, F_SETFL, O_NONBLOCK));
    const int b = Must(
        accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    open_[a] = b;
    open_[b] = a;
    return {a, b};
  }
  void Send(int fd) override {
    Must(send(fd, "x", 1, MSG_NOSIGNAL));
    pollfd arrival = {open_.at(fd), POLLIN, 0};
    Must(poll(&arrival, 1, -1));
  }
  void Receive(int fd) override {
    char buffer[4096];
    while (recv(fd, buffer, sizeof(buffer), 0) > 0) {
    }
  }
  void Fill(int fd) override {
    const std::string chunk(1 << 16, 'x');
    while (send(fd, chunk.data(), chunk.size(), MSG_NOSIGNAL) > 0) {
    }
    SLUICE_CHECK(errno == EAGAIN);
  }
  void ShutdownWrite(int fd) override { Must(shutdown(fd, SHUT_WR)); }
  void Close(int fd) override {
    open_.erase(fd);
    Must(close(fd));
  }
  void Reset(int fd) override {
    const linger now = {.l_onoff = 1, .l_linger = 0};
    Must(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)));
    Close(fd);
  }

  void RunDuring(absl::FunctionRef<void()> wait,
                 absl::FunctionRef<void()> action) override {
    const pid_t waiter = static_cast<pid_t>(syscall(SYS_gettid));
    std::thread other([&] {
      while (!IsAsleep(waiter)) std::this_thread::yield();
      action();
    });
    wait();
    other.join();
  }
  bool InterruptDuring(absl::FunctionRef<void()> wait) override {
    struct sigaction handle {};
    handle.sa_handler = [](int) {};
    struct sigaction previous {};
    Must(sigaction(SIGUSR1, &handle, &previous));
    const pthread_t waiter = pthread_self();
    RunDuring(wait, [&] { pthread_kill(waiter, SIGUSR1); });
    Must(sigaction(SIGUSR1, &previous, nullptr));
    return true;
  }

 private:
  static int Must(int result) {
    if (result < 0) std::perror("KernelPollerWorld");
    SLUICE_CHECK(result >= 0);
    return result;
  }
  static int Must(ssize_t result) { return Must(static_cast<int>(result)); }

  const PollerFactory new_poller_;
  const size_t descriptor_limit_;
  const int listener_;
  std::map<int, int> open_;  // the other end, by descriptor
};

}  // namespace

PollerBackend KernelPollerBackend(std::string name, PollerFactory new_poller,
                                  int descriptor_limit) {
  return {std::move(name),
          [new_poller = std::move(new_poller)] {
            return std::make_unique<KernelPollerWorld>(new_poller);
          },
          descriptor_limit};
}

}  // namespace sluice
