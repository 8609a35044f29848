#include "sluice/net/transport/linux_platform.h"

#include "sluice/net/socket/kernel_sockets.h"
#include "sluice/net/transport/socket_transport.h"
#include "sluice/timer/clock.h"

namespace sluice {

Platform LinuxPlatform(PollerKind poller) {
  Platform platform;
  platform.clock = Clock::Real();
  platform.sockets = KernelSockets();
  platform.new_poller = [poller] { return NewPoller(poller); };
  platform.new_transport = NewSocketTransport;
  return platform;
}

}  // namespace sluice
