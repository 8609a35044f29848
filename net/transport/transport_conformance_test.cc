#include "sluice/net/transport/transport_conformance.h"

#include "gtest/gtest.h"
#include "sluice/net/transport/deferred_transport.h"
#include "sluice/net/transport/socket_transport.h"

namespace sluice {
namespace {

INSTANTIATE_TEST_SUITE_P(
    Kernel, TransportConformanceTest,
    ::testing::Values(KernelTransportBackend("socket", NewSocketTransport),
                      KernelTransportBackend("deferred", NewDeferredTransport)),
    TransportBackend::Name);

}  // namespace
}  // namespace sluice
