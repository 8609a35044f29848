#include "sluice/bench/report/significant.h"

#include "gtest/gtest.h"

namespace sluice {
namespace {

TEST(SignificantTest, ThreeDigitsAndNoExponent) {
  EXPECT_EQ(Significant(0), "0");
  EXPECT_EQ(Significant(0.01234), "0.0123");
  EXPECT_EQ(Significant(0.5), "0.500");
  EXPECT_EQ(Significant(2.7), "2.70");
  EXPECT_EQ(Significant(48.04), "48.0");
  EXPECT_EQ(Significant(931.2), "931");
  EXPECT_EQ(Significant(41634.4), "41634");
}

}  // namespace
}  // namespace sluice
