#include "sluice/base/counter.h"

#include <thread>

#include "gtest/gtest.h"

namespace sluice {
namespace {

TEST(CounterTest, AddLocalAddsToTheValue) {
  Counter counter;
  EXPECT_EQ(counter.value(), 0u);
  counter.AddLocal(40);
  counter.AddLocal(0);
  counter.AddLocal();
  EXPECT_EQ(counter.value(), 41u);
}

TEST(CounterTest, AddCountsFromManyThreads) {
  constexpr uint64_t kAdds = 100'000;
  Counter counter;
  const auto add = [&counter] {
    for (uint64_t i = 0; i < kAdds; ++i) counter.Add();
    counter.Add(7);
  };
  std::thread other(add);
  add();
  other.join();
  EXPECT_EQ(counter.value(), 2 * (kAdds + 7));
}

}  // namespace
}  // namespace sluice
