#ifndef SLUICE_APPS_ECHO_ECHO_PATTERN_H_
#define SLUICE_APPS_ECHO_ECHO_PATTERN_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "absl/strings/string_view.h"

namespace sluice {

// The bytes that connections send: for each an endless stream, which begins
// elsewhere in one buffer of pseudo-random bytes and repeats after a prime
// number of them. So a byte that comes back to the wrong connection, twice, not
// at all or in another place is found out, and nothing is copied or kept to
// compare it with. 128 KiB. Thread-safe.
class EchoPattern {
 public:
  static constexpr size_t kPeriod = 65'521;
  // The longest piece that Bytes() gives.
  static constexpr size_t kMaxPiece = 64 * 1024;

  // The same bytes for the same seed.
  explicit EchoPattern(uint64_t seed = 1);

  // `size` bytes of the stream of `connection`, from `offset`. Valid as long as
  // this object. REQUIRES: size <= kMaxPiece.
  absl::string_view Bytes(uint64_t connection, uint64_t offset,
                          size_t size) const;

  // Where in `got`, which should be the stream from `offset`, the first byte
  // stands that is another. Of any size.
  std::optional<size_t> FirstDifference(uint64_t connection, uint64_t offset,
                                        absl::string_view got) const;

 private:
  const std::unique_ptr<char[]> bytes_;
};

}  // namespace sluice

#endif  // SLUICE_APPS_ECHO_ECHO_PATTERN_H_
