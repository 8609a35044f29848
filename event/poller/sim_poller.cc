#include "sluice/event/poller/sim_poller.h"

#include <algorithm>
#include <iterator>

#include "sluice/base/check.h"
#include "sluice/event/poller/registration_errors.h"

namespace sluice {

SimPoller::SimPoller(const SimDescriptors* descriptors, SimClock* clock,
                     PollerOptions options)
    : descriptors_(descriptors),
      clock_(clock),
      max_events_(options.max_events) {
  SLUICE_CHECK(max_events_ > 0);
}

absl::Status SimPoller::Add(int fd, IoEvents interest, uint64_t token,
                            AddHint) {
  SLUICE_CHECK((interest & ~kInterests) == 0 && token != kReservedToken);
  if (!descriptors_->IsOpen(fd)) return BadDescriptor("SimPoller::Add", fd);
  const bool added =
      registrations_.insert({fd, {interest, /*reported=*/false, token}}).second;
  return added ? absl::OkStatus() : AlreadyWatched("SimPoller::Add", fd);
}

absl::Status SimPoller::Modify(int fd, IoEvents interest, uint64_t token) {
  SLUICE_CHECK((interest & ~kInterests) == 0 && token != kReservedToken);
  const auto it = registrations_.find(fd);
  if (it == registrations_.end()) return NotWatched("SimPoller::Modify", fd);
  it->second = {interest, /*reported=*/false, token, it->second.was_reported};
  return absl::OkStatus();
}

absl::Status SimPoller::Remove(int fd) {
  if (registrations_.erase(fd) > 0) return absl::OkStatus();
  return NotWatched("SimPoller::Remove", fd);
}

absl::StatusOr<absl::Span<const IoEvent>> SimPoller::Wait(
    absl::Duration timeout) {
  const MonotonicTime deadline =
      clock_->Now() + std::max(timeout, absl::ZeroDuration());
  if (Look() || deadline <= clock_->Now()) return events_;
  if (blocked_) {
    blocked_(deadline);
    SLUICE_CHECK(clock_->Now() <= deadline);
    if (Look()) return events_;
  }
  if (deadline != MonotonicTime::InfiniteFuture()) {
    clock_->Advance(deadline - clock_->Now());
  }
  return events_;
}

absl::Span<const IoEvent> SimPoller::ReportAgain(size_t n) {
  SLUICE_CHECK(n < registrations_.size());
  const Registration& registration =
      std::next(registrations_.begin(), static_cast<std::ptrdiff_t>(n))->second;
  events_.clear();
  if (registration.was_reported && registration.interest != 0) {
    events_.push_back({registration.token, 0, registration.interest});
  }
  return events_;
}

bool SimPoller::Look() {
  const bool woken = woken_.exchange(false);
  events_.clear();
  auto it = registrations_.upper_bound(last_reported_);
  size_t left = registrations_.size();
  for (; left > 0 && events_.size() < max_events_; --left, ++it) {
    if (it == registrations_.end()) it = registrations_.begin();
    auto& [fd, registration] = *it;
    const bool closed_before_remove = !descriptors_->IsOpen(fd);
    SLUICE_CHECK(!closed_before_remove);
    const IoEvents ready =
        descriptors_->ready(fd) & (registration.interest | kError | kHangup);
    if (ready == 0 || registration.reported) continue;
    events_.push_back({registration.token, 0, ready});
    registration.reported = registration.interest == 0;
    registration.was_reported = true;
    last_reported_ = fd;
  }
  has_more_ = left > 0;
  return woken || !events_.empty();
}

}  // namespace sluice
