#ifndef SLUICE_TIMER_CLOCK_H_
#define SLUICE_TIMER_CLOCK_H_

#include <compare>
#include <cstdint>

#include "absl/time/time.h"
#include "sluice/base/cxx20.h"

namespace sluice {

// A point on a clock that only moves forward. Not comparable with absl::Time,
// which is wall time and may jump. Value type; cheap to copy.
class MonotonicTime {
 public:
  constexpr MonotonicTime() = default;  // the clock's origin
  static constexpr MonotonicTime FromNanos(int64_t ns) {
    return MonotonicTime(ns);
  }
  // Returns the time that is later than all others. As a deadline it means
  // "never".
  static constexpr MonotonicTime InfiniteFuture() {
    return MonotonicTime(INT64_MAX);
  }
  constexpr int64_t nanos() const { return ns_; }

  friend constexpr auto operator<=>(MonotonicTime, MonotonicTime) = default;

  // Returns `t` plus `d`. Saturates at both ends; InfiniteFuture() plus any
  // duration is InfiniteFuture(). Rounds a fraction of a nanosecond up, so that
  // a timeout is never shortened.
  friend MonotonicTime operator+(MonotonicTime t, absl::Duration d);
  // Returns the exact difference. InfiniteFuture() minus any time, itself
  // included, is InfiniteDuration(). Any other time minus InfiniteFuture() is
  // -InfiniteDuration().
  friend absl::Duration operator-(MonotonicTime a, MonotonicTime b);

 private:
  explicit constexpr MonotonicTime(int64_t ns) : ns_(ns) {}

  int64_t ns_ = 0;
};

// A source of time. Does not wait: pollers do. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;

  virtual MonotonicTime Now() const = 0;   // for timeouts and intervals
  virtual absl::Time WallNow() const = 0;  // for humans and log lines

  // Returns the clock of the system: CLOCK_MONOTONIC and absl::Now(). It has no
  // state and is never deleted. Only platforms and main() call this function: a
  // library with this clock as a default could use it with a simulated poller.
  static const Clock* Real();
};

}  // namespace sluice

#endif  // SLUICE_TIMER_CLOCK_H_
