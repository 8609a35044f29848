#include "sluice/bench/report/significant.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_format.h"

namespace sluice {

std::string Significant(double value) {
  if (value == 0) return "0";
  const auto digits_before =
      static_cast<int>(std::floor(std::log10(std::fabs(value)))) + 1;
  return absl::StrFormat("%.*f", std::clamp(3 - digits_before, 0, 9), value);
}

}  // namespace sluice
