#ifndef SLUICE_EVENT_POLLER_REGISTRATION_ERRORS_H_
#define SLUICE_EVENT_POLLER_REGISTRATION_ERRORS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace sluice {

// Why a poller that keeps its registrations itself refuses a call; epoll's are
// the kernel's, and so are its errors. `call` is "PollPoller::Add".
// Thread-safe.

absl::Status AlreadyWatched(absl::string_view call, int fd);
absl::Status NotWatched(absl::string_view call, int fd);
// Not open.
absl::Status BadDescriptor(absl::string_view call, int fd);

// BadDescriptor() of a descriptor that poll(2) cannot watch, by asking it.
absl::Status CheckDescriptor(absl::string_view call, int fd);

}  // namespace sluice

#endif  // SLUICE_EVENT_POLLER_REGISTRATION_ERRORS_H_
