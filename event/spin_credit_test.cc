#include "sluice/event/spin_credit.h"

#include "gtest/gtest.h"

namespace sluice {
namespace {

// Returns how many of `times` sleeps have a spin before them, if no spin finds
// anything.
int VainSpins(SpinCredit& credit, int times) {
  int spins = 0;
  for (int i = 0; i < times; ++i) {
    if (!credit.MaySpin()) continue;
    ++spins;
    credit.OnSpun(false);
  }
  return spins;
}

TEST(SpinCredit, VainSpinsAreTriedEightTimesAndThenOnceIn1024) {
  SpinCredit credit;
  EXPECT_EQ(VainSpins(credit, 8), 8);
  EXPECT_EQ(VainSpins(credit, 1023), 0);
  EXPECT_EQ(VainSpins(credit, 1), 1);
  EXPECT_EQ(VainSpins(credit, 1024 * 100), 100);
}

TEST(SpinCredit, GoesOnWhileHalfOfTheSpinsFindSomething) {
  SpinCredit credit;
  for (int i = 0; i < 1'000; ++i) {
    ASSERT_TRUE(credit.MaySpin());
    credit.OnSpun(i % 2 == 0);
  }
}

TEST(SpinCredit, OneFindBringsItBack) {
  SpinCredit credit;
  VainSpins(credit, 8);
  while (!credit.MaySpin()) {
  }
  credit.OnSpun(true);
  EXPECT_TRUE(credit.MaySpin());
  credit.OnSpun(true);
  EXPECT_EQ(VainSpins(credit, 100), 2);
}

}  // namespace
}  // namespace sluice
