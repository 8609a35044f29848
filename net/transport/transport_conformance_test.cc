#include "sluice/net/transport/transport_conformance.h"

#include <utility>

#include "gtest/gtest.h"
#include "sluice/event/event_loop.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/transport/deferred_transport.h"
#include "sluice/net/transport/record_codec.h"
#include "sluice/net/transport/record_transport.h"
#include "sluice/net/transport/socket_transport.h"
#include "sluice/net/transport/transport.h"

namespace sluice {
namespace {

template <TransportPtr (*kNewInner)(EventLoop* loop, Socket socket)>
TransportPtr NewRecordsOver(EventLoop* loop, Socket socket) {
  return NewRecordTransport(loop, kNewInner(loop, std::move(socket)));
}

INSTANTIATE_TEST_SUITE_P(
    Kernel, TransportConformanceTest,
    ::testing::Values(
        KernelTransportBackend("socket", NewSocketTransport),
        KernelTransportBackend("deferred", NewDeferredTransport),
        KernelTransportBackend("records_over_socket",
                               NewRecordsOver<NewSocketTransport>,
                               NewRecordPeerCodec),
        KernelTransportBackend("records_over_deferred",
                               NewRecordsOver<NewDeferredTransport>,
                               NewRecordPeerCodec)),
    TransportBackend::Name);

}  // namespace
}  // namespace sluice
