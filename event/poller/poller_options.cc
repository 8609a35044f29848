#include "sluice/event/poller/poller_options.h"

#include "absl/strings/str_cat.h"
#include "sluice/base/check_option.h"

namespace sluice {

absl::Status CheckPollerOptions(absl::string_view poller,
                                const PollerOptions& options) {
  constexpr size_t kMostEvents = 65536;
  return CheckOption(absl::StrCat(poller, ": max_events"), options.max_events,
                     1, kMostEvents);
}

}  // namespace sluice
