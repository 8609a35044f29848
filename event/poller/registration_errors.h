#ifndef SLUICE_EVENT_POLLER_REGISTRATION_ERRORS_H_
#define SLUICE_EVENT_POLLER_REGISTRATION_ERRORS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace sluice {

// Errors of pollers that keep their registrations in user space. For epoll, the
// kernel keeps the registrations and returns its own errors. `call` is the name
// of the call, such as "PollPoller::Add". Thread-safe.

// Returns kAlreadyExists.
absl::Status AlreadyWatched(absl::string_view call, int fd);
// Returns kNotFound.
absl::Status NotWatched(absl::string_view call, int fd);
// Returns kFailedPrecondition: `fd` is not open.
absl::Status BadDescriptor(absl::string_view call, int fd);

// Returns OK, or BadDescriptor() if poll(2) says that it cannot watch `fd`.
// Makes one system call.
absl::Status CheckDescriptor(absl::string_view call, int fd);

}  // namespace sluice

#endif  // SLUICE_EVENT_POLLER_REGISTRATION_ERRORS_H_
