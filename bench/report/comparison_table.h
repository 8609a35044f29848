#ifndef SLUICE_BENCH_REPORT_COMPARISON_TABLE_H_
#define SLUICE_BENCH_REPORT_COMPARISON_TABLE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

// The tables that a comparison prints for a case.
namespace sluice {

// The values of one contender in one metric.
struct ComparedValues {
  std::string name;
  std::vector<double> values;  // one for each round
  std::string failure;         // reason of the failure, if any
};

// Returns a Markdown table of a metric. Each contender has a row with the
// median of the rounds and, in brackets, the least and the greatest value. The
// first contender is the limit, the second is Sluice. Ratios to these two are
// paired by round. If one of the two contenders of a ratio has failed, or the
// divisor is 0, the ratio is "-".
// REQUIRES: there are at least two contenders; all contenders that have not
// failed have the same number of values, at least one.
std::string ComparisonTable(absl::string_view metric,
                            const std::vector<ComparedValues>& contenders);

}  // namespace sluice

#endif  // SLUICE_BENCH_REPORT_COMPARISON_TABLE_H_
