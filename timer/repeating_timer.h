#ifndef SLUICE_TIMER_REPEATING_TIMER_H_
#define SLUICE_TIMER_REPEATING_TIMER_H_

#include <cstdint>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "sluice/timer/clock.h"
#include "sluice/timer/timer_wheel.h"

namespace sluice {

// Calls back again and again, at the times first + k * period. Each call is
// armed by that grid and not by the one before it, so lateness does not add up.
// When calls come late, because a callback was slow or the wheel was not
// advanced, there is one call for all the times that have passed, which is told
// how many it stands for besides its own: never a burst.
//
// A call is never early, and late by what its wheel is: of a period shorter
// than a tick each tick gets one call. Bound to the sequence of its wheel. Not
// movable. Allocates when it is made and never again.
class RepeatingTimer {
 public:
  // `skipped` is how many times passed without a call since the last one, or
  // since the first time.
  using Callback = absl::AnyInvocable<void(uint64_t skipped)>;

  // `wheel` must outlive this. `on_fire` runs in its AdvanceTo(), armed for the
  // next time already: it may Start(), Stop() or destroy its timer, and ends
  // after it has returned.
  RepeatingTimer(TimerWheel* wheel, Callback on_fire);
  RepeatingTimer(const RepeatingTimer&) = delete;
  RepeatingTimer& operator=(const RepeatingTimer&) = delete;

  // Forgets what was started before. A `first` in the past is due at once, and
  // the grid begins there. After the last time before InfiniteFuture() it stays
  // armed and fires no more. An infinite `period` has no second time. REQUIRES:
  // period is at least a nanosecond; a fraction of one is rounded up.
  void Start(MonotonicTime first, absl::Duration period);
  // The first time is a period after the wheel's now(), which is the time of
  // its last AdvanceTo().
  void Start(absl::Duration period) { Start(wheel_->now() + period, period); }
  // No call comes after this. No-op when not running.
  void Stop() { timer_.Cancel(); }

  bool running() const { return timer_.armed(); }
  // When the next call is due. REQUIRES: running().
  MonotonicTime next() const { return timer_.deadline(); }

 private:
  uint64_t ArmNext();

  TimerWheel* const wheel_;
  MonotonicTime next_;
  int64_t period_ns_ = 0;
  CallbackTimer timer_;
};

}  // namespace sluice

#endif  // SLUICE_TIMER_REPEATING_TIMER_H_
