#ifndef SLUICE_BASE_TESTING_BYTE_PATTERN_H_
#define SLUICE_BASE_TESTING_BYTE_PATTERN_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace sluice {

// An endless sequence of random bytes, to be sent and to be compared with what
// comes back (testonly). The sequence repeats after 1,000,003 bytes, a multiple
// of no buffer's size, so a comparison notices bytes that are missing, doubled
// or moved. Thread-compatible.
class BytePattern {
 public:
  explicit BytePattern(uint32_t seed);

  // Returns at most `size` bytes from `offset` on, and at least one if `size`
  // is not 0. They live as long as this object.
  absl::string_view At(size_t offset, size_t size) const;
  // Returns true if the bytes from `offset` on are `text`, which has any size.
  bool Matches(size_t offset, absl::string_view text) const;

 private:
  std::string period_;
};

}  // namespace sluice

#endif  // SLUICE_BASE_TESTING_BYTE_PATTERN_H_
