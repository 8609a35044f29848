#ifndef SLUICE_EVENT_POLLER_WAIT_TIMEOUT_H_
#define SLUICE_EVENT_POLLER_WAIT_TIMEOUT_H_

#include <time.h>

#include <algorithm>
#include <cstdint>
#include <limits>

#include "absl/time/time.h"

namespace sluice {

// The timeout of Poller::Wait() as epoll_pwait2(2), ppoll(2) and pselect(2)
// take it: rounded up to the nanosecond, a negative one as 0. Value type.
class WaitTimeout {
 public:
  explicit WaitTimeout(absl::Duration timeout)
      : infinite_(timeout == absl::InfiniteDuration()) {
    // Cuts a fraction of a nanosecond; saturates, after 292 years.
    int64_t nanos =
        absl::ToInt64Nanoseconds(std::max(timeout, absl::ZeroDuration()));
    if (absl::Nanoseconds(nanos) < timeout && nanos < kMax) ++nanos;
    limit_ = {nanos / 1'000'000'000, nanos % 1'000'000'000};
  }

  // Null: none. Valid as long as this object.
  const timespec* get() const { return infinite_ ? nullptr : &limit_; }

 private:
  static constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

  bool infinite_;
  timespec limit_;
};

}  // namespace sluice

#endif  // SLUICE_EVENT_POLLER_WAIT_TIMEOUT_H_
