#include "sluice/event/poller/epoll_poller.h"

#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "sluice/base/check.h"
#include "sluice/base/io_result.h"
#include "sluice/event/poller/wait_timeout.h"

namespace sluice {
namespace {

static_assert(kReadable == EPOLLIN && kWritable == EPOLLOUT &&
              kError == EPOLLERR && kHangup == EPOLLHUP);

// The kernel reports EPOLLERR and EPOLLHUP with any interest. With interest 0,
// one report is enough: EPOLLONESHOT disables the registration after it.
// EPOLLONESHOT cannot be combined with EPOLLEXCLUSIVE; there, EPOLLET reports
// each change once.
uint32_t EpollEvents(IoEvents interest, bool exclusive) {
  uint32_t events = interest;
  if (exclusive) events |= EPOLLEXCLUSIVE;
  if (interest == 0) events |= exclusive ? EPOLLET : EPOLLONESHOT;
  return events;
}

// Returns the timeout of epoll_wait(2): rounded up; -1 for none.
int TimeoutMillis(const timespec* limit) {
  if (limit == nullptr) return -1;
  const int64_t ms =
      int64_t{limit->tv_sec} * 1000 + (limit->tv_nsec + 999'999) / 1'000'000;
  return static_cast<int>(std::min<int64_t>(ms, INT_MAX));
}

}  // namespace

absl::StatusOr<std::unique_ptr<EpollPoller>> EpollPoller::Create(
    PollerOptions options) {
  absl::Status status = CheckPollerOptions("EpollPoller", options);
  if (!status.ok()) return status;
  auto wakeup = WakeupFd::Create();
  if (!wakeup.ok()) return wakeup.status();
  const int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_fd < 0) {
    return ToStatus(IoResult::FromErrno(errno), "epoll_create1",
                    "a new epoll instance");
  }
  auto poller = absl::WrapUnique(
      new EpollPoller(*std::move(wakeup), epoll_fd, options.max_events));
  status = poller->Control(EPOLL_CTL_ADD, poller->wakeup_->fd(),
                           EPOLLIN | EPOLLET, kReservedToken);
  if (!status.ok()) return status;
  return poller;
}

EpollPoller::EpollPoller(std::unique_ptr<WakeupFd> wakeup, int epoll_fd,
                         size_t max_events)
    : wakeup_(std::move(wakeup)),
      epoll_fd_(epoll_fd),
      ready_(max_events),
      events_(max_events) {}

EpollPoller::~EpollPoller() { close(epoll_fd_); }

absl::Status EpollPoller::Add(int fd, IoEvents interest, uint64_t token,
                              AddHint hint) {
  SLUICE_DCHECK((interest & ~kInterests) == 0 && token != kReservedToken);
  return Control(EPOLL_CTL_ADD, fd,
                 EpollEvents(interest, hint == AddHint::kExclusive), token);
}

absl::Status EpollPoller::Modify(int fd, IoEvents interest, uint64_t token) {
  SLUICE_DCHECK((interest & ~kInterests) == 0 && token != kReservedToken);
  absl::Status modified =
      Control(EPOLL_CTL_MOD, fd, EpollEvents(interest, false), token);
  // EINVAL: epoll_ctl(2) cannot modify a registration with EPOLLEXCLUSIVE.
  if (!absl::IsInvalidArgument(modified)) return modified;
  absl::Status removed = Remove(fd);
  if (!removed.ok()) return removed;
  return Control(EPOLL_CTL_ADD, fd, EpollEvents(interest, true), token);
}

absl::Status EpollPoller::Remove(int fd) {
  return Control(EPOLL_CTL_DEL, fd, 0, 0);
}

absl::Status EpollPoller::Control(int operation, int fd, uint32_t events,
                                  uint64_t token) {
  if (wakeup_->forked()) {
    if (operation == EPOLL_CTL_DEL) return absl::OkStatus();
    return absl::FailedPreconditionError(
        absl::StrCat("EpollPoller on descriptor ", fd,
                     ": this is the child of a fork(): create a poller here"));
  }
  epoll_event event{};
  event.events = events;
  event.data.u64 = token;
  if (epoll_ctl(epoll_fd_, operation, fd, &event) == 0) return absl::OkStatus();
  const absl::string_view what = operation == EPOLL_CTL_ADD ? "epoll_ctl(ADD)"
                                 : operation == EPOLL_CTL_MOD
                                     ? "epoll_ctl(MOD)"
                                     : "epoll_ctl(DEL)";
  const int error = errno;
  const absl::Status status = ToStatus(IoResult::FromErrno(error), what,
                                       absl::StrCat("descriptor ", fd));
  if (error != EPERM) return status;
  return WithMessage(status,
                     absl::StrCat(status.message(),
                                  "; epoll takes no regular files, which are "
                                  "always ready"));
}

absl::StatusOr<absl::Span<const IoEvent>> EpollPoller::Wait(
    absl::Duration timeout) {
  const int count = EpollWait(timeout);
  has_more_ = count == -EINTR || count == static_cast<int>(ready_.size());
  if (count == -EINTR) return absl::Span<const IoEvent>();
  if (count < 0) {
    return ToStatus(IoResult(count), "epoll_wait", "the epoll instance");
  }
  size_t reported = 0;
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = ready_[i];
    if (event.data.u64 == kReservedToken) {
      wakeup_->TakeEdge();
      continue;
    }
    events_[reported++] = {event.data.u64, 0, event.events & kAnyEvent};
  }
  return absl::MakeConstSpan(events_.data(), reported);
}

int EpollPoller::EpollWait(absl::Duration timeout) {
  const WaitTimeout limit(timeout);
  const int max_events = static_cast<int>(ready_.size());
  int count;
  if (has_pwait2_ && timeout > absl::ZeroDuration()) {
    count = epoll_pwait2(epoll_fd_, ready_.data(), max_events, limit.get(),
                         nullptr);
    // EPERM: some containers' filters return it for system calls that are new
    // to them.
    if (count >= 0 || (errno != ENOSYS && errno != EPERM)) {
      return count < 0 ? -errno : count;
    }
    has_pwait2_ = false;
  }
  count = epoll_wait(epoll_fd_, ready_.data(), max_events,
                     TimeoutMillis(limit.get()));
  return count < 0 ? -errno : count;
}

}  // namespace sluice
