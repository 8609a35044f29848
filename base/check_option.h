#ifndef SLUICE_BASE_CHECK_OPTION_H_
#define SLUICE_BASE_CHECK_OPTION_H_

#include <concepts>
#include <limits>
#include <string>
#include <type_traits>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace sluice {
namespace option_internal {

// Returns the error of CheckOption(). If `high` is empty, the message says "at
// least `low`".
absl::Status OutOfRange(absl::string_view option, absl::string_view value,
                        absl::string_view low, absl::string_view high);

inline std::string Text(absl::Duration value) {
  return absl::FormatDuration(value);
}
template <typename T>
requires std::integral<T> || std::floating_point<T> std::string Text(T value) {
  return absl::StrCat(value);
}

inline bool IsNoBound(absl::Duration high) {
  return high == absl::InfiniteDuration();
}
template <typename T>
bool IsNoBound(T high) {
  return high == std::numeric_limits<T>::max();
}

}  // namespace option_internal

// Checks an option of a factory that returns a Status. Returns OK if `value` is
// at least `low` and at most `high`. Otherwise, and for a NaN, returns
// kInvalidArgument with the message
//   "EventLoop: max_posted is 0, and must be 1 to 1048576"
// in which `option` is "EventLoop: max_posted". If `high` is the largest value
// of its type (for a Duration, InfiniteDuration()), there is no upper bound.
template <typename T>
absl::Status CheckOption(absl::string_view option, T value,
                         std::type_identity_t<T> low,
                         std::type_identity_t<T> high) {
  if (value >= low && value <= high) return absl::OkStatus();
  return option_internal::OutOfRange(
      option, option_internal::Text(value), option_internal::Text(low),
      option_internal::IsNoBound(high) ? "" : option_internal::Text(high));
}

}  // namespace sluice

#endif  // SLUICE_BASE_CHECK_OPTION_H_
