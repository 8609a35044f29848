#include "sluice/tests/fault_injection/call_faults.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <new>
#include <optional>

#include "absl/strings/str_cat.h"
#include "sluice/base/check.h"

namespace sluice {
namespace {

// ---------------------------------------------------------------------------
// The table
// ---------------------------------------------------------------------------

// In the order of the table.
enum Kind : size_t {
  kSocket,
  kBind,
  kListen,
  kAccept4,
  kConnect,
  kRecv,
  kSend,
  kSendmsg,
  kShutdown,
  kGetsockopt,
  kSetsockopt,
  kGetsockname,
  kGetpeername,
  kIoctl,
  kEpollCreate1,
  kEpollAdd,
  kEpollMod,
  kEpollDel,
  kEpollWait,
  kEpollPwait2,
  kPoll,
  kPpoll,
  kPselect,
  kEventfd,
  kReadEventfd,
  kWriteEventfd,
  kOpen,
  kPread,
  kWrite,
  kStatx,
  kLstat,
  kFdatasync,
  kFsync,
  kRename,
  kUnlink,
  kClose,
  kPthreadCreate,
  kMembarrier,
  kOperatorNew,
  kKinds,
};

const std::vector<CallKind>& Table() {
  static const auto* const table = new std::vector<CallKind>{
      {"socket", {EACCES, EAFNOSUPPORT, EMFILE, ENFILE, ENOBUFS, ENOMEM}},
      {"bind", {EACCES, EADDRINUSE, EADDRNOTAVAIL, ENOMEM, EROFS}},
      {"listen", {EADDRINUSE}},
      {"accept4",
       {EAGAIN, ECONNABORTED, EINTR, EMFILE, ENETDOWN, ENFILE, ENOBUFS, ENOMEM,
        ENOSYS, EPERM, EPROTO}},
      {"connect",
       {EACCES, EADDRNOTAVAIL, EAGAIN, ECONNREFUSED, EHOSTUNREACH, EINTR,
        ENETUNREACH, EPERM, ETIMEDOUT}},
      {"recv",
       {EAGAIN, ECONNREFUSED, ECONNRESET, EHOSTUNREACH, EINTR, ENOMEM,
        ETIMEDOUT, kShortCount}},
      {"send",
       {EAGAIN, ECONNRESET, EINTR, ENOBUFS, ENOMEM, EPIPE, ETIMEDOUT,
        kShortCount}},
      {"sendmsg",
       {EAGAIN, ECONNRESET, EINTR, ENOBUFS, ENOMEM, EPIPE, ETIMEDOUT,
        kShortCount}},
      {"shutdown", {ENOTCONN}},
      {"getsockopt", {ENOPROTOOPT}},
      {"setsockopt", {EINVAL, ENOMEM, ENOPROTOOPT}},
      {"getsockname", {ENOBUFS}},
      {"getpeername", {ENOBUFS, ENOTCONN}},
      {"ioctl", {EINVAL}},
      {"epoll_create1", {EMFILE, ENFILE, ENOMEM, ENOSYS, EPERM}},
      {"epoll_ctl(ADD)", {ENOMEM, ENOSPC}},
      {"epoll_ctl(MOD)", {ENOMEM}},
      {"epoll_ctl(DEL)", {}},
      {"epoll_wait", {EINTR}},
      {"epoll_pwait2", {EINTR, ENOSYS, EPERM}},
      {"poll", {EINTR, ENOMEM}},
      {"ppoll", {EINTR, ENOMEM}},
      {"pselect", {EINTR, ENOMEM}},
      {"eventfd", {EMFILE, ENFILE, ENODEV, ENOMEM, ENOSYS, EPERM}},
      {"read(eventfd)", {EAGAIN}},
      {"write(eventfd)", {}},
      {"open",
       {EACCES, EDQUOT, EINTR, EMFILE, ENFILE, ENOENT, ENOMEM, ENOSPC, EROFS}},
      {"pread", {EINTR, EIO}},
      {"write", {EDQUOT, EFBIG, EINTR, EIO, ENOSPC, kShortCount}},
      {"statx", {EACCES, ENOMEM, ENOSYS, EPERM}},
      {"lstat", {EACCES, ENOMEM}},
      {"fdatasync", {EDQUOT, EINTR, EIO, ENOSPC}},
      {"fsync", {EDQUOT, EINTR, EIO, ENOSPC}},
      {"rename", {EACCES, EBUSY, EDQUOT, ENOMEM, ENOSPC, EROFS}},
      {"unlink", {EACCES, EBUSY, EIO, ENOMEM, EROFS}},
      {"close", {EDQUOT, EINTR, EIO, ENOSPC}},
      {"pthread_create", {EAGAIN, EPERM}},
      {"membarrier", {EINVAL, ENOSYS, EPERM}},
      {kAllocation, {ENOMEM}},
  };
  return *table;
}

// ---------------------------------------------------------------------------
// Counting
// ---------------------------------------------------------------------------

// The state is global, because libc's functions are global.
std::atomic<bool> counting{false};
std::atomic<bool> has_failed{false};
std::array<std::atomic<int>, kKinds> counts{};
CallFault planned;

// Counts the call; returns the error with which it is to fail.
std::optional<int> TakeFault(Kind kind) {
  if (!counting.load()) return std::nullopt;
  const int nth = ++counts[kind];
  if (planned.kind != kind || nth < planned.nth ||
      nth - planned.nth >= planned.in_a_row) {
    return std::nullopt;
  }
  has_failed.store(true);
  return planned.error;
}

// Returns libc's function, or a sanitizer's replacement of it.
template <typename Function>
Function* Next(Function*, const char* name) {
  void* const found = dlsym(RTLD_NEXT, name);
  SLUICE_CHECK(found != nullptr);
  return reinterpret_cast<Function*>(found);
}

template <typename Make>
auto Call(Kind kind, Make make) -> decltype(make()) {
  const std::optional<int> error = TakeFault(kind);
  if (!error.has_value()) return make();
  errno = *error;
  return -1;
}

// Calls make(size), which moves at most `size` bytes.
template <typename Make>
ssize_t Transfer(Kind kind, size_t size, Make make) {
  const std::optional<int> error = TakeFault(kind);
  if (!error.has_value()) return make(size);
  if (*error == kShortCount) return make(size < 1 ? size : 1);
  errno = *error;
  return -1;
}

// Returns true for anonymous inodes: they have no file type, and an eventfd is
// one of them.
bool IsEventfd(int fd) {
  struct stat found;
  return fstat(fd, &found) == 0 && (found.st_mode & S_IFMT) == 0;
}

}  // namespace

absl::Span<const CallKind> CallKinds() {
  SLUICE_CHECK(Table().size() == kKinds);
  return Table();
}

std::string ToString(const CallFault& fault) {
  const char* const error =
      fault.error == kShortCount ? "short" : strerrorname_np(fault.error);
  return absl::StrCat(Table()[fault.kind].name, " ", fault.nth, " ", error);
}

void BeginCalls(const CallFault* fault) {
  SLUICE_CHECK(!counting.load());
  for (std::atomic<int>& count : counts) count.store(0);
  has_failed.store(false);
  planned = fault == nullptr ? CallFault{.in_a_row = 0} : *fault;
  counting.store(true);
}

void EndCalls() { counting.store(false); }

std::vector<int> CallCounts() {
  return std::vector<int>(counts.begin(), counts.end());
}

bool CallHasFailed() { return has_failed.load(); }

}  // namespace sluice

