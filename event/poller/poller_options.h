#ifndef SLUICE_EVENT_POLLER_POLLER_OPTIONS_H_
#define SLUICE_EVENT_POLLER_POLLER_OPTIONS_H_

#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace sluice {

// The options of each poller of this library. Value type.
struct PollerOptions {
  // The most events that one Wait() returns: 1 to 65536. A poller allocates
  // memory for this many events when it is created.
  size_t max_events = 256;
};

// The default options of pollers whose Wait() takes O(descriptors) time instead
// of O(ready): more events per Wait() make each event cheaper.
inline constexpr PollerOptions kOptionsForCostlyWaits = {.max_events = 1024};

// Checks the bounds of `options`. Returns kInvalidArgument if an option is out
// of bounds; the message names `poller`, the option and its bounds.
absl::Status CheckPollerOptions(absl::string_view poller,
                                const PollerOptions& options);

}  // namespace sluice

#endif  // SLUICE_EVENT_POLLER_POLLER_OPTIONS_H_
