#include <memory>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "sluice/event/event_loop.h"
#include "sluice/net/sim/sim_network.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/transport/deferred_transport.h"
#include "sluice/net/transport/platform.h"
#include "sluice/net/transport/record_codec.h"
#include "sluice/net/transport/record_transport.h"
#include "sluice/net/transport/socket_transport.h"
#include "sluice/net/transport/transport.h"
#include "sluice/net/transport/transport_conformance.h"
#include "sluice/net/transport/transport_link.h"
#include "sluice/net/transport/transport_peer_codec.h"

namespace sluice {
namespace {

// One host, whose loop runs iterations when the test asks for them.
class SimTransportWorld final : public TransportWorld {
 public:
  using NewTransport = TransportPtr (*)(EventLoop* loop, Socket socket);

  using NewCodec = std::unique_ptr<TransportPeerCodec> (*)();

  SimTransportWorld(NewTransport new_transport, NewCodec new_codec)
      : new_codec_(new_codec) {
    const Platform& host = network_.AddHost("host")->platform();
    platform_.clock = host.clock;
    platform_.sockets = host.sockets;
    platform_.new_poller = [&host] { return host.new_poller(); };
    platform_.new_transport = new_transport;
  }
  const Platform& platform() const override { return platform_; }
  std::unique_ptr<TransportPeerCodec> NewPeerCodec() const override {
    return new_codec_();
  }

 private:
  // As large as the suite expects of the kernel's buffers.
  SimNetwork network_{{.tcp = {.buffer_bytes = 256 * 1024}}};
  Platform platform_;
  const NewCodec new_codec_;
};

template <SimTransportWorld::NewTransport kNewInner>
TransportPtr NewRecordsOver(EventLoop* loop, Socket socket) {
  return NewRecordTransport(loop, kNewInner(loop, std::move(socket)));
}

TransportBackend SimTransportBackend(
    std::string name, SimTransportWorld::NewTransport new_transport,
    SimTransportWorld::NewCodec new_codec = NewPlainPeerCodec) {
  return {std::move(name), [new_transport, new_codec] {
            return std::make_unique<SimTransportWorld>(new_transport,
                                                       new_codec);
          }};
}

INSTANTIATE_TEST_SUITE_P(
    Sim, TransportConformanceTest,
    ::testing::Values(SimTransportBackend("socket", NewSocketTransport),
                      SimTransportBackend("deferred", NewDeferredTransport),
                      SimTransportBackend("records_over_socket",
                                          NewRecordsOver<NewSocketTransport>,
                                          NewRecordPeerCodec),
                      SimTransportBackend("records_over_deferred",
                                          NewRecordsOver<NewDeferredTransport>,
                                          NewRecordPeerCodec)),
    TransportBackend::Name);

}  // namespace
}  // namespace sluice
