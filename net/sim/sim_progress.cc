#include "sluice/net/sim/sim_progress.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_format.h"
#include "absl/time/time.h"

namespace sluice {

SimProgress::SimProgress(const Clock* clock, uint64_t seeds,
                         std::FILE* terminal)
    : clock_(*clock),
      seeds_(seeds),
      terminal_(terminal),
      start_(clock->Now()),
      next_(start_ + absl::Seconds(1)) {}

void SimProgress::Done(uint64_t seed) {
  ++done_;
  if (terminal_ == nullptr) return;
  const MonotonicTime now = clock_.Now();
  if (now < next_) return;
  next_ = now + absl::Milliseconds(200);
  shown_ = true;
  const double per_second = static_cast<double>(done_) / Seconds();
  absl::FPrintF(terminal_, "\rseed %u, %u of %u, %.0f/s, %.0f s left\x1b[K",
                seed, done_, seeds_, per_second,
                static_cast<double>(seeds_ - done_) / per_second);
  std::fflush(terminal_);
}

std::string SimProgress::Summary() const {
  const double seconds = Seconds();
  return absl::StrFormat("%u seeds in %.1f s, %.0f/s", done_, seconds,
                         static_cast<double>(done_) / seconds);
}

void SimProgress::Wipe() {
  if (!std::exchange(shown_, false)) return;
  std::fputs("\r\x1b[K", terminal_);
  std::fflush(terminal_);
}

double SimProgress::Seconds() const {
  return std::max(1e-3, absl::ToDoubleSeconds(clock_.Now() - start_));
}

}  // namespace sluice
