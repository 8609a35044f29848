#ifndef SLUICE_TIMER_CLOCK_H_
#define SLUICE_TIMER_CLOCK_H_

#include <compare>
#include <cstdint>

#include "absl/time/time.h"

namespace sluice {

// A point on a clock that only moves forward. Not comparable with absl::Time,
// which is wall time and may jump. Value type; cheap to copy.
class MonotonicTime {
 public:
  constexpr MonotonicTime() = default;  // the clock's origin
  static constexpr MonotonicTime FromNanos(int64_t ns) {
    return MonotonicTime(ns);
  }
  // Later than every other; as a deadline: never.
  static constexpr MonotonicTime InfiniteFuture() {
    return MonotonicTime(INT64_MAX);
  }
  constexpr int64_t nanos() const { return ns_; }

  friend constexpr auto operator<=>(MonotonicTime, MonotonicTime) = default;

  // Saturates at both ends; InfiniteFuture() stays what it is, whatever is
  // added. A fraction of a nanosecond rounds up: a timeout is never shortened.
  friend MonotonicTime operator+(MonotonicTime t, absl::Duration d);
  // Exact. InfiniteFuture() is infinitely far from every other, and from itself
  // too: what remains until never is for ever.
  friend absl::Duration operator-(MonotonicTime a, MonotonicTime b);

 private:
  explicit constexpr MonotonicTime(int64_t ns) : ns_(ns) {}

  int64_t ns_ = 0;
};

// Where time comes from. Does not wait: pollers do. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;

  virtual MonotonicTime Now() const = 0;   // for timeouts and intervals
  virtual absl::Time WallNow() const = 0;  // for humans and log lines

  // CLOCK_MONOTONIC; stateless, never deleted. For platforms and main() alone:
  // no library falls back on it, lest a simulated poller meet a real clock.
  static const Clock* Real();
};

}  // namespace sluice

#endif  // SLUICE_TIMER_CLOCK_H_