// ---------------------------------------------------------------------------
// Functions that come before libc's
// ---------------------------------------------------------------------------

using sluice::Call;
using sluice::Next;
using sluice::TakeFault;
using sluice::Transfer;

extern "C" {

int socket(int family, int type, int protocol) noexcept {
  static const auto next = Next(&socket, "socket");
  return Call(sluice::kSocket, [&] { return next(family, type, protocol); });
}

int bind(int fd, const sockaddr* address, socklen_t size) noexcept {
  static const auto next = Next(&bind, "bind");
  return Call(sluice::kBind, [&] { return next(fd, address, size); });
}

int listen(int fd, int backlog) noexcept {
  static const auto next = Next(&listen, "listen");
  return Call(sluice::kListen, [&] { return next(fd, backlog); });
}

int accept4(int fd, sockaddr* address, socklen_t* size, int flags) {
  static const auto next = Next(&accept4, "accept4");
  return Call(sluice::kAccept4, [&] { return next(fd, address, size, flags); });
}

// If connect(2) is interrupted, the kernel goes on connecting.
int connect(int fd, const sockaddr* address, socklen_t size) {
  static const auto next = Next(&connect, "connect");
  const std::optional<int> error = TakeFault(sluice::kConnect);
  if (!error.has_value()) return next(fd, address, size);
  if (*error == EINTR) next(fd, address, size);
  errno = *error;
  return -1;
}

ssize_t recv(int fd, void* to, size_t size, int flags) {
  static const auto next = Next(&recv, "recv");
  return Transfer(sluice::kRecv, size,
                  [&](size_t most) { return next(fd, to, most, flags); });
}

ssize_t send(int fd, const void* from, size_t size, int flags) {
  static const auto next = Next(&send, "send");
  return Transfer(sluice::kSend, size,
                  [&](size_t most) { return next(fd, from, most, flags); });
}

ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  static const auto next = Next(&sendmsg, "sendmsg");
  const size_t all = SIZE_MAX;
  return Transfer(sluice::kSendmsg, all, [&](size_t most) {
    if (most == all) return next(fd, message, flags);
    iovec first = message->msg_iov[0];
    first.iov_len = most;
    msghdr cut = *message;
    cut.msg_iov = &first;
    cut.msg_iovlen = 1;
    return next(fd, &cut, flags);
  });
}

