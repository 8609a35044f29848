#ifndef SLUICE_BENCH_REPORT_SIGNIFICANT_H_
#define SLUICE_BENCH_REPORT_SIGNIFICANT_H_

#include <string>

namespace sluice {

// Returns `value` with three significant digits and no exponent: "0.0123",
// "2.70", "41634".
std::string Significant(double value);

}  // namespace sluice

#endif  // SLUICE_BENCH_REPORT_SIGNIFICANT_H_
