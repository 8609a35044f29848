#ifndef SLUICE_EVENT_POLLER_WAIT_TIMEOUT_H_
#define SLUICE_EVENT_POLLER_WAIT_TIMEOUT_H_

#include <time.h>

#include <algorithm>
#include <cstdint>
#include <limits>

#include "absl/time/time.h"

namespace sluice {

// The timeout of Poller::Wait() in the form of epoll_pwait2(2), ppoll(2) and
// pselect(2): rounded up to a nanosecond; a negative timeout becomes 0. Value
// type.
class WaitTimeout {
 public:
  explicit WaitTimeout(absl::Duration timeout)
      : infinite_(timeout == absl::InfiniteDuration()) {
    // Truncates a fraction of a nanosecond. Saturates at 292 years.
    int64_t nanos =
        absl::ToInt64Nanoseconds(std::max(timeout, absl::ZeroDuration()));
    if (absl::Nanoseconds(nanos) < timeout && nanos < kMax) ++nanos;
    limit_ = {nanos / 1'000'000'000, nanos % 1'000'000'000};
  }

  // Returns null if there is no timeout. Valid as long as this object.
  const timespec* get() const { return infinite_ ? nullptr : &limit_; }

 private:
  static constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

  bool infinite_;
  timespec limit_;
};

}  // namespace sluice

#endif  // SLUICE_EVENT_POLLER_WAIT_TIMEOUT_H_
