#include "sluice/base/testing/byte_pattern.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/test_seed.h"

namespace sluice {
namespace {

std::string Bytes(const BytePattern& pattern, size_t offset, size_t size) {
  std::string bytes;
  while (bytes.size() < size) {
    absl::StrAppend(&bytes,
                    pattern.At(offset + bytes.size(), size - bytes.size()));
  }
  return bytes;
}

TEST(BytePatternTest, MatchesItselfAcrossItsPeriod) {
  const auto seed = static_cast<uint32_t>(TestSeed());
  SCOPED_TRACE(absl::StrCat("SLUICE_SEED=", seed));
  const BytePattern pattern(seed);
  const std::string bytes = Bytes(pattern, 999'000, 3'000'000);
  EXPECT_TRUE(pattern.Matches(999'000, bytes));
  EXPECT_TRUE(pattern.Matches(1'000'000, bytes.substr(1'000)));
}

TEST(BytePatternTest, NoticesLostAndChangedBytes) {
  const auto seed = static_cast<uint32_t>(TestSeed());
  SCOPED_TRACE(absl::StrCat("SLUICE_SEED=", seed));
  const BytePattern pattern(seed);
  std::string bytes = Bytes(pattern, 0, 2'000'000);
  EXPECT_FALSE(pattern.Matches(1, bytes));
  EXPECT_FALSE(pattern.Matches(0, bytes.substr(64 * 1024)));
  bytes[1'500'000] ^= 1;
  EXPECT_FALSE(pattern.Matches(0, bytes));
}

}  // namespace
}  // namespace sluice
