#ifndef SLUICE_APPS_ECHO_ECHO_PATTERN_H_
#define SLUICE_APPS_ECHO_ECHO_PATTERN_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "absl/strings/string_view.h"

namespace sluice {

// The bytes that connections send. Each connection has an endless stream, which
// starts at its own place in one buffer of pseudo-random bytes, and repeats
// after kPeriod bytes, a prime number. So the client finds a byte that comes
// back on the wrong connection, twice, not at all or in the wrong place,
// without copying or keeping the bytes that it sent. Takes 128 KiB.
// Thread-safe.
class EchoPattern {
 public:
  static constexpr size_t kPeriod = 65'521;
  // The longest piece that Bytes() returns.
  static constexpr size_t kMaxPiece = 64 * 1024;

  // The same seed makes the same bytes.
  explicit EchoPattern(uint64_t seed = 1);

  // Returns `size` bytes of the stream of `connection`, from `offset`. The
  // bytes live as long as this object. REQUIRES: size <= kMaxPiece.
  absl::string_view Bytes(uint64_t connection, uint64_t offset,
                          size_t size) const;

  // Compares `got`, of any size, with the stream from `offset`. Returns the
  // index in `got` of the first byte that differs; nullopt if none differs.
  std::optional<size_t> FirstDifference(uint64_t connection, uint64_t offset,
                                        absl::string_view got) const;

 private:
  const std::unique_ptr<char[]> bytes_;
};

}  // namespace sluice

#endif  // SLUICE_APPS_ECHO_ECHO_PATTERN_H_
