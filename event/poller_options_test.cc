#include "sluice/event/poller_options.h"

#include <climits>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "sluice/base/status_matchers.h"

namespace sluice {
namespace {

TEST(PollerOptionsTest, MaxEventsIsFrom1ToWhatAnIntHolds) {
  const size_t most = INT_MAX;
  SLUICE_EXPECT_OK(CheckPollerOptions("P", {}));
  SLUICE_EXPECT_OK(CheckPollerOptions("P", {.max_events = 1}));
  SLUICE_EXPECT_OK(CheckPollerOptions("P", {.max_events = most}));
  EXPECT_EQ(CheckPollerOptions("P", {.max_events = 0}),
            absl::InvalidArgumentError(
                "P: max_events is 0, and must be 1 to 2147483647"));
  EXPECT_THAT(CheckPollerOptions("P", {.max_events = most + 1}),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace sluice
