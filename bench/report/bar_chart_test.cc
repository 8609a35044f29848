#include "sluice/bench/report/bar_chart.h"

#include <regex>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// Returns the widths of the bars whose class is `kind`, in order.
std::vector<double> Widths(const std::string& svg, const std::string& kind) {
  const std::regex bar("<rect class=\"" + kind + "\".* width=\"([0-9.]+)\"");
  std::vector<double> widths;
  for (std::sregex_iterator i(svg.begin(), svg.end(), bar), end; i != end;
       ++i) {
    widths.push_back(std::stod((*i)[1]));
  }
  return widths;
}

Bar Steady(const std::string& label, double value, BarKind kind) {
  return {label, {value, value, value}, kind};
}

TEST(BarChartTest, BarsAreAsLongAsTheirMediansAndMarkedByKind) {
  const std::string svg =
      BarChartSvg({{"a case",
                    "ns",
                    {Steady("limit", 50, BarKind::kLimit),
                     Steady("Sluice", 100, BarKind::kSluice),
                     Steady("peer", 200, BarKind::kPeer)}}});
  const double whole = Widths(svg, "peer").at(0);
  EXPECT_THAT(Widths(svg, "limit"), ElementsAre(whole / 4));
  EXPECT_THAT(Widths(svg, "sluice"), ElementsAre(whole / 2));
  EXPECT_THAT(svg, HasSubstr(">100</text>"));
  EXPECT_THAT(svg, Not(HasSubstr("logarithmic")));
}

TEST(BarChartTest, AWideRangeHasALogarithmicScaleWithANote) {
  const std::string svg =
      BarChartSvg({{"a case",
                    "ns",
                    {Steady("limit", 10, BarKind::kLimit),
                     Steady("Sluice", 100, BarKind::kSluice),
                     Steady("peer", 1000, BarKind::kPeer)}}});
  EXPECT_THAT(svg, HasSubstr(">ns (logarithmic)</text>"));
  const double limit = Widths(svg, "limit").at(0);
  EXPECT_GT(limit, 0);
  // All decades of a logarithmic scale have the same width.
  EXPECT_NEAR(Widths(svg, "sluice").at(0), 2 * limit, 0.2);
  EXPECT_NEAR(Widths(svg, "peer").at(0), 3 * limit, 0.2);
}

TEST(BarChartTest, OneOutlierMakesTheScaleLogarithmicToo) {
  const Bar outlier = {"peer", {1, 1, 100}, BarKind::kPeer};
  EXPECT_THAT(BarChartSvg({{"a case", "ns", {outlier}}}),
              HasSubstr("logarithmic"));
}

TEST(BarChartTest, NumbersOfTheScaleKeepApart) {
  const auto scale_of = [](double value) {
    return BarChartSvg(
        {{"a case", "ns", {Steady("x", value, BarKind::kPeer)}}});
  };
  EXPECT_THAT(scale_of(19'000), HasSubstr(">15000</text>"));
  EXPECT_THAT(scale_of(19'000), Not(HasSubstr(">2000</text>")));
  EXPECT_THAT(scale_of(95), HasSubstr(">80</text>"));
  EXPECT_THAT(scale_of(95), Not(HasSubstr(">10</text>")));
}

TEST(BarChartTest, PanelsStandInTwoColumns) {
  const std::vector<Bar> bars = {Steady("x", 1, BarKind::kPeer)};
  EXPECT_THAT(BarChartSvg({{"first", "ns", bars}}), HasSubstr("width=\"532\""));
  const std::string svg =
      BarChartSvg({{"first", "ns", bars}, {"second", "ns", bars}});
  EXPECT_THAT(svg, HasSubstr("<text x=\"16.0\" y=\"30.0\" class=\"title\">"
                             "first</text>"));
  EXPECT_THAT(svg, HasSubstr("<text x=\"540.0\" y=\"30.0\" class=\"title\">"
                             "second</text>"));
  EXPECT_THAT(svg, HasSubstr("width=\"1056\""));
}

TEST(BarChartTest, TextIsEscapedAndSqueezedIntoItsPlace) {
  const std::string svg = BarChartSvg(
      {{"a < b & c", "ns", {Steady(std::string(60, 'x'), 1, BarKind::kPeer)}}});
  EXPECT_THAT(svg, HasSubstr(">a &lt; b &amp; c</text>"));
  EXPECT_THAT(svg, HasSubstr("textLength=\"222\""));
}

TEST(BarChartTest, AValueOfZeroHasNoBar) {
  EXPECT_THAT(
      Widths(BarChartSvg({{"a", "ns", {Steady("x", 0, BarKind::kPeer)}}}),
             "peer"),
      ElementsAre(0));
}

}  // namespace
}  // namespace sluice
