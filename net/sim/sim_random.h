#ifndef SLUICE_NET_SIM_SIM_RANDOM_H_
#define SLUICE_NET_SIM_SIM_RANDOM_H_

#include <cstddef>
#include <cstdint>
#include <random>

#include "absl/time/time.h"

namespace sluice {

// The random numbers of a simulation (testonly). One seed gives the same
// numbers in every build. Thread-compatible.
class SimRandom {
 public:
  explicit SimRandom(uint64_t seed) : engine_(seed) {}

  uint64_t Next() { return engine_(); }
  // Returns a number below `n`, nearly evenly distributed if `n` is small.
  // REQUIRES: n > 0.
  uint64_t Below(uint64_t n) { return Next() % n; }
  // Returns true with that probability, from 0 to 1. Draws nothing if it is 0.
  bool Chance(double probability) {
    if (probability <= 0) return false;
    constexpr double kRange = 1 << 30;
    return static_cast<double>(Below(1 << 30)) < probability * kRange;
  }
  // Returns a duration from 0 to `most`, in whole nanoseconds; 0 if `most` is
  // negative.
  absl::Duration UpTo(absl::Duration most) {
    const int64_t ns = absl::ToInt64Nanoseconds(most);
    return ns <= 0 ? absl::ZeroDuration()
                   : absl::Nanoseconds(static_cast<int64_t>(
                         Below(static_cast<uint64_t>(ns) + 1)));
  }

 private:
  std::mt19937_64 engine_;  // the standard defines its numbers
};

}  // namespace sluice

#endif  // SLUICE_NET_SIM_SIM_RANDOM_H_
