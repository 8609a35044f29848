#ifndef SLUICE_BASE_TESTING_FUZZ_INPUT_H_
#define SLUICE_BASE_TESTING_FUZZ_INPUT_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "sluice/base/check.h"

namespace sluice {

// The input of a fuzz target, as a sequence of numbers and texts by which the
// target chooses its actions (testonly). Each call takes bytes from the front.
// All inputs are valid: past the end, numbers are 0 and texts are empty. The
// bytes must outlive the object. Thread-compatible.
class FuzzInput {
 public:
  FuzzInput(const uint8_t* data, size_t size)
      : rest_(reinterpret_cast<const char*>(data), size) {}

  // Returns true if all bytes are taken.
  bool empty() const { return rest_.empty(); }

  // Takes `bytes` bytes, or fewer at the end, as a number: the least
  // significant byte comes first. REQUIRES: bytes <= 8.
  uint64_t Number(size_t bytes) {
    SLUICE_CHECK_LE(bytes, 8u);
    const absl::string_view taken = Take(bytes);
    uint64_t number = 0;
    for (size_t i = taken.size(); i > 0; --i) {
      number = number << 8 | static_cast<uint8_t>(taken[i - 1]);
    }
    return number;
  }
  // Returns a number below `bound`. Takes one byte if `bound` is at most 256,
  // else eight. REQUIRES: bound > 0.
  uint64_t Below(uint64_t bound) {
    SLUICE_CHECK_GT(bound, 0u);
    return Number(bound <= 256 ? 1 : 8) % bound;
  }
  // Takes one byte.
  bool Bool() { return Below(2) == 1; }

  // Takes `size` bytes, or fewer at the end.
  std::string Text(size_t size) { return std::string(Take(size)); }
  // Takes a byte, which is a length, and then a text of that length.
  std::string Text() { return Text(static_cast<size_t>(Number(1))); }
  // Takes all bytes that are left.
  std::string Rest() { return Text(rest_.size()); }

 private:
  absl::string_view Take(size_t size) {
    const absl::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(taken.size());
    return taken;
  }

  absl::string_view rest_;
};

}  // namespace sluice

#endif  // SLUICE_BASE_TESTING_FUZZ_INPUT_H_
