#include <memory>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "sluice/event/event_loop.h"
#include "sluice/net/sim/sim_network.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/transport/deferred_transport.h"
#include "sluice/net/transport/platform.h"
#include "sluice/net/transport/socket_transport.h"
#include "sluice/net/transport/transport.h"
#include "sluice/net/transport/transport_conformance.h"

namespace sluice {
namespace {

// One host, whose loop runs iterations when the test asks for them.
class SimTransportWorld final : public TransportWorld {
 public:
  using NewTransport = TransportPtr (*)(EventLoop* loop, Socket socket);

  explicit SimTransportWorld(NewTransport new_transport) {
    const Platform& host = network_.AddHost("host")->platform();
    platform_.clock = host.clock;
    platform_.sockets = host.sockets;
    platform_.new_poller = [&host] { return host.new_poller(); };
    platform_.new_transport = new_transport;
  }
  const Platform& platform() const override { return platform_; }

 private:
  // As large as the suite expects of the kernel's buffers.
  SimNetwork network_{{.tcp = {.buffer_bytes = 256 * 1024}}};
  Platform platform_;
};

TransportBackend SimTransportBackend(
    std::string name, SimTransportWorld::NewTransport new_transport) {
  return {std::move(name), [new_transport] {
            return std::make_unique<SimTransportWorld>(new_transport);
          }};
}

INSTANTIATE_TEST_SUITE_P(
    Sim, TransportConformanceTest,
    ::testing::Values(SimTransportBackend("socket", NewSocketTransport),
                      SimTransportBackend("deferred", NewDeferredTransport)),
    TransportBackend::Name);

}  // namespace
}  // namespace sluice
