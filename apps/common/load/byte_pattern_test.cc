#include "sluice/apps/common/load/byte_pattern.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace sluice {
namespace {

constexpr size_t kSize = BytePattern::kMaxPiece;

// Returns `size` bytes, fetched one by one.
std::string OneByOne(const BytePattern& pattern, uint64_t stream,
                     uint64_t offset, size_t size) {
  std::string all;
  for (size_t i = 0; i < size; ++i) {
    absl::StrAppend(&all, pattern.Bytes(stream, offset + i, 1));
  }
  return all;
}

TEST(BytePatternTest, IsTheSameInPiecesOfAnySize) {
  const BytePattern pattern;
  for (const uint64_t offset :
       {uint64_t{0}, uint64_t{65'000}, uint64_t{1} << 32, uint64_t{1} << 40}) {
    SCOPED_TRACE(offset);
    EXPECT_EQ(pattern.Bytes(7, offset, kSize),
              OneByOne(pattern, 7, offset, kSize));
  }
}

TEST(BytePatternTest, IsTheSameForTheSameSeedOnly) {
  EXPECT_EQ(BytePattern(1).Bytes(0, 0, kSize),
            BytePattern(1).Bytes(0, 0, kSize));
  EXPECT_NE(BytePattern(1).Bytes(0, 0, kSize),
            BytePattern(2).Bytes(0, 0, kSize));
}

TEST(BytePatternTest, GivesAtMostOnePiece) {
  const BytePattern pattern;
  EXPECT_EQ(pattern.Bytes(0, 7, SIZE_MAX), pattern.Bytes(0, 7, kSize));
}

TEST(BytePatternTest, FindsBytesThatAreMissingOrDoubled) {
  const BytePattern pattern;
  for (const uint64_t shift : {1, 8, 64, 1024, 4096, 16'384, 65'536, 262'144}) {
    SCOPED_TRACE(shift);
    const auto wrong =
        pattern.FirstDifference(0, 1000, pattern.Bytes(0, 1000 + shift, 64));
    EXPECT_TRUE(wrong.has_value());
  }
}

TEST(BytePatternTest, FindsBytesOfAnotherStream) {
  const BytePattern pattern;
  for (uint64_t other = 1; other < 20'000; ++other) {
    ASSERT_TRUE(
        pattern.FirstDifference(0, 0, pattern.Bytes(other, 0, 64)).has_value())
        << other;
  }
}

TEST(BytePatternTest, FindsNoDifferenceInAnyLengthOfTheRightBytes) {
  const BytePattern pattern;
  const std::string right = OneByOne(pattern, 3, 12'345, 200'000);
  EXPECT_EQ(pattern.FirstDifference(3, 12'345, right), std::nullopt);
  EXPECT_EQ(pattern.FirstDifference(3, 12'345, ""), std::nullopt);
}

TEST(BytePatternTest, FindsTheFirstDifferenceWhereverItIs) {
  const BytePattern pattern;
  const std::string right = OneByOne(pattern, 3, 12'345, 200'000);
  for (const size_t at :
       {size_t{0}, size_t{1}, kSize - 1, kSize, size_t{199'999}}) {
    SCOPED_TRACE(at);
    std::string wrong = right;
    wrong.back() ^= 1;
    wrong[at] ^= at == right.size() - 1 ? 0 : 1;
    EXPECT_EQ(pattern.FirstDifference(3, 12'345, wrong), at);
  }
}

}  // namespace
}  // namespace sluice
