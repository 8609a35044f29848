#ifndef SLUICE_TIMER_REPEATING_TIMER_H_
#define SLUICE_TIMER_REPEATING_TIMER_H_

#include <cstdint>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "sluice/timer/clock.h"
#include "sluice/timer/timer_wheel.h"

namespace sluice {

// A timer that fires at the times first + k * period, until it is stopped. Each
// firing is armed by this grid and not by the firing before it, so lateness
// does not add up. If the timer is late by several periods, because a callback
// was slow or the wheel was not advanced, it calls back once for all the times
// that have passed, and never in a burst.
//
// A call is never early, and as late as its wheel is. If the period is shorter
// than a tick, there is one call per tick. Bound to the sequence of its wheel.
// Not movable. Allocates in the constructor only.
class RepeatingTimer {
 public:
  // `skipped` is the number of times, since the last call or since `first`,
  // that passed without a call of their own.
  using Callback = absl::AnyInvocable<void(uint64_t skipped)>;

  // Calls `on_fire` from the wheel's AdvanceTo(). The timer is armed for the
  // next time already: `on_fire` may Start(), Stop() or destroy the timer. If
  // it destroys the timer, `on_fire` itself is destroyed after it has returned.
  // REQUIRES: `wheel` outlives the timer.
  RepeatingTimer(TimerWheel* wheel, Callback on_fire);
  RepeatingTimer(const RepeatingTimer&) = delete;
  RepeatingTimer& operator=(const RepeatingTimer&) = delete;

  // Starts the timer, and replaces an earlier Start(). If `first` is in the
  // past, the first call is due at once, and the grid begins at `first`. After
  // the last time before InfiniteFuture(), the timer fires no more, but stays
  // running, with InfiniteFuture() as next(). So with an infinite `period` it
  // fires once, at `first`. A fraction of a nanosecond in `period` is rounded
  // up. REQUIRES: period >= 1 ns.
  void Start(MonotonicTime first, absl::Duration period);
  // Starts the timer with the first time one period after the wheel's now().
  void Start(absl::Duration period) { Start(wheel_->now() + period, period); }
  // Stops the timer: no call comes after this one. Does nothing if the timer is
  // not running.
  void Stop() { timer_.Cancel(); }

  // Returns true from Start() to Stop().
  bool running() const { return timer_.armed(); }
  // Returns the time when the next call is due. REQUIRES: running().
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
