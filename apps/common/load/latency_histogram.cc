#include "sluice/apps/common/load/latency_histogram.h"

#include <algorithm>
#include <cmath>

#include "sluice/base/check.h"

namespace sluice {

int64_t LatencyHistogram::Quantile(double fraction) const {
  SLUICE_CHECK(fraction >= 0 && fraction <= 1);
  const auto rank =
      static_cast<uint64_t>(std::ceil(fraction * static_cast<double>(count_)));
  if (rank >= count_) return max();
  size_t bucket = 0;
  uint64_t passed = buckets_[bucket];
  while (passed < std::max<uint64_t>(rank, 1)) passed += buckets_[++bucket];
  // The middle of the bucket.
  const size_t shift = bucket < 2 * kLinear ? 0 : bucket / kLinear - 1;
  const uint64_t first = (bucket - shift * kLinear) << shift;
  const uint64_t middle = first + (uint64_t{1} << shift) / 2;
  return static_cast<int64_t>(std::min(middle, max_));
}

}  // namespace sluice
