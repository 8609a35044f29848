#include "sluice/base/testing/byte_pattern.h"

#include <random>

namespace sluice {

BytePattern::BytePattern(uint32_t seed) : period_(1'000'003, '\0') {
  std::mt19937 random(seed);
  for (char& byte : period_) byte = static_cast<char>(random());
}

absl::string_view BytePattern::At(size_t offset, size_t size) const {
  return absl::string_view(period_).substr(offset % period_.size(), size);
}

bool BytePattern::Matches(size_t offset, absl::string_view text) const {
  while (!text.empty()) {
    const absl::string_view expected = At(offset, text.size());
    if (text.substr(0, expected.size()) != expected) return false;
    offset += expected.size();
    text.remove_prefix(expected.size());
  }
  return true;
}

}  // namespace sluice
