#ifndef SLUICE_EVENT_POLLER_POLLER_KIND_H_
#define SLUICE_EVENT_POLLER_POLLER_KIND_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "sluice/event/poller/poller.h"
#include "sluice/event/poller/poller_options.h"

namespace sluice {

// The pollers on the kernel's descriptors, for a program that chooses one by a
// flag.
enum class PollerKind : uint8_t {
  kAuto,    // "auto": epoll, or poll where epoll is refused
  kEpoll,   // "epoll"
  kPoll,    // "poll"
  kSelect,  // "select"
};

// Parses the value of a flag: one of the names above. Returns kInvalidArgument
// if there is no such poller; the message has the value and the possible
// values.
absl::StatusOr<PollerKind> ParsePollerKind(absl::string_view flag);
// Returns the name that ParsePollerKind() takes, in static storage.
absl::string_view PollerKindName(PollerKind kind);

// Creates a poller, with the default options of its class or with `options`.
// Returns the errors of the class's Create(). kAuto creates an EpollPoller, or
// a PollPoller if the kernel has no epoll (ENOSYS) or a seccomp filter refuses
// it (EPERM); Poller::name() then is "epoll" or "poll".
absl::StatusOr<std::unique_ptr<Poller>> NewPoller(PollerKind kind);
absl::StatusOr<std::unique_ptr<Poller>> NewPoller(PollerKind kind,
                                                  PollerOptions options);

// Returns the limit of such a poller, which takes descriptors below that number
// only. Returns INT_MAX if there is no limit.
int DescriptorLimit(PollerKind kind);

}  // namespace sluice

#endif  // SLUICE_EVENT_POLLER_POLLER_KIND_H_
