#ifndef SLUICE_APPS_COMMON_LOAD_BYTE_PATTERN_H_
#define SLUICE_APPS_COMMON_LOAD_BYTE_PATTERN_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "absl/strings/string_view.h"

namespace sluice {

// Bytes to send, with which the receiver notices bytes that are wrong, doubled,
// missing or of another stream, without a copy of the sent bytes. Each stream
// is endless: it starts at its own place in one buffer of pseudo-random bytes,
// and repeats after kPeriod bytes, a prime number. Streams whose numbers are
// equal modulo kPeriod have the same bytes. 128 KiB. Thread-safe.
class BytePattern {
 public:
  static constexpr size_t kPeriod = 65'521;
  // The longest piece that Bytes() returns.
  static constexpr size_t kMaxPiece = 64 * 1024;

  // The same seed makes the same bytes.
  explicit BytePattern(uint64_t seed = 1);

  // Returns the bytes of `stream` from `offset` on: `size` bytes, but at most
  // kMaxPiece. The bytes live as long as this object.
  absl::string_view Bytes(uint64_t stream, uint64_t offset, size_t size) const;

  // Compares `got`, of any size, with the bytes of `stream` from `offset` on.
  // Returns the index in `got` of the first byte that differs; nullopt if none
  // differs.
  std::optional<size_t> FirstDifference(uint64_t stream, uint64_t offset,
                                        absl::string_view got) const;

 private:
  const std::unique_ptr<char[]> bytes_;
};

}  // namespace sluice

#endif  // SLUICE_APPS_COMMON_LOAD_BYTE_PATTERN_H_
