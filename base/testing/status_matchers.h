#ifndef SLUICE_BASE_TESTING_STATUS_MATCHERS_H_
#define SLUICE_BASE_TESTING_STATUS_MATCHERS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"

// Matchers for absl::Status and absl::StatusOr (testonly): what Abseil has in
// later releases.
namespace sluice {
namespace base_internal {

inline const absl::Status& GetStatus(const absl::Status& status) {
  return status;
}
template <typename T>
const absl::Status& GetStatus(const absl::StatusOr<T>& status_or) {
  return status_or.status();
}

}  // namespace base_internal

// EXPECT_THAT(DoIt(), IsOk());
MATCHER(IsOk, "is OK") {
  const absl::Status& status = base_internal::GetStatus(arg);
  *result_listener << status;
  return status.ok();
}

// EXPECT_THAT(DoIt(), StatusIs(absl::StatusCode::kNotFound));
MATCHER_P(StatusIs, code, "has code " + absl::StatusCodeToString(code)) {
  const absl::Status& status = base_internal::GetStatus(arg);
  *result_listener << status;
  return status.code() == code;
}

// EXPECT_THAT(DoIt(), StatusIs(absl::StatusCode::kNotFound, HasSubstr("x")));
MATCHER_P2(StatusIs, code, message,
           "has code " + absl::StatusCodeToString(code) +
               " and a message that " +
               ::testing::DescribeMatcher<std::string>(message)) {
  const absl::Status& status = base_internal::GetStatus(arg);
  *result_listener << status;
  return status.code() == code &&
         ::testing::Matches(message)(std::string(status.message()));
}

}  // namespace sluice

#define SLUICE_ASSERT_OK(expression) ASSERT_THAT(expression, ::sluice::IsOk())
#define SLUICE_EXPECT_OK(expression) EXPECT_THAT(expression, ::sluice::IsOk())

#endif  // SLUICE_BASE_TESTING_STATUS_MATCHERS_H_