// ENOTCONN means that the connection was reset, so the fault resets it.
// Unix-domain sockets have no reset.
int shutdown(int fd, int how) noexcept {
  static const auto next = Next(&shutdown, "shutdown");
  static const auto next_connect = Next(&connect, "connect");
  const std::optional<int> error = TakeFault(sluice::kShutdown);
  const sockaddr nobody = {.sa_family = AF_UNSPEC, .sa_data = {}};
  if (!error.has_value() || next_connect(fd, &nobody, sizeof(nobody)) != 0) {
    return next(fd, how);
  }
  errno = *error;
  return -1;
}

int getsockopt(int fd, int level, int name, void* value,
               socklen_t* size) noexcept {
  static const auto next = Next(&getsockopt, "getsockopt");
  return Call(sluice::kGetsockopt,
              [&] { return next(fd, level, name, value, size); });
}

int setsockopt(int fd, int level, int name, const void* value,
               socklen_t size) noexcept {
  static const auto next = Next(&setsockopt, "setsockopt");
  return Call(sluice::kSetsockopt,
              [&] { return next(fd, level, name, value, size); });
}

int getsockname(int fd, sockaddr* address, socklen_t* size) noexcept {
  static const auto next = Next(&getsockname, "getsockname");
  return Call(sluice::kGetsockname, [&] { return next(fd, address, size); });
}

int getpeername(int fd, sockaddr* address, socklen_t* size) noexcept {
  static const auto next = Next(&getpeername, "getpeername");
  return Call(sluice::kGetpeername, [&] { return next(fd, address, size); });
}

int ioctl(int fd, unsigned long request, ...) noexcept {
  static const auto next = Next(&ioctl, "ioctl");
  va_list list;
  va_start(list, request);
  void* const argument = va_arg(list, void*);
  va_end(list);
  return Call(sluice::kIoctl, [&] { return next(fd, request, argument); });
}

int epoll_create1(int flags) noexcept {
  static const auto next = Next(&epoll_create1, "epoll_create1");
  return Call(sluice::kEpollCreate1, [&] { return next(flags); });
}

int epoll_ctl(int epoll_fd, int operation, int fd,
              epoll_event* event) noexcept {
  static const auto next = Next(&epoll_ctl, "epoll_ctl");
  const sluice::Kind kind = operation == EPOLL_CTL_ADD   ? sluice::kEpollAdd
                            : operation == EPOLL_CTL_MOD ? sluice::kEpollMod
                                                         : sluice::kEpollDel;
  return Call(kind, [&] { return next(epoll_fd, operation, fd, event); });
}

int epoll_wait(int fd, epoll_event* events, int size, int timeout) {
  static const auto next = Next(&epoll_wait, "epoll_wait");
  return Call(sluice::kEpollWait,
              [&] { return next(fd, events, size, timeout); });
}

int epoll_pwait2(int fd, epoll_event* events, int size, const timespec* timeout,
                 const sigset_t* mask) {
  static const auto next = Next(&epoll_pwait2, "epoll_pwait2");
  return Call(sluice::kEpollPwait2,
              [&] { return next(fd, events, size, timeout, mask); });
}

int poll(pollfd* polled, nfds_t size, int timeout) {
  static const auto next = Next(&poll, "poll");
  return Call(sluice::kPoll, [&] { return next(polled, size, timeout); });
}

int ppoll(pollfd* polled, nfds_t size, const timespec* timeout,
          const sigset_t* mask) {
  static const auto next = Next(&ppoll, "ppoll");
  return Call(sluice::kPpoll,
              [&] { return next(polled, size, timeout, mask); });
}

