#ifndef SLUICE_BENCH_REPORT_COMPARISON_TABLE_H_
#define SLUICE_BENCH_REPORT_COMPARISON_TABLE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

// What a comparison prints of a case.
namespace sluice {

// What one contender came to in one metric.
struct ComparedValues {
  std::string name;
  std::vector<double> values;  // one of each round
  std::string failure;         // if not empty: why there are none
};

// A Markdown table of a metric, a contender each row, with medians of the
// rounds, in brackets the least and the most. The first is the limit, the
// second is Sluice. Ratios to them are paired by round; "-" where one of the
// two has failed or the divisor is 0.
// REQUIRES: two contenders; all that have not failed have as many values, at
// least one.
std::string ComparisonTable(absl::string_view metric,
                            const std::vector<ComparedValues>& contenders);

}  // namespace sluice

#endif  // SLUICE_BENCH_REPORT_COMPARISON_TABLE_H_
