#include "sluice/net/transport_conformance.h"

#include "gtest/gtest.h"
#include "sluice/net/deferred_transport.h"
#include "sluice/net/socket_transport.h"

namespace sluice {
namespace {

INSTANTIATE_TEST_SUITE_P(
    Kernel, TransportConformanceTest,
    ::testing::Values(KernelTransportBackend("socket", NewSocketTransport),
                      KernelTransportBackend("deferred", NewDeferredTransport)),
    TransportBackend::Name);

}  // namespace
}  // namespace sluice
