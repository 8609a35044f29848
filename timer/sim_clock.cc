#include "sluice/timer/sim_clock.h"

#include "absl/time/time.h"
#include "sluice/base/check.h"

namespace sluice {

MonotonicTime SimClock::Now() const {
  return MonotonicTime::FromNanos(now_nanos_.load());
}

absl::Time SimClock::WallNow() const {
  const absl::Duration elapsed =
      absl::Nanoseconds(now_nanos_.load() - kStartNanos);
  return absl::FromUnixSeconds(1'000'000'000) + elapsed +
         absl::Nanoseconds(wall_step_nanos_.load());
}

void SimClock::Advance(absl::Duration d) {
  SLUICE_CHECK_GE(d, absl::ZeroDuration());
  int64_t now = now_nanos_.load();
  while (!now_nanos_.compare_exchange_weak(
      now, (MonotonicTime::FromNanos(now) + d).nanos())) {
  }
}

void SimClock::StepWall(absl::Duration d) {
  wall_step_nanos_.fetch_add(absl::ToInt64Nanoseconds(d));
}

}  // namespace sluice
