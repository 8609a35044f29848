#include "sluice/bench/report/comparison_table.h"

#include "gtest/gtest.h"

namespace sluice {
namespace {

TEST(ComparisonTableTest, RatiosArePairedByRound) {
  // The machine slows down fourfold; the peer takes twice the time of Sluice.
  EXPECT_EQ(ComparisonTable("ns per timer", {{"limit", {1, 2, 4}, ""},
                                             {"Sluice", {2, 4, 8}, ""},
                                             {"peer", {4, 8, 16}, ""}}),
            "| | ns per timer | of the limit's | Sluice's of it |\n"
            "|---|--:|--:|--:|\n"
            "| limit | 2.00 (1.00 to 4.00) | 1 | 2.00 (2.00 to 2.00) |\n"
            "| Sluice | 4.00 (2.00 to 8.00) | 2.00 (2.00 to 2.00) | 1 |\n"
            "| peer | 8.00 (4.00 to 16.0) | 4.00 (4.00 to 4.00) | "
            "0.500 (0.500 to 0.500) |\n");
}

TEST(ComparisonTableTest, AFailedContenderHasARowAndNoRatio) {
  EXPECT_EQ(ComparisonTable("ns", {{"limit", {0}, ""},
                                   {"Sluice", {4}, ""},
                                   {"peer", {}, "killed by signal 11"}}),
            "| | ns | of the limit's | Sluice's of it |\n"
            "|---|--:|--:|--:|\n"
            "| limit | 0 (0 to 0) | 1 | - |\n"
            "| Sluice | 4.00 (4.00 to 4.00) | - | 1 |\n"
            "| peer | killed by signal 11 | - | - |\n");
}

}  // namespace
}  // namespace sluice
