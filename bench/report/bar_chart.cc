#include "sluice/bench/report/bar_chart.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "sluice/base/check.h"
#include "sluice/bench/report/significant.h"

namespace sluice {
namespace {

// Lengths are in pixels.
constexpr double kMargin = 16;
constexpr double kColumn = 500;
constexpr double kColumnGap = 24;
constexpr double kLabels = 230;  // labels left of the bars
constexpr double kValues = 56;   // values right of the bars
constexpr double kBars = kColumn - kLabels - kValues;
constexpr double kRow = 18;
constexpr double kBarHeight = 12;
constexpr double kHeader = 42;  // title and metric
constexpr double kFooter = 34;  // the scale, and the gap to the next panel
constexpr double kLogFrom = 20;

constexpr char kStyle[] = R"(<style>
  text { font: 12px system-ui, sans-serif; fill: #1f2328; }
  .title { font-weight: 600; font-size: 13px; }
  .faint { fill: #59636e; font-size: 11px; }
  .paper { fill: #ffffff; }
  .value { stroke: #ffffff; stroke-width: 3; paint-order: stroke; }
  .grid { stroke: #d1d9e0; }
  .range { stroke: #1f2328; stroke-width: 1.5; }
  .limit { fill: #a8b0b8; }
  .sluice { fill: #e8590c; }
  .peer { fill: #6d9bd1; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .faint { fill: #9198a1; }
    .paper { fill: #0d1117; }
    .value { stroke: #0d1117; }
    .grid { stroke: #3d444d; }
    .range { stroke: #e6edf3; }
    .limit { fill: #656c76; }
    .sluice { fill: #f0883e; }
    .peer { fill: #4a78b0; }
  }
</style>
)";

std::string Escaped(absl::string_view text) {
  return absl::StrReplaceAll(text,
                             {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}});
}

// Returns a text element. Squeezes the text if it would be wider than `width`,
// computed with the greatest width of a letter.
std::string Text(double x, double y, double width, absl::string_view attributes,
                 absl::string_view text) {
  constexpr double kLetter = 6.6;
  const std::string squeeze =
      kLetter * static_cast<double>(text.size()) <= width
          ? ""
          : absl::StrFormat(
                " textLength=\"%.0f\" "
                "lengthAdjust=\"spacingAndGlyphs\"",
                width);
  return absl::StrFormat("<text x=\"%.1f\" y=\"%.1f\"%s%s>%s</text>\n", x, y,
                         attributes, squeeze, Escaped(text));
}

absl::string_view ClassOf(BarKind kind) {
  switch (kind) {
    case BarKind::kLimit:
      return "limit";
    case BarKind::kSluice:
      return "sluice";
    case BarKind::kPeer:
      return "peer";
  }
  return "";
}

// A scale that converts values to pixels right of the labels.
class Scale {
 public:
  explicit Scale(const std::vector<Bar>& bars) {
    double least = std::numeric_limits<double>::max();
    for (const Bar& bar : bars) {
      least = std::min(least, bar.value.median);
      end_ = std::max(end_, bar.value.max);
    }
    if (end_ == 0) end_ = 1;
    logarithmic_ = least > 0 && end_ > kLogFrom * least;
    if (!logarithmic_) return;
    for (const Bar& bar : bars) {
      if (bar.value.min > 0) least = std::min(least, bar.value.min);
    }
    // The scale begins so low that the shortest bar is visible.
    begin_ = std::pow(10, std::floor(std::log10(least / 1.5)));
  }

  bool logarithmic() const { return logarithmic_; }
  double Pixels(double value) const {
    if (!logarithmic_) return kBars * value / end_;
    if (value <= begin_) return 0;
    return kBars * std::log10(value / begin_) / std::log10(end_ / begin_);
  }
  // Returns round numbers; three to six of them if the scale is linear.
  std::vector<double> Marks() const {
    std::vector<double> marks;
    if (logarithmic_) {
      for (double mark = begin_; mark <= end_; mark *= 10) {
        marks.push_back(mark);
      }
      return marks;
    }
    double step = std::pow(10, std::floor(std::log10(end_)));
    if (end_ / step >= 5) {
      step *= 2;
    } else if (end_ / step < 2) {
      step /= 2;
    }
    for (double mark = 0; mark <= end_ * 1.0001; mark += step) {
      marks.push_back(mark);
    }
    return marks;
  }

 private:
  double begin_ = 0;
  double end_ = 0;
  bool logarithmic_ = false;
};

// Returns a line for each mark, with the number of the mark below.
std::string Grid(const Scale& scale, double left, double top, double bottom) {
  std::string svg;
  for (const double mark : scale.Marks()) {
    const double x = left + scale.Pixels(mark);
    absl::StrAppendFormat(&svg,
                          "<line class=\"grid\" x1=\"%.1f\" y1=\"%.1f\" "
                          "x2=\"%.1f\" y2=\"%.1f\"/>\n",
                          x, top, x, bottom);
    absl::StrAppend(&svg, Text(x, bottom + 12, kColumn,
                               " class=\"faint\" text-anchor=\"middle\"",
                               absl::StrFormat("%.10g", mark)));
  }
  return svg;
}

std::string Row(const Bar& bar, const Scale& scale, double left, double top) {
  const double end = left + scale.Pixels(bar.value.median);
  const double max = left + scale.Pixels(bar.value.max);
  const double middle = top + kRow / 2;
  return absl::StrCat(
      Text(left - 8, middle + 4, kLabels - 8, " text-anchor=\"end\"",
           bar.label),
      absl::StrFormat("<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" "
                      "width=\"%.1f\" height=\"%.1f\"/>\n",
                      ClassOf(bar.kind), left, middle - kBarHeight / 2,
                      end - left, kBarHeight),
      absl::StrFormat("<line class=\"range\" x1=\"%.1f\" y1=\"%.1f\" "
                      "x2=\"%.1f\" y2=\"%.1f\"/>\n",
                      left + scale.Pixels(bar.value.min), middle, max, middle),
      Text(std::max(end, max) + 6, middle + 4, kValues - 6, " class=\"value\"",
           Significant(bar.value.median)));
}

double HeightOf(const BarPanel& panel) {
  return kHeader + kRow * static_cast<double>(panel.bars.size()) + kFooter;
}

std::string Panel(const BarPanel& panel, double x, double y) {
  SLUICE_CHECK(!panel.bars.empty());
  const Scale scale(panel.bars);
  const double left = x + kLabels;
  const double top = y + kHeader;
  const double bottom = top + kRow * static_cast<double>(panel.bars.size());
  std::string svg = absl::StrCat(
      Text(x, y + 14, kColumn, " class=\"title\"", panel.title),
      Text(x, y + 31, kColumn, " class=\"faint\"",
           absl::StrCat(panel.metric,
                        scale.logarithmic() ? " (logarithmic)" : "")),
      Grid(scale, left, top, bottom));
  for (size_t i = 0; i < panel.bars.size(); ++i) {
    absl::StrAppend(&svg, Row(panel.bars[i], scale, left,
                              top + kRow * static_cast<double>(i)));
  }
  return svg;
}

}  // namespace

std::string BarChartSvg(const std::vector<BarPanel>& panels) {
  // Each panel goes to the column that is shorter so far.
  std::vector<double> heights(panels.size() > 1 ? 2 : 1, kMargin);
  std::string body;
  for (const BarPanel& panel : panels) {
    const size_t column =
        std::min_element(heights.begin(), heights.end()) - heights.begin();
    const double x =
        kMargin + static_cast<double>(column) * (kColumn + kColumnGap);
    absl::StrAppend(&body, Panel(panel, x, heights[column]));
    heights[column] += HeightOf(panel);
  }
  const double width =
      2 * kMargin - kColumnGap +
      static_cast<double>(heights.size()) * (kColumn + kColumnGap);
  const double height = *std::max_element(heights.begin(), heights.end());
  return absl::StrCat(
      absl::StrFormat("<svg xmlns=\"http://www.w3.org/2000/svg\" "
                      "width=\"%.0f\" height=\"%.0f\" "
                      "viewBox=\"0 0 %.0f %.0f\">\n",
                      width, height, width, height),
      kStyle, "<rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n", body,
      "</svg>\n");
}

}  // namespace sluice
