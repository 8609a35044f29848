#ifndef SLUICE_TESTS_OWN_POLLER_H_
#define SLUICE_TESTS_OWN_POLLER_H_

#include <cstddef>
#include <memory>

#include "absl/status/statusor.h"
#include "sluice/event/poller/poller.h"

namespace own {

// A backend outside of //event, as a user may write one (testonly): it leaves
// all work to another, and could count or delay on the way.
absl::StatusOr<std::unique_ptr<sluice::Poller>> NewOwnPoller(size_t max_events);

}  // namespace own

#endif  // SLUICE_TESTS_OWN_POLLER_H_
