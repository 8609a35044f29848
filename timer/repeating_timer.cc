#include "sluice/timer/repeating_timer.h"

#include <cstdint>
#include <utility>

#include "absl/time/time.h"
#include "sluice/base/check.h"

namespace sluice {

RepeatingTimer::RepeatingTimer(TimerWheel* wheel, Callback on_fire)
    : wheel_(wheel), timer_([this, on_fire = std::move(on_fire)]() mutable {
        on_fire(ArmNext());
      }) {}

void RepeatingTimer::Start(MonotonicTime first, absl::Duration period) {
  SLUICE_CHECK_GE(period, absl::Nanoseconds(1));
  // Saturates, and rounds up, so that no call is early.
  period_ns_ =
      absl::ToInt64Nanoseconds(absl::Ceil(period, absl::Nanoseconds(1)));
  next_ = first;
  wheel_->Arm(&timer_, next_);
}

// Moves next_ to the first time of the grid after now, and arms the timer.
// Returns the number of times that it skipped, without the time of the current
// call.
uint64_t RepeatingTimer::ArmNext() {
  // Not negative, because the wheel never fires early. Unsigned, because the
  // difference may need 64 bits.
  const uint64_t late = static_cast<uint64_t>(wheel_->now().nanos()) -
                        static_cast<uint64_t>(next_.nanos());
  const uint64_t period = period_ns_;
  const auto to_next = static_cast<int64_t>(period - late % period);
  next_ = wheel_->now() + absl::Nanoseconds(to_next);  // saturates
  wheel_->Arm(&timer_, next_);
  return late / period;
}

}  // namespace sluice
