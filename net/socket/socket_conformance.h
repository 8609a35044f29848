#ifndef SLUICE_NET_SOCKET_SOCKET_CONFORMANCE_H_
#define SLUICE_NET_SOCKET_SOCKET_CONFORMANCE_H_

#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include "gtest/gtest.h"
#include "sluice/event/poller/poller.h"
#include "sluice/net/socket/socket_api.h"

namespace sluice {

// The behaviour of TCP and Unix-domain sockets on Linux, call by call and as a
// poller shows it, as tests that the kernel's sockets and simulated ones pass
// (testonly). So a result that a test of a server finds in a simulation also
// holds outside of it. To test the sockets of another world:
//
//   INSTANTIATE_TEST_SUITE_P(
//       Mine, SocketConformanceTest,
//       ::testing::Values(SocketBackend{
//           "mine", [] { return std::make_unique<MyWorld>(); }}),
//       SocketBackend::Name);
//
// Where Linux may do one thing or another, the tests allow both.

// The world of the sockets under test. Its time passes while one of its pollers
// waits. Thread-compatible.
class SocketWorld {
 public:
  virtual ~SocketWorld() = default;
  // The sockets under test. They have TCP on 127.0.0.1 and ::1. Relative paths
  // of Unix-domain addresses are in a folder that is empty at first.
  virtual SocketApi* sockets() = 0;
  // Creates a poller that can watch them.
  virtual std::unique_ptr<Poller> NewPoller() = 0;
};

// Sockets under test and their world.
struct SocketBackend {
  static std::string Name(const ::testing::TestParamInfo<SocketBackend>& info) {
    return info.param.name;
  }
  friend std::ostream& operator<<(std::ostream& os,
                                  const SocketBackend& backend) {
    return os << backend.name;
  }

  std::string name;  // letters, digits and underscores
  std::function<std::unique_ptr<SocketWorld>()> new_world;
};

// Returns a backend with the kernel's sockets and epoll.
SocketBackend KernelSocketBackend();

class SocketConformanceTest : public ::testing::TestWithParam<SocketBackend> {
 protected:
  SocketConformanceTest() : world_(GetParam().new_world()) {}

  const std::unique_ptr<SocketWorld> world_;
};

}  // namespace sluice

#endif  // SLUICE_NET_SOCKET_SOCKET_CONFORMANCE_H_
