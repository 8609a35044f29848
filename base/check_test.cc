#include "sluice/base/check.h"

#include "gtest/gtest.h"

namespace sluice {
namespace {

TEST(CheckTest, HoldingConditionContinues) {
  int evaluated = 0;
  SLUICE_CHECK(++evaluated == 1);
  EXPECT_EQ(evaluated, 1);
}

TEST(CheckDeathTest, FailureNamesFileAndExpression) {
  const int two = 2;
  EXPECT_DEATH(SLUICE_CHECK(1 + 1 != two),
               "check_test.cc:[0-9]+: SLUICE_CHECK failed: 1 \\+ 1 != two");
}

TEST(CheckDeathTest, DcheckEvaluatesInDebugBuildsOnly) {
#ifdef NDEBUG
  int evaluated = 0;
  SLUICE_DCHECK(++evaluated == 0);
  EXPECT_EQ(evaluated, 0);
#else
  EXPECT_DEATH(SLUICE_DCHECK(false), "SLUICE_CHECK failed: false");
#endif
}

}  // namespace
}  // namespace sluice
