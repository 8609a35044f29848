#include "sluice/base/testing/test_seed.h"

#include <stdlib.h>

#include "gtest/gtest.h"

namespace sluice {
namespace {

TEST(TestSeedTest, IsTheSeedInTheEnvironmentOrANewOneEachTime) {
  ASSERT_EQ(setenv("SLUICE_SEED", "12345678901", /*overwrite=*/1), 0);
  EXPECT_EQ(TestSeed(), 12345678901u);
  EXPECT_EQ(TestSeed(), 12345678901u);
  ASSERT_EQ(unsetenv("SLUICE_SEED"), 0);
  const uint64_t first = TestSeed();
  int same = 0;
  for (int i = 0; i < 10; ++i) same += TestSeed() == first ? 1 : 0;
  EXPECT_LT(same, 10);
}

}  // namespace
}  // namespace sluice
