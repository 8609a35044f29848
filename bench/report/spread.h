#ifndef SLUICE_BENCH_REPORT_SPREAD_H_
#define SLUICE_BENCH_REPORT_SPREAD_H_

#include <vector>

// What many rounds of a measurement come to.
namespace sluice {

struct Spread {
  double median = 0;
  double min = 0;
  double max = 0;
};
// Of an even number of values the median is the mean of the middle two.
// REQUIRES: !values.empty().
Spread SpreadOf(std::vector<double> values);

// Of each value to the reference of the same round: what disturbs the machine
// for longer than a round disturbs both.
// REQUIRES: as many values as references, at least one.
Spread PairedRatios(const std::vector<double>& values,
                    const std::vector<double>& reference);

}  // namespace sluice

#endif  // SLUICE_BENCH_REPORT_SPREAD_H_
