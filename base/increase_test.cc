#include "sluice/base/increase.h"

#include <atomic>
#include <cstdint>

#include "gtest/gtest.h"

namespace sluice {
namespace {

TEST(IncreaseTest, AddsToTheCounter) {
  std::atomic<uint64_t> counter{40};
  Increase(counter, 1);
  Increase(counter, 0);
  Increase(counter, 2);
  EXPECT_EQ(counter.load(), 43u);
}

}  // namespace
}  // namespace sluice
