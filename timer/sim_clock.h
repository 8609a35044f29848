#ifndef SLUICE_TIMER_SIM_CLOCK_H_
#define SLUICE_TIMER_SIM_CLOCK_H_

#include <atomic>
#include <cstdint>

#include "absl/time/time.h"
#include "sluice/timer/clock.h"

namespace sluice {

// A clock for tests that moves only when the test moves it. Fires no timers:
// the test must advance the wheels as well. Both times start away from zero, so
// that a test finds code which takes zero for "unset". Thread-safe.
class SimClock final : public Clock {
 public:
  SimClock() = default;
  SimClock(const SimClock&) = delete;
  SimClock& operator=(const SimClock&) = delete;

  MonotonicTime Now() const override;
  absl::Time WallNow() const override;

  // Moves both times forward. Now() saturates. REQUIRES: d >= 0.
  void Advance(absl::Duration d);
  // Moves only the wall clock, as an administrator or NTP would. `d` may be
  // negative.
  void StepWall(absl::Duration d);

 private:
  static constexpr int64_t kStartNanos = 1'000'000'000'000;

  // Atomics and not a mutex, so that reading a clock never waits, as with a
  // real one.
  std::atomic<int64_t> now_nanos_{kStartNanos};
  std::atomic<int64_t> wall_step_nanos_{0};
};

}  // namespace sluice

#endif  // SLUICE_TIMER_SIM_CLOCK_H_
