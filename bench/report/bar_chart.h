#ifndef SLUICE_BENCH_REPORT_BAR_CHART_H_
#define SLUICE_BENCH_REPORT_BAR_CHART_H_

#include <string>
#include <vector>

#include "sluice/bench/report/spread.h"

// A picture of a comparison: a bar chart.
namespace sluice {

enum class BarKind { kLimit, kSluice, kPeer };  // each kind has its own colour

struct Bar {
  std::string label;
  Spread value;  // no negative values
  BarKind kind = BarKind::kPeer;
};

struct BarPanel {
  std::string title;
  std::string metric;  // name and unit
  std::vector<Bar> bars;
};

// Returns an SVG of the panels in two columns. A bar ends at the median. A line
// goes from the least value to the greatest. The median stands beside the bar.
// If the least median of a panel is positive, and the greatest value is more
// than 20 times the least median, the scale of the panel is logarithmic, and
// the panel says so. The picture is light or dark, like the screen of the
// reader.
// REQUIRES: there is a panel, and each panel has a bar.
std::string BarChartSvg(const std::vector<BarPanel>& panels);

}  // namespace sluice

#endif  // SLUICE_BENCH_REPORT_BAR_CHART_H_