int pselect(int end, fd_set* read, fd_set* write, fd_set* except,
            const timespec* timeout, const sigset_t* mask) {
  static const auto next = Next(&pselect, "pselect");
  return Call(sluice::kPselect,
              [&] { return next(end, read, write, except, timeout, mask); });
}

int eventfd(unsigned value, int flags) noexcept {
  static const auto next = Next(&eventfd, "eventfd");
  return Call(sluice::kEventfd, [&] { return next(value, flags); });
}

// Counts only eventfds: the library reads nothing else with read(2).
ssize_t read(int fd, void* to, size_t size) {
  static const auto next = Next(&read, "read");
  const auto make = [&] { return next(fd, to, size); };
  if (!sluice::counting.load() || !sluice::IsEventfd(fd)) return make();
  return Call(sluice::kReadEventfd, make);
}

ssize_t write(int fd, const void* from, size_t size) {
  static const auto next = Next(&write, "write");
  if (!sluice::counting.load()) return next(fd, from, size);
  return Transfer(
      sluice::IsEventfd(fd) ? sluice::kWriteEventfd : sluice::kWrite, size,
      [&](size_t most) { return next(fd, from, most); });
}

ssize_t pread(int fd, void* to, size_t size, off_t offset) {
  static const auto next = Next(&pread, "pread");
  return Call(sluice::kPread, [&] { return next(fd, to, size, offset); });
}

int open(const char* path, int flags, ...) {
  static const auto next = Next(&open, "open");
  va_list list;
  va_start(list, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(list, mode_t) : 0;
  va_end(list);
  return Call(sluice::kOpen, [&] { return next(path, flags, mode); });
}

int statx(int fd, const char* path, int flags, unsigned mask,
          struct statx* result) noexcept {
  static const auto next = Next(&statx, "statx");
  return Call(sluice::kStatx,
              [&] { return next(fd, path, flags, mask, result); });
}

int lstat(const char* path, struct stat* result) noexcept {
  static const auto next = Next(&lstat, "lstat");
  return Call(sluice::kLstat, [&] { return next(path, result); });
}

int fdatasync(int fd) {
  static const auto next = Next(&fdatasync, "fdatasync");
  return Call(sluice::kFdatasync, [&] { return next(fd); });
}

int fsync(int fd) {
  static const auto next = Next(&fsync, "fsync");
  return Call(sluice::kFsync, [&] { return next(fd); });
}

int rename(const char* from, const char* to) noexcept {
  static const auto next = Next(&rename, "rename");
  return Call(sluice::kRename, [&] { return next(from, to); });
}

int unlink(const char* path) noexcept {
  static const auto next = Next(&unlink, "unlink");
  return Call(sluice::kUnlink, [&] { return next(path); });
}

// Linux closes the descriptor even if close(2) returns an error.
int close(int fd) {
  static const auto next = Next(&close, "close");
  const std::optional<int> error = TakeFault(sluice::kClose);
  const int result = next(fd);
  if (!error.has_value() || result != 0) return result;
  errno = *error;
  return -1;
}

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                   void* (*body)(void*), void* argument) noexcept {
  static const auto next = Next(&pthread_create, "pthread_create");
  const std::optional<int> error = TakeFault(sluice::kPthreadCreate);
  return error.value_or(0) != 0 ? *error
                                : next(thread, attributes, body, argument);
}

// Counts only membarrier(2), the one call that the library makes by number.
long syscall(long number, ...) noexcept {
  static const auto next = Next(&syscall, "syscall");
  va_list list;
  va_start(list, number);
  long arguments[6];
  for (long& argument : arguments) argument = va_arg(list, long);
  va_end(list);
  const auto make = [&] {
    return next(number, arguments[0], arguments[1], arguments[2], arguments[3],
                arguments[4], arguments[5]);
  };
  return number == SYS_membarrier ? Call(sluice::kMembarrier, make) : make();
}

}  // extern "C"

// All other forms of new call these two, except the aligned forms.
void* operator new(size_t size) {
  if (TakeFault(sluice::kOperatorNew).has_value()) throw std::bad_alloc();
  void* const memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void* operator new(size_t size, const std::nothrow_t&) noexcept {
  if (TakeFault(sluice::kOperatorNew).has_value()) return nullptr;
  return std::malloc(size == 0 ? 1 : size);
}
// Not inlined: g++ would warn that free() takes memory of operator new.
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t) noexcept { operator delete(memory); }
