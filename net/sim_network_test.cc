#include "sluice/net/sim_network.h"

#include "gtest/gtest.h"

namespace sluice {
namespace {

TEST(SimNetworkTest, X) {
  SimNetwork network({});
  network.AddHost("a");
}

}  // namespace
}  // namespace sluice
