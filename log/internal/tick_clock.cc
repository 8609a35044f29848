#include "sluice/log/internal/tick_clock.h"

#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>

#include "absl/time/time.h"

namespace sluice {
namespace {

// The kernel lists the counter as a clock source as long as it finds that the
// counter runs at a constant rate, never stops, and agrees on all processors.
bool KernelTrustsCounter() {
#if defined(__x86_64__)
  std::FILE* const file = std::fopen(
      "/sys/devices/system/clocksource/clocksource0/available_clocksource",
      "re");
  if (file == nullptr) return false;
  char names[256];
  names[std::fread(names, 1, sizeof(names) - 1, file)] = '\0';
  std::fclose(file);
  return std::strstr(names, "tsc") != nullptr;
#else
  return false;
#endif
}

// The rate is measured over this time at least, and over twice as much at most.
constexpr int64_t kRateNanos = 2'000'000'000;

}  // namespace

TickClock::TickClock(const Clock* clock)
    : clock_(*clock),
      counter_(clock == Clock::Real() && KernelTrustsCounter()) {
  base_ = next_base_ = last_ = Take();
}

TickClock::Moment TickClock::Take() const {
  // The kernel may suspend the thread between the reads: take the shortest of a
  // few tries.
  constexpr int kTries = 5;
  constexpr uint64_t kShort = 10'000;  // ticks, about 3 us
  Moment best;
  uint64_t shortest = std::numeric_limits<uint64_t>::max();
  for (int i = 0; i < kTries && shortest > kShort; ++i) {
    const uint64_t before = Now();
    const int64_t monotonic_ns = clock_.Now().nanos();
    const int64_t wall_ns = absl::ToUnixNanos(clock_.WallNow());
    const uint64_t took = Now() - before;
    if (took >= shortest) continue;
    shortest = took;
    best = {before + took / 2, monotonic_ns, wall_ns};
  }
  return best;
}

void TickClock::Sample() {
  last_ = Take();
  if (!counter_ || last_.ticks <= base_.ticks) return;
  ns_per_tick_ = static_cast<double>(last_.monotonic_ns - base_.monotonic_ns) /
                 static_cast<double>(last_.ticks - base_.ticks);
  if (last_.monotonic_ns - next_base_.monotonic_ns > kRateNanos) {
    base_ = next_base_;
    next_base_ = last_;
  }
}

int64_t TickClock::WallNanos(uint64_t ticks) const {
  const auto since_last = static_cast<int64_t>(ticks - last_.ticks);
  if (!counter_) return last_.wall_ns + since_last;
  return last_.wall_ns +
         std::llround(static_cast<double>(since_last) * ns_per_tick_);
}

}  // namespace sluice
