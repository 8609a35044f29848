#ifndef SLUICE_BASE_TESTING_STATUS_MATCHERS_H_
#define SLUICE_BASE_TESTING_STATUS_MATCHERS_H_

#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"

namespace absl {

// Prints the status of `status_or` when an expectation fails. googletest, which
// finds this function by its name, would print the bytes of the object.
template <typename T>
void PrintTo(const StatusOr<T>& status_or, std::ostream* out) {
  *out << status_or.status();
}

}  // namespace absl

// Matchers for absl::Status and absl::StatusOr (testonly). The pinned release
// of Abseil has none.
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
MATCHER(IsOk, "is OK") { return base_internal::GetStatus(arg).ok(); }

// EXPECT_THAT(DoIt(), StatusIs(absl::StatusCode::kNotFound));
MATCHER_P(StatusIs, code, "has code " + absl::StatusCodeToString(code)) {
  return base_internal::GetStatus(arg).code() == code;
}

// EXPECT_THAT(DoIt(), StatusIs(absl::StatusCode::kNotFound, HasSubstr("x")));
MATCHER_P2(StatusIs, code, message,
           "has code " + absl::StatusCodeToString(code) +
               " and a message that " +
               ::testing::DescribeMatcher<std::string>(message)) {
  const absl::Status& status = base_internal::GetStatus(arg);
  return status.code() == code &&
         ::testing::Matches(message)(std::string(status.message()));
}

}  // namespace sluice

// Take a Status or a StatusOr. SLUICE_ASSERT_OK() returns from the function if
// the expression is not OK.
#define SLUICE_ASSERT_OK(expression) ASSERT_THAT(expression, ::sluice::IsOk())
#define SLUICE_EXPECT_OK(expression) EXPECT_THAT(expression, ::sluice::IsOk())

#endif  // SLUICE_BASE_TESTING_STATUS_MATCHERS_H_
