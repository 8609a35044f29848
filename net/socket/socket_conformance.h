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

// What sockets do on Linux, TCP and Unix-domain ones, call by call and as a
// poller shows it, as tests that the kernel's and simulated ones pass alike
// (testonly): what a test of a server finds in a simulation holds outside of
// it. A test of another world is
//
//   INSTANTIATE_TEST_SUITE_P(
//       Mine, SocketConformanceTest,
//       ::testing::Values(SocketBackend{
//           "mine", [] { return std::make_unique<MyWorld>(); }}),
//       SocketBackend::Name);
//
// Where Linux may do one thing or the other, the tests allow both.

// The world that the sockets under test live in. Its time passes while one of
// its pollers waits. Thread-compatible.
class SocketWorld {
 public:
  virtual ~SocketWorld() = default;
  // The sockets under test. They have TCP on 127.0.0.1 and ::1, and live in a
  // folder without files.
  virtual SocketApi* sockets() = 0;
  // Creates a poller that can watch them.
  virtual std::unique_ptr<Poller> NewPoller() = 0;
};

// Sockets under test.
struct SocketBackend {
  static std::string Name(const ::testing::TestParamInfo<SocketBackend>& info) {
    return info.param.name;
  }
  friend std::ostream& operator<<(std::ostream& os,
                                  const SocketBackend& backend) {
    return os << backend.name;
  }

  std::string name;  // of letters, digits and underscores
  std::function<std::unique_ptr<SocketWorld>()> new_world;
};

// The kernel's sockets, and epoll.
SocketBackend KernelSocketBackend();

class SocketConformanceTest : public ::testing::TestWithParam<SocketBackend> {
 protected:
  SocketConformanceTest() : world_(GetParam().new_world()) {}

  const std::unique_ptr<SocketWorld> world_;
};

}  // namespace sluice

#endif  // SLUICE_NET_SOCKET_SOCKET_CONFORMANCE_H_
