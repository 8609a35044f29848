#ifndef SLUICE_TIMER_SIM_CLOCK_H_
#define SLUICE_TIMER_SIM_CLOCK_H_

#include <atomic>
#include <cstdint>

#include "absl/time/time.h"
#include "sluice/timer/clock.h"

namespace sluice {

// A clock that moves only when told to, for tests. Fires nothing: whoever
// advances it advances the wheels too. Both times start away from zero, so that
// code which takes zero for "unset" is found out. Thread-safe.
class SimClock final : public Clock {
 public:
  SimClock() = default;
  SimClock(const SimClock&) = delete;
  SimClock& operator=(const SimClock&) = delete;

  MonotonicTime Now() const override;
  absl::Time WallNow() const override;

  // Moves both times. REQUIRES: d >= 0.
  void Advance(absl::Duration d);
  // Moves the wall clock alone, as an administrator or NTP would; `d` may be
  // negative.
  void StepWall(absl::Duration d);

 private:
  static constexpr int64_t kStartNanos = 1'000'000'000'000;

  // Atomics rather than a mutex: absl::Mutex under contention is what thread
  // sanitizers report falsely, and tests are where this is used.
  std::atomic<int64_t> now_nanos_{kStartNanos};
  std::atomic<int64_t> wall_step_nanos_{0};
};

}  // namespace sluice

#endif  // SLUICE_TIMER_SIM_CLOCK_H_
