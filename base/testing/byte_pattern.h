#ifndef SLUICE_BASE_TESTING_BYTE_PATTERN_H_
#define SLUICE_BASE_TESTING_BYTE_PATTERN_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace sluice {

// An endless sequence of random bytes, to be sent and to be compared with what
// comes back (testonly). Its period, of 1,000,003 bytes, is a multiple of no
// buffer's size, so that bytes that are lost, doubled or moved are noticed.
// Thread-compatible.
class BytePattern {
 public:
  explicit BytePattern(uint32_t seed);

  // Bytes from `offset` on: `size` at most, at least one if `size` is not 0.
  absl::string_view At(size_t offset, size_t size) const;
  // Whether `text` is what is at `offset`.
  bool Matches(size_t offset, absl::string_view text) const;

 private:
  std::string period_;
};

}  // namespace sluice

#endif  // SLUICE_BASE_TESTING_BYTE_PATTERN_H_
