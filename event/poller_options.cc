#include "sluice/event/poller_options.h"

#include <climits>

#include "absl/strings/str_cat.h"

namespace sluice {

absl::Status CheckPollerOptions(absl::string_view poller,
                                const PollerOptions& options) {
  if (options.max_events >= 1 && options.max_events <= INT_MAX) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat(poller, ": max_events is ", options.max_events,
                   ", and must be 1 to ", INT_MAX));
}

}  // namespace sluice
