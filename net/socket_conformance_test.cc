#include "sluice/net/socket_conformance.h"

#include <memory>

#include "gtest/gtest.h"
#include "sluice/net/platform.h"
#include "sluice/net/sim_network.h"

namespace sluice {
namespace {

class SimSocketWorld final : public SocketWorld {
 public:
  const Platform& platform() const override { return host_->platform(); }

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
