#include "sluice/timer/clock.h"

#include <time.h>

#include <cstdint>
#include <limits>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "sluice/base/check.h"

namespace sluice {
namespace {

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

class RealClock final : public Clock {
 public:
  MonotonicTime Now() const override {
    timespec now;
    SLUICE_CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return MonotonicTime::FromNanos(int64_t{now.tv_sec} * 1'000'000'000 +
                                    now.tv_nsec);
  }
  absl::Time WallNow() const override { return absl::Now(); }
};

}  // namespace

MonotonicTime operator+(MonotonicTime t, absl::Duration d) {
  if (t.ns_ == kMax) return t;
  // The fast path: a whole number of nanoseconds, and no overflow.
  const int64_t whole_ns = absl::ToInt64Nanoseconds(d);
  int64_t sum_ns;
  if (absl::Nanoseconds(whole_ns) == d &&
      !__builtin_add_overflow(t.ns_, whole_ns, &sum_ns)) {
    return MonotonicTime(sum_ns);
  }
  const absl::Duration sum = absl::Nanoseconds(t.ns_) + d;
  return MonotonicTime(  // saturates
      absl::ToInt64Nanoseconds(absl::Ceil(sum, absl::Nanoseconds(1))));
}

absl::Duration operator-(MonotonicTime a, MonotonicTime b) {
  if (a.ns_ == kMax) return absl::InfiniteDuration();
  if (b.ns_ == kMax) return -absl::InfiniteDuration();
  int64_t difference;
  if (__builtin_sub_overflow(a.ns_, b.ns_, &difference)) {
    return absl::Nanoseconds(a.ns_) - absl::Nanoseconds(b.ns_);
  }
  return absl::Nanoseconds(difference);
}

const Clock* Clock::Real() {
  static const RealClock* const clock = new RealClock;
  return clock;
}

}  // namespace sluice
