#ifndef SLUICE_NET_TRANSPORT_TRANSPORT_CONFORMANCE_H_
#define SLUICE_NET_TRANSPORT_TRANSPORT_CONFORMANCE_H_

#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include "gtest/gtest.h"
#include "sluice/event/event_loop.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/transport/transport.h"
#include "sluice/net/transport/transport_link.h"
#include "sluice/net/transport/transport_peer_codec.h"

namespace sluice {

// The contract of Transport as tests that every transport passes, including
// transports outside this library (testonly). To test a transport on the
// kernel's sockets:
//
//   INSTANTIATE_TEST_SUITE_P(
//       Mine, TransportConformanceTest,
//       ::testing::Values(KernelTransportBackend("mine", NewMyTransport)),
//       TransportBackend::Name);
//
// The other end of each connection is a TCP socket of the same world and a
// TransportPeerCodec. A transport that changes the bytes, such as TLS, passes
// with a codec for its format. The suite counts plain bytes.

// A transport under test and its world.
struct TransportBackend {
  static std::string Name(
      const ::testing::TestParamInfo<TransportBackend>& info) {
    return info.param.name;
  }
  friend std::ostream& operator<<(std::ostream& os,
                                  const TransportBackend& backend) {
    return os << backend.name;
  }

  std::string name;  // letters, digits and underscores
  std::function<std::unique_ptr<TransportWorld>()> new_world;
};

// Returns a backend on the kernel's sockets and on epoll. `new_codec` is for
// the other end.
TransportBackend KernelTransportBackend(
    std::string name,
    std::function<TransportPtr(EventLoop* loop, Socket socket)> new_transport,
    std::function<std::unique_ptr<TransportPeerCodec>()> new_codec =
        NewPlainPeerCodec);

class TransportConformanceTest
    : public ::testing::TestWithParam<TransportBackend> {
 protected:
  TransportConformanceTest() : world_(GetParam().new_world()) {}

  void SetUp() override;

  const std::unique_ptr<TransportWorld> world_;
  std::unique_ptr<EventLoop> loop_;
};

}  // namespace sluice

#endif  // SLUICE_NET_TRANSPORT_TRANSPORT_CONFORMANCE_H_
