#include "sluice/base/check_option.h"

namespace sluice::option_internal {

absl::Status OutOfRange(absl::string_view option, absl::string_view value,
                        absl::string_view low, absl::string_view high) {
  return absl::InvalidArgumentError(
      high.empty()
          ? absl::StrCat(option, " is ", value, ", and must be at least ", low)
          : absl::StrCat(option, " is ", value, ", and must be ", low, " to ",
                         high));
}

}  // namespace sluice::option_internal
