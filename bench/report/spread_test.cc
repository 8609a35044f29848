#include "sluice/bench/report/spread.h"

#include "gtest/gtest.h"

namespace sluice {
namespace {

TEST(SpreadTest, IsExactForOddAndEvenCounts) {
  const Spread odd = SpreadOf({3, 1, 100});
  EXPECT_EQ(odd.median, 3);
  EXPECT_EQ(odd.min, 1);
  EXPECT_EQ(odd.max, 100);
  EXPECT_EQ(SpreadOf({4, 1, 2, 100}).median, 3);
  EXPECT_EQ(SpreadOf({7}).median, 7);
}

TEST(SpreadTest, RatiosArePairedByRound) {
  // The machine slows down fourfold: no ratio shows it.
  const Spread ratios = PairedRatios({2, 4, 12}, {1, 2, 4});
  EXPECT_EQ(ratios.median, 2);
  EXPECT_EQ(ratios.min, 2);
  EXPECT_EQ(ratios.max, 3);
}

TEST(SpreadDeathTest, RefusesZeroRoundsAndUnequalSeries) {
  EXPECT_DEATH(SpreadOf({}), "empty");
  EXPECT_DEATH(PairedRatios({1, 2}, {1}), "size");
}

}  // namespace
}  // namespace sluice
