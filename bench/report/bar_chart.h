#ifndef SLUICE_BENCH_REPORT_BAR_CHART_H_
#define SLUICE_BENCH_REPORT_BAR_CHART_H_

#include <string>
#include <vector>

#include "sluice/bench/report/spread.h"

// A picture of what was compared.
namespace sluice {

enum class BarKind { kLimit, kSluice, kPeer };  // each has its colour

struct Bar {
  std::string label;
  Spread value;  // of which nothing is negative
  BarKind kind = BarKind::kPeer;
};

struct BarPanel {
  std::string title;
  std::string metric;  // with its unit
  std::vector<Bar> bars;
};

// An SVG of panels in two columns. A bar ends at the median and a line goes
// from the least to the most; the median stands beside it. Where a panel's
// medians differ more than twentyfold its scale is logarithmic, and says so.
// Light or dark as the reader's screen is. REQUIRES: there is a panel, and each
// has a bar.
std::string BarChartSvg(const std::vector<BarPanel>& panels);

}  // namespace sluice

#endif  // SLUICE_BENCH_REPORT_BAR_CHART_H_
