#ifndef SLUICE_NET_TRANSPORT_LINUX_PLATFORM_H_
#define SLUICE_NET_TRANSPORT_LINUX_PLATFORM_H_

#include "sluice/event/poller/poller_kind.h"
#include "sluice/net/transport/platform.h"

namespace sluice {

// Returns the world of this machine: the monotonic clock, the kernel's sockets,
// pollers of kind `poller`, and plain transports. The caller may replace fields
// before use.
Platform LinuxPlatform(PollerKind poller = PollerKind::kAuto);

}  // namespace sluice

#endif  // SLUICE_NET_TRANSPORT_LINUX_PLATFORM_H_
