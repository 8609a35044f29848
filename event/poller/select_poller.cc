#include "sluice/event/poller/select_poller.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "sluice/base/check.h"
#include "sluice/base/io_result.h"
#include "sluice/event/poller/registration_errors.h"
#include "sluice/event/poller/wait_timeout.h"

namespace sluice {
namespace {

static_assert(kReadable == POLLIN && kWritable == POLLOUT &&
              kError == POLLERR && kHangup == POLLHUP);

absl::Status CheckNumber(absl::string_view call, int fd) {
  if (fd < FD_SETSIZE) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat(
      call, " on descriptor ", fd, ": select(2) takes descriptors below ",
      FD_SETSIZE, " (FD_SETSIZE); epoll and poll take any"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<SelectPoller>> SelectPoller::Create(
    PollerOptions options) {
  absl::Status status = CheckPollerOptions("SelectPoller", options);
  if (!status.ok()) return status;
  auto wakeup = WakeupFd::Create();
  if (!wakeup.ok()) return wakeup.status();
  status = CheckNumber("SelectPoller::Create", (*wakeup)->fd());
  if (!status.ok()) return status;
  return absl::WrapUnique(
      new SelectPoller(*std::move(wakeup), options.max_events));
}

SelectPoller::SelectPoller(std::unique_ptr<WakeupFd> wakeup, size_t max_events)
    : wakeup_(std::move(wakeup)), end_(wakeup_->fd() + 1), events_(max_events) {
  for (fd_set* const set : {&watched_, &read_, &write_, &unread_}) FD_ZERO(set);
  FD_SET(wakeup_->fd(), &read_);
}

bool SelectPoller::IsWatched(int fd) const {
  return fd >= 0 && fd < FD_SETSIZE && FD_ISSET(fd, &watched_);
}

absl::Status SelectPoller::Add(int fd, IoEvents interest, uint64_t token,
                               AddHint) {
  SLUICE_DCHECK((interest & ~kInterests) == 0 && token != kReservedToken);
  if (IsWatched(fd)) return AlreadyWatched("SelectPoller::Add", fd);
  absl::Status watchable = CheckDescriptor("SelectPoller::Add", fd);
  if (watchable.ok()) watchable = CheckNumber("SelectPoller::Add", fd);
  if (!watchable.ok()) return watchable;
  Watch(fd, interest, token);
  return absl::OkStatus();
}

absl::Status SelectPoller::Modify(int fd, IoEvents interest, uint64_t token) {
  SLUICE_DCHECK((interest & ~kInterests) == 0 && token != kReservedToken);
  if (!IsWatched(fd)) return NotWatched("SelectPoller::Modify", fd);
  Unwatch(fd);
  Watch(fd, interest, token);
  return absl::OkStatus();
}

absl::Status SelectPoller::Remove(int fd) {
  if (!IsWatched(fd)) return NotWatched("SelectPoller::Remove", fd);
  Unwatch(fd);
  return absl::OkStatus();
}

void SelectPoller::Watch(int fd, IoEvents interest, uint64_t token) {
  FD_SET(fd, &watched_);
  if (interest != kWritable) FD_SET(fd, &read_);
  if ((interest & kWritable) != 0) FD_SET(fd, &write_);
  polled_[fd].events = interest;
  tokens_[fd] = token;
  end_ = std::max(end_, fd + 1);
}

void SelectPoller::Unwatch(int fd) {
  FD_CLR(fd, &watched_);
  FD_CLR(fd, &write_);
  StopReading(fd, /*unread=*/false);
}

void SelectPoller::StopReading(int fd, bool unread) {
  FD_CLR(fd, &read_);
  if (FD_ISSET(fd, &unread_)) --unread_count_;
  FD_CLR(fd, &unread_);
  if (!unread) return;
  FD_SET(fd, &unread_);
  ++unread_count_;
}

absl::StatusOr<absl::Span<const IoEvent>> SelectPoller::Wait(
    absl::Duration timeout) {
  if (unread_count_ > 0) timeout = std::min(timeout, kProbeInterval);
  has_more_ = true;  // until this Wait() has looked at all descriptors
  fd_set readable = read_;
  fd_set writable = write_;
  const int ready = pselect(end_, &readable, &writable, /*exceptfds=*/nullptr,
                            WaitTimeout(timeout).get(), /*sigmask=*/nullptr);
  if (ready < 0) {
    const bool closed_before_remove = errno == EBADF;
    SLUICE_CHECK(!closed_before_remove);
    if (errno == EINTR) return absl::Span<const IoEvent>();
    return ToStatus(IoResult::FromErrno(errno), "pselect",
                    absl::StrCat("descriptors below ", end_));
  }
  if (ready == 0 && unread_count_ == 0) {
    has_more_ = false;
    return absl::Span<const IoEvent>();
  }
  if (FD_ISSET(wakeup_->fd(), &readable)) {
    wakeup_->Take();
    FD_CLR(wakeup_->fd(), &readable);
  }
  const int probed = Probe(readable, writable);
  if (probed == -EINTR) return absl::Span<const IoEvent>();
  if (probed < 0) {
    return ToStatus(IoResult(probed), "poll",
                    absl::StrCat("descriptors below ", end_));
  }
  return Report();
}

int SelectPoller::Probe(const fd_set& readable, const fd_set& writable) {
  for (int fd = 0; fd < end_; ++fd) {
    const bool due = FD_ISSET(fd, &readable) || FD_ISSET(fd, &writable) ||
                     FD_ISSET(fd, &unread_);
    polled_[fd].fd = due ? fd : -1;  // poll(2) skips negative descriptors
  }
  return poll(polled_.data(), end_, 0) < 0 ? -errno : 0;
}

absl::Span<const IoEvent> SelectPoller::Report() {
  size_t reported = 0;
  int fd = next_;
  int left = end_;
  for (; left > 0 && reported < events_.size(); --left, ++fd) {
    if (fd >= end_) fd = 0;
    const pollfd& polled = polled_[fd];
    if (polled.fd < 0) continue;
    const bool closed_before_remove = (polled.revents & POLLNVAL) != 0;
    SLUICE_CHECK(!closed_before_remove);
    if (polled.revents != 0) {
      events_[reported++] = {tokens_[fd], 0,
                             static_cast<uint32_t>(polled.revents & kAnyEvent)};
      next_ = fd + 1;
    }
    if (polled.events == 0) StopReading(fd, /*unread=*/polled.revents == 0);
  }
  has_more_ = left > 0;
  return absl::MakeConstSpan(events_.data(), reported);
}

}  // namespace sluice
