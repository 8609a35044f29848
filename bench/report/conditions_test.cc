#include "sluice/bench/report/conditions.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sluice {
namespace {

using ::testing::MatchesRegex;

TEST(ConditionsTest, MachineIsProcessorsKernelAndCompiler) {
  EXPECT_THAT(MachineConditions(),
              MatchesRegex("[0-9]+ CPUs of [^;]+; Linux [^;]+; [^;]+"));
}

TEST(ConditionsTest, VersionOfAnInstalledPackageAndOfNone) {
  EXPECT_THAT(PackageVersions({"dpkg", "no-such-package"}),
              MatchesRegex("dpkg [0-9.]+[^ ]*, no-such-package unknown"));
}

}  // namespace
}  // namespace sluice
