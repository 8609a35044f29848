#ifndef SLUICE_EVENT_POLLER_POLLER_OPTIONS_H_
#define SLUICE_EVENT_POLLER_POLLER_OPTIONS_H_

#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace sluice {

// What each poller of this library is made with. Value type.
struct PollerOptions {
  // Per Wait(); 1 to 65536. A poller has room for so many from the start.
  size_t max_events = 256;
};

// The default of backends whose Wait() costs what is registered rather than
// what is ready: one that returns more spreads that over more.
inline constexpr PollerOptions kOptionsForCostlyWaits = {.max_events = 1024};

// kInvalidArgument names `poller`, the option and its bounds.
absl::Status CheckPollerOptions(absl::string_view poller,
                                const PollerOptions& options);

}  // namespace sluice

#endif  // SLUICE_EVENT_POLLER_POLLER_OPTIONS_H_
