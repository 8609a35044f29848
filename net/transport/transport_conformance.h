#ifndef SLUICE_NET_TRANSPORT_TRANSPORT_CONFORMANCE_H_
#define SLUICE_NET_TRANSPORT_TRANSPORT_CONFORMANCE_H_

#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include "gtest/gtest.h"
#include "sluice/event/event_loop.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/transport/platform.h"
#include "sluice/net/transport/transport.h"

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
// The other end of each connection is a plain TCP socket of the same world, so
// a transport that encrypts or frames bytes does not pass.

// The world of the transport under test. Thread-compatible.
class TransportWorld {
 public:
  virtual ~TransportWorld() = default;
  // Returns a platform that has TCP on 127.0.0.1 and creates the transports
  // under test.
  virtual const Platform& platform() const = 0;
};

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

// Returns a backend on the kernel's sockets and on epoll.
TransportBackend KernelTransportBackend(
    std::string name,
    std::function<TransportPtr(EventLoop* loop, Socket socket)> new_transport);

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
