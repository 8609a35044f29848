#include "sluice/event/poller/poller_options.h"

#include <climits>
#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"

namespace sluice {
namespace {

TEST(PollerOptionsTest, RefusesEachOptionOutOfRange) {
  SLUICE_EXPECT_OK(CheckPollerOptions("P", {}));
  SLUICE_EXPECT_OK(CheckPollerOptions("P", {.max_events = 1}));
  SLUICE_EXPECT_OK(CheckPollerOptions("P", {.max_events = 65536}));
  EXPECT_EQ(
      CheckPollerOptions("P", {.max_events = 0}),
      absl::InvalidArgumentError("P: max_events is 0, and must be 1 to 65536"));
  for (const size_t too_many : {size_t{65537}, size_t{INT_MAX}, SIZE_MAX}) {
    EXPECT_THAT(CheckPollerOptions("P", {.max_events = too_many}),
                StatusIs(absl::StatusCode::kInvalidArgument));
  }
}

}  // namespace
}  // namespace sluice
