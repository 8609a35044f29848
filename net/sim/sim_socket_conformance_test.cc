#include <memory>

#include "gtest/gtest.h"
#include "sluice/event/poller/poller.h"
#include "sluice/net/sim/sim_network.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/socket/socket_conformance.h"
#include "sluice/net/transport/platform.h"

namespace sluice {
namespace {

class SimSocketWorld final : public SocketWorld {
 public:
  SocketApi* sockets() override { return host_->platform().sockets; }
  std::unique_ptr<Poller> NewPoller() override {
    return *host_->platform().new_poller();
  }

 private:
  SimNetwork network_{{}};
  SimHost* const host_ = network_.AddHost("host");
};

INSTANTIATE_TEST_SUITE_P(
    KernelAndSim, SocketConformanceTest,
    ::testing::Values(KernelSocketBackend(),
                      SocketBackend{
                          "sim",
                          [] { return std::make_unique<SimSocketWorld>(); }}),
    SocketBackend::Name);

}  // namespace
}  // namespace sluice
