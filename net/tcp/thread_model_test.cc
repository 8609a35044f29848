#include "sluice/net/tcp/thread_model.h"

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"

namespace sluice {
namespace {

TEST(ThreadModelTest, NamesRoundTrip) {
  for (const ThreadModel model :
       {ThreadModel::kSingleLoop, ThreadModel::kReusePort}) {
    const auto parsed = ParseThreadModel(ThreadModelName(model));
    SLUICE_ASSERT_OK(parsed);
    EXPECT_EQ(*parsed, model);
  }
}

TEST(ThreadModelTest, AnUnknownNameIsRefusedByName) {
  EXPECT_THAT(ParseThreadModel("fibers"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       ::testing::HasSubstr("\"fibers\"")));
}

}  // namespace
}  // namespace sluice
