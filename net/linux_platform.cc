#include "sluice/net/linux_platform.h"

#include "sluice/event/epoll_poller.h"
#include "sluice/net/kernel_sockets.h"
#include "sluice/net/socket_transport.h"
#include "sluice/timer/clock.h"

namespace sluice {

Platform LinuxPlatform() {
  Platform platform;
  platform.clock = Clock::Real();
  platform.sockets = KernelSockets();
  platform.new_poller = [] { return EpollPoller::Create(); };
  platform.new_transport = NewSocketTransport;
  return platform;
}

}  // namespace sluice
