#include "sluice/apps/common/load/byte_pattern.h"

#include <algorithm>
#include <random>

namespace sluice {
namespace {

// The distance between the starts of two neighbours. A prime, so that kPeriod
// streams start in different places.
constexpr uint64_t kStride = 7'919;

std::unique_ptr<char[]> RandomBytes(uint64_t seed) {
  auto bytes =
      std::make_unique<char[]>(BytePattern::kPeriod + BytePattern::kMaxPiece);
  std::mt19937_64 random(seed);
  uint64_t draw = 0;  // 8 bytes
  for (size_t i = 0; i < BytePattern::kPeriod; ++i) {
    if (i % 8 == 0) draw = random();
    bytes[i] = static_cast<char>(draw >> i % 8 * 8);
  }
  // The period again, so that a piece that starts late in it is contiguous.
  for (size_t i = 0; i < BytePattern::kMaxPiece; ++i) {
    bytes[BytePattern::kPeriod + i] = bytes[i];
  }
  return bytes;
}

}  // namespace

BytePattern::BytePattern(uint64_t seed) : bytes_(RandomBytes(seed)) {}

absl::string_view BytePattern::Bytes(uint64_t stream, uint64_t offset,
                                     size_t size) const {
  const uint64_t start = stream % kPeriod * kStride % kPeriod;
  return absl::string_view(&bytes_[(start + offset) % kPeriod],
                           std::min(size, kMaxPiece));
}

std::optional<size_t> BytePattern::FirstDifference(
    uint64_t stream, uint64_t offset, absl::string_view got) const {
  size_t done = 0;
  while (done < got.size()) {
    const absl::string_view piece = got.substr(done, kMaxPiece);
    const absl::string_view wanted = Bytes(stream, offset + done, piece.size());
    if (piece != wanted) {
      const auto first =
          std::mismatch(piece.begin(), piece.end(), wanted.begin()).first;
      return done + static_cast<size_t>(first - piece.begin());
    }
    done += piece.size();
  }
  return std::nullopt;
}

}  // namespace sluice
