#ifndef SLUICE_BENCH_REPORT_SPREAD_H_
#define SLUICE_BENCH_REPORT_SPREAD_H_

#include <vector>

// The result of many rounds of a measurement.
namespace sluice {

struct Spread {
  double median = 0;
  double min = 0;
  double max = 0;
};
// Returns the spread of the values. If their number is even, the median is the
// mean of the middle two.
// REQUIRES: !values.empty().
Spread SpreadOf(std::vector<double> values);

// Returns the spread of the ratios of each value to the reference of the same
// round. A disturbance of the machine that is longer than a round disturbs
// both.
// REQUIRES: there are as many values as references, at least one.
Spread PairedRatios(const std::vector<double>& values,
                    const std::vector<double>& reference);

}  // namespace sluice

#endif  // SLUICE_BENCH_REPORT_SPREAD_H_
