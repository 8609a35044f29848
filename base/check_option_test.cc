#include "sluice/base/check_option.h"

#include <climits>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"

namespace sluice {
namespace {

TEST(CheckOptionTest, BothEndsOfTheRangeAreValid) {
  SLUICE_EXPECT_OK(CheckOption("C: n", 1, 1, 3));
  SLUICE_EXPECT_OK(CheckOption("C: n", 3, 1, 3));
  SLUICE_EXPECT_OK(CheckOption("C: n", SIZE_MAX, 1, SIZE_MAX));
  SLUICE_EXPECT_OK(CheckOption("C: t", absl::InfiniteDuration(),
                               absl::ZeroDuration(), absl::InfiniteDuration()));
}

TEST(CheckOptionTest, TheErrorNamesOptionValueAndRange) {
  EXPECT_EQ(CheckOption("C: n", 4, 1, 3),
            absl::InvalidArgumentError("C: n is 4, and must be 1 to 3"));
  EXPECT_EQ(CheckOption("C: n", INT_MIN, 1, INT_MAX),
            absl::InvalidArgumentError(
                "C: n is -2147483648, and must be at least 1"));
  EXPECT_EQ(CheckOption("C: n", size_t{0}, 1, SIZE_MAX),
            absl::InvalidArgumentError("C: n is 0, and must be at least 1"));
  EXPECT_EQ(CheckOption("C: t", absl::InfiniteDuration(), absl::Nanoseconds(1),
                        absl::Hours(1)),
            absl::InvalidArgumentError("C: t is inf, and must be 1ns to 1h"));
  EXPECT_EQ(
      CheckOption("C: t", -absl::InfiniteDuration(), absl::Nanoseconds(1),
                  absl::InfiniteDuration()),
      absl::InvalidArgumentError("C: t is -inf, and must be at least 1ns"));
}

TEST(CheckOptionTest, ANanIsInNoRange) {
  EXPECT_EQ(CheckOption("C: p", std::numeric_limits<double>::quiet_NaN(), 0, 1),
            absl::InvalidArgumentError("C: p is nan, and must be 0 to 1"));
}

}  // namespace
}  // namespace sluice
