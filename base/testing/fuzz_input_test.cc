#include "sluice/base/testing/fuzz_input.h"

#include <cstddef>
#include <cstdint>

#include "gtest/gtest.h"

namespace sluice {
namespace {

// Makes an input of a string literal, without its final 0.
template <size_t kSize>
FuzzInput Of(const char (&bytes)[kSize]) {
  return FuzzInput(reinterpret_cast<const uint8_t*>(bytes), kSize - 1);
}

TEST(FuzzInputTest, NumbersHaveTheLeastSignificantByteFirst) {
  FuzzInput input = Of("\x01\x02\xff\xff\xff\xff\xff\xff\xff\xff\x07");
  EXPECT_EQ(input.Number(2), 0x0201u);
  EXPECT_EQ(input.Number(8), UINT64_MAX);
  EXPECT_EQ(input.Number(8), 7u);  // only one byte is left
  EXPECT_EQ(input.Number(8), 0u);
}

TEST(FuzzInputTest, AChoiceAmong256TakesOneByte) {
  FuzzInput input = Of("\xff\x09\x01\x02\0\0\0\0\0\0x");
  EXPECT_EQ(input.Below(256), 255u);
  EXPECT_EQ(input.Below(4), 1u);
  EXPECT_EQ(input.Below(257), 0x0201u % 257);
  EXPECT_EQ(input.Rest(), "x");
  EXPECT_EQ(input.Below(4), 0u);
  EXPECT_FALSE(input.Bool());
}

TEST(FuzzInputTest, TextsEndAtTheEndOfTheInput) {
  FuzzInput input = Of("\x02xyz\x09uv");
  EXPECT_EQ(input.Text(), "xy");
  EXPECT_EQ(input.Text(1), "z");
  EXPECT_FALSE(input.empty());
  EXPECT_EQ(input.Text(), "uv");
  EXPECT_TRUE(input.empty());
  EXPECT_EQ(input.Text(), "");
  EXPECT_EQ(input.Rest(), "");
  EXPECT_EQ(FuzzInput(nullptr, 0).Text(3), "");
}

}  // namespace
}  // namespace sluice
