#include "sluice/net/sim/sim_progress.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "absl/time/time.h"

namespace sluice {

SimProgress::SimProgress(const Clock* clock, uint64_t seeds, bool terminal)
    : clock_(*clock),
      seeds_(seeds),
      start_(clock->Now()),
      next_(start_ + absl::Seconds(1)),
      line_(terminal) {}

void SimProgress::Done(uint64_t seed) {
  ++done_;
  if (!line_.terminal()) return;
  const MonotonicTime now = clock_.Now();
  if (now < next_) return;
  next_ = now + absl::Milliseconds(200);
  const double per_second = static_cast<double>(done_) / Seconds();
  line_.Show(absl::StrFormat("seed %u, %u of %u, %.0f/s, %.0f s left", seed,
                             done_, seeds_, per_second,
                             static_cast<double>(seeds_ - done_) / per_second));
}

std::string SimProgress::Summary() const {
  const double seconds = Seconds();
  return absl::StrFormat("%u seeds in %.1f s, %.0f/s", done_, seconds,
                         static_cast<double>(done_) / seconds);
}

double SimProgress::Seconds() const {
  return std::max(1e-3, absl::ToDoubleSeconds(clock_.Now() - start_));
}

}  // namespace sluice
