#include "sluice/bench/report/spread.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <utility>

#include "sluice/base/check.h"

namespace sluice {

Spread SpreadOf(std::vector<double> values) {
  SLUICE_CHECK(!values.empty());
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  const double median = values.size() % 2 == 1
                            ? values[half]
                            : (values[half - 1] + values[half]) / 2;
  return {.median = median, .min = values.front(), .max = values.back()};
}

Spread PairedRatios(const std::vector<double>& values,
                    const std::vector<double>& reference) {
  SLUICE_CHECK(values.size() == reference.size());
  std::vector<double> ratios(values.size());
  std::transform(values.begin(), values.end(), reference.begin(),
                 ratios.begin(), std::divides<>());
  return SpreadOf(std::move(ratios));
}

}  // namespace sluice
