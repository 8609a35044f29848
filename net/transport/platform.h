#ifndef SLUICE_NET_TRANSPORT_PLATFORM_H_
#define SLUICE_NET_TRANSPORT_PLATFORM_H_

#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "sluice/event/event_loop.h"
#include "sluice/event/poller/poller.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/transport/transport.h"
#include "sluice/timer/clock.h"

namespace sluice {

// The outside world as one value, so that a program cannot combine a real
// poller with a simulated socket. main() uses LinuxPlatform(); a test uses the
// platform of a simulated host. The objects behind the pointers must outlive
// all users. Thread-safe while nobody changes it, its factories too.
struct Platform {
  const Clock* clock = nullptr;
  SocketApi* sockets = nullptr;
  absl::AnyInvocable<absl::StatusOr<std::unique_ptr<Poller>>() const>
      new_poller = nullptr;
  // Creates the transport of a connected socket, bound to `loop`: plain, or a
  // stack that ends in TLS. Called on `loop`.
  absl::AnyInvocable<TransportPtr(EventLoop* loop, Socket socket) const>
      new_transport = nullptr;
};

// Creates a loop of this world. Replaces the poller and the clock of `options`
// by those of `platform`. Returns the errors of new_poller and of
// EventLoop::Create(). Thread-safe, as Platform is.
absl::StatusOr<std::unique_ptr<EventLoop>> NewEventLoop(
    const Platform& platform, EventLoop::Options options = {});

}  // namespace sluice

#endif  // SLUICE_NET_TRANSPORT_PLATFORM_H_
