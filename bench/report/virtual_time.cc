#include "sluice/bench/report/virtual_time.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

namespace {

constexpr int64_t kDaySeconds = 24 * 60 * 60;

// The state has to be global, because the C functions below get no object.
bool is_virtual = false;
timespec virtual_time = {};

}  // namespace

extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
  if (!is_virtual) {
    return static_cast<int>(syscall(SYS_clock_gettime, clock, time));
  }
  *time = virtual_time;
  return 0;
}

extern "C" int epoll_wait(int epoll, epoll_event* events, int max_events,
                          int timeout) {
  if (is_virtual) return 0;
  return static_cast<int>(
      syscall(SYS_epoll_wait, epoll, events, max_events, timeout));
}

extern "C" int timerfd_create(clockid_t clock, int flags) noexcept {
  if (!is_virtual) {
    return static_cast<int>(syscall(SYS_timerfd_create, clock, flags));
  }
  errno = ENOSYS;
  return -1;
}

namespace sluice {

void SetVirtualTime(absl::Duration since_start) {
  virtual_time = absl::ToTimespec(absl::Seconds(kDaySeconds) + since_start);
  is_virtual = true;
}

}  // namespace sluice
