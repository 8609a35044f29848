#include "sluice/event/poller/poll_poller.h"

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

// The only reason for EINVAL, see poll(2): the limit was lowered since Add().
constexpr absl::string_view kLimitHint =
    ", more than the limit (RLIMIT_NOFILE) is now";

int DescriptorOf(const pollfd& polled) {
  return polled.fd < 0 ? ~polled.fd : polled.fd;
}

}  // namespace

absl::StatusOr<std::unique_ptr<PollPoller>> PollPoller::Create(
    PollerOptions options) {
  const absl::Status valid = CheckPollerOptions("PollPoller", options);
  if (!valid.ok()) return valid;
  auto wakeup = WakeupFd::Create();
  if (!wakeup.ok()) return wakeup.status();
  return absl::WrapUnique(
      new PollPoller(*std::move(wakeup), options.max_events));
}

PollPoller::PollPoller(std::unique_ptr<WakeupFd> wakeup, size_t max_events)
    : wakeup_(std::move(wakeup)),
      polled_{{wakeup_->fd(), POLLIN, 0}},
      tokens_{kReservedToken},
      events_(max_events) {}

size_t PollPoller::LowerBound(int fd) const {
  return std::lower_bound(polled_.begin() + 1, polled_.end(), fd,
                          [](const pollfd& polled, int number) {
                            return DescriptorOf(polled) < number;
                          }) -
         polled_.begin();
}

bool PollPoller::IsAt(size_t index, int fd) const {
  return index < polled_.size() && DescriptorOf(polled_[index]) == fd;
}

absl::Status PollPoller::Add(int fd, IoEvents interest, uint64_t token,
                             AddHint) {
  SLUICE_DCHECK((interest & ~kInterests) == 0 && token != kReservedToken);
  const size_t index = LowerBound(fd);
  if (IsAt(index, fd)) return AlreadyWatched("PollPoller::Add", fd);
  absl::Status watchable = CheckDescriptor("PollPoller::Add", fd);
  if (!watchable.ok()) return watchable;
  polled_.insert(polled_.begin() + index, {fd, interest, 0});
  tokens_.insert(tokens_.begin() + index, token);
  return absl::OkStatus();
}

absl::Status PollPoller::Modify(int fd, IoEvents interest, uint64_t token) {
  SLUICE_DCHECK((interest & ~kInterests) == 0 && token != kReservedToken);
  const size_t index = LowerBound(fd);
  if (!IsAt(index, fd)) return NotWatched("PollPoller::Modify", fd);
  polled_[index] = {fd, interest, 0};
  tokens_[index] = token;
  return absl::OkStatus();
}

absl::Status PollPoller::Remove(int fd) {
  const size_t index = LowerBound(fd);
  if (!IsAt(index, fd)) return NotWatched("PollPoller::Remove", fd);
  polled_.erase(polled_.begin() + index);
  tokens_.erase(tokens_.begin() + index);
  return absl::OkStatus();
}

absl::StatusOr<absl::Span<const IoEvent>> PollPoller::Wait(
    absl::Duration timeout) {
  const int ready = ppoll(polled_.data(), polled_.size(),
                          WaitTimeout(timeout).get(), nullptr);
  if (ready < 0) {
    has_more_ = true;
    if (errno == EINTR) return absl::Span<const IoEvent>();
    return ToStatus(IoResult::FromErrno(errno), "ppoll",
                    absl::StrCat(polled_.size(), " descriptors",
                                 errno == EINVAL ? kLimitHint : ""));
  }
  const bool woken = polled_.front().revents != 0;
  if (woken) wakeup_->Take();
  return Report(static_cast<size_t>(ready) - woken);
}

absl::Span<const IoEvent> PollPoller::Report(size_t ready) {
  has_more_ = ready > events_.size();
  const size_t count = std::min(ready, events_.size());
  size_t reported = 0;
  for (size_t i = LowerBound(last_reported_ + 1); reported < count; ++i) {
    if (i == polled_.size()) i = 1;
    pollfd& polled = polled_[i];
    if (polled.revents == 0) continue;
    const bool closed_before_remove = (polled.revents & POLLNVAL) != 0;
    SLUICE_CHECK(!closed_before_remove);
    events_[reported++] = {tokens_[i], 0,
                           static_cast<uint32_t>(polled.revents & kAnyEvent)};
    last_reported_ = polled.fd;
    if (polled.events == 0) polled.fd = ~polled.fd;
  }
  return absl::MakeConstSpan(events_.data(), reported);
}

}  // namespace sluice
