#include "sluice/event/poller/wakeup_fd.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "absl/memory/memory.h"
#include "sluice/base/io_result.h"

namespace sluice {

absl::StatusOr<std::unique_ptr<WakeupFd>> WakeupFd::Create() {
  const int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (fd >= 0) return absl::WrapUnique(new WakeupFd(fd));
  return ToStatus(IoResult::FromErrno(errno), "eventfd", "a new eventfd");
}

WakeupFd::~WakeupFd() { close(fd_); }

void WakeupFd::Wake() {
  // Sequentially consistent, together with TakeEdge(): if this call finds the
  // flag set, writes before this call are visible after the TakeEdge() or
  // Take() that clears the flag.
  if (pending_.exchange(true) || forked()) return;
  const uint64_t one = 1;
  const int saved_errno = errno;
  // Fails only if the counter is full, and then fd_ is readable already.
  [[maybe_unused]] const ssize_t written = write(fd_, &one, sizeof(one));
  errno = saved_errno;
}

void WakeupFd::Take() {
  uint64_t count;
  [[maybe_unused]] const ssize_t taken = read(fd_, &count, sizeof(count));
  TakeEdge();
}

void WakeupFd::TakeEdge() {
  // Sequentially consistent, and an exchange instead of a store: writes made
  // before a Wake() that found the flag set are visible from here on.
  pending_.exchange(false);
}

}  // namespace sluice
