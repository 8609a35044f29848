#ifndef SLUICE_EVENT_POLLER_POLLER_KIND_H_
#define SLUICE_EVENT_POLLER_POLLER_KIND_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "sluice/event/poller/poller.h"
#include "sluice/event/poller/poller_options.h"

namespace sluice {

// The pollers on the kernel's descriptors, to be chosen by a flag.
enum class PollerKind : uint8_t {
  kAuto,    // "auto": epoll, or poll where epoll is refused
  kEpoll,   // "epoll"
  kPoll,    // "poll"
  kSelect,  // "select"
};

// The value of a flag. kInvalidArgument names the value and what there is.
absl::StatusOr<PollerKind> ParsePollerKind(absl::string_view flag);
// "epoll". Of static storage.
absl::string_view PollerKindName(PollerKind kind);

// With the backend's own options, or those given. The errors of the backend's
// Create(). kAuto falls back on poll when a kernel
// has no epoll or a container's filter refuses it (ENOSYS, EPERM); the name()
// of the poller tells.
absl::StatusOr<std::unique_ptr<Poller>> NewPoller(PollerKind kind);
absl::StatusOr<std::unique_ptr<Poller>> NewPoller(PollerKind kind,
                                                  PollerOptions options);

// Such a poller takes descriptors below this number. INT_MAX: any.
int DescriptorLimit(PollerKind kind);

}  // namespace sluice

#endif  // SLUICE_EVENT_POLLER_POLLER_KIND_H_
