#include "sluice/base/testing/status_matchers.h"

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest-spi.h"
#include "gtest/gtest.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(StatusMatchersTest, MatchTheCodeAndTheMessage) {
  const absl::Status status = absl::NotFoundError("no such file");
  EXPECT_THAT(absl::OkStatus(), IsOk());
  EXPECT_THAT(status, Not(IsOk()));
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(status, Not(StatusIs(absl::StatusCode::kAborted)));
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kNotFound, HasSubstr("such")));
  EXPECT_THAT(status,
              Not(StatusIs(absl::StatusCode::kNotFound, HasSubstr("x"))));
}

TEST(StatusMatchersTest, TakeAStatusOr) {
  absl::StatusOr<std::unique_ptr<int>> status_or = absl::NotFoundError("no");
  EXPECT_THAT(status_or, StatusIs(absl::StatusCode::kNotFound, "no"));
  status_or = std::make_unique<int>(1);
  EXPECT_THAT(status_or, IsOk());
}

// The failure says "NOT_FOUND: no such file", and not which bytes the object
// has.
TEST(StatusMatchersTest, AFailurePrintsTheStatusInWords) {
  EXPECT_NONFATAL_FAILURE(
      EXPECT_THAT(absl::NotFoundError("no such file"), IsOk()),
      "Expected: is OK\n  Actual: NOT_FOUND: no such file");
}

TEST(StatusMatchersTest, AFailurePrintsAStatusOrInWords) {
  EXPECT_NONFATAL_FAILURE(EXPECT_THAT(absl::StatusOr<std::string>(
                                          absl::NotFoundError("no such file")),
                                      IsOk()),
                          "Expected: is OK\n  Actual: NOT_FOUND: no such file");
  EXPECT_NONFATAL_FAILURE(EXPECT_THAT(absl::StatusOr<std::string>("text"),
                                      StatusIs(absl::StatusCode::kNotFound)),
                          "Expected: has code NOT_FOUND\n  Actual: OK");
}

}  // namespace
}  // namespace sluice
