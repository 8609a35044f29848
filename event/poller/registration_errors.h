#ifndef SLUICE_EVENT_POLLER_REGISTRATION_ERRORS_H_
#define SLUICE_EVENT_POLLER_REGISTRATION_ERRORS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace sluice {

// Errors of pollers that keep their registrations in user space. The kernel
// keeps those of epoll, and returns its own errors. `call` is the name of the
// call, such as "PollPoller::Add". Thread-safe.

absl::Status AlreadyWatched(absl::string_view call, int fd);
absl::Status NotWatched(absl::string_view call, int fd);
// Returns kFailedPrecondition: `fd` is not open.
absl::Status BadDescriptor(absl::string_view call, int fd);

// Returns BadDescriptor() if poll(2) says that it cannot watch `fd`.
absl::Status CheckDescriptor(absl::string_view call, int fd);

}  // namespace sluice

#endif  // SLUICE_EVENT_POLLER_REGISTRATION_ERRORS_H_
