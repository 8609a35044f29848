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
  // Sequentially consistent, and matched in TakeEdge(): a caller that finds the
  // flag set has made its news visible before the taking that clears it ends.
  if (pending_.exchange(true) || forked()) return;
  const uint64_t one = 1;
  const int saved_errno = errno;
  // Fails only when the counter is full, and then the wake-up is there already.
  [[maybe_unused]] const ssize_t written = write(fd_, &one, sizeof(one));
  errno = saved_errno;
}

void WakeupFd::Take() {
  uint64_t count;
  [[maybe_unused]] const ssize_t taken = read(fd_, &count, sizeof(count));
  TakeEdge();
}

void WakeupFd::TakeEdge() {
  // Sequentially consistent, and an exchange rather than a store: what a Wake()
  // that found the flag set made known before is visible from here on.
  pending_.exchange(false);
}

}  // namespace sluice
