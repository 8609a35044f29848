#ifndef SLUICE_EVENT_WAIT_TIMEOUT_H_
#define SLUICE_EVENT_WAIT_TIMEOUT_H_

#include <time.h>

#include <algorithm>

#include "absl/time/time.h"

namespace sluice {

// The timeout of Poller::Wait() as epoll_pwait2(2), ppoll(2) and pselect(2)
// take it: rounded up to the nanosecond, a negative one as 0. Value type.
class WaitTimeout {
 public:
  explicit WaitTimeout(absl::Duration timeout)
      : infinite_(timeout == absl::InfiniteDuration()),
        limit_(absl::ToTimespec(absl::Ceil(
            std::max(timeout, absl::ZeroDuration()), absl::Nanoseconds(1)))) {}

  // Null: none. Valid as long as this object.
  const timespec* get() const { return infinite_ ? nullptr : &limit_; }

 private:
  bool infinite_;
  timespec limit_;
};

}  // namespace sluice

#endif  // SLUICE_EVENT_WAIT_TIMEOUT_H_
