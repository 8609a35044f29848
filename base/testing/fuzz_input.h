#ifndef SLUICE_BASE_TESTING_FUZZ_INPUT_H_
#define SLUICE_BASE_TESTING_FUZZ_INPUT_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "sluice/base/check.h"

namespace sluice {

// The input of a fuzz target, taken from its front to choose what the target
// does (testonly): all inputs mean something. Past the end numbers are 0 and
// texts are empty. Thread-compatible; what it is made of outlives it.
class FuzzInput {
 public:
  FuzzInput(const uint8_t* data, size_t size)
      : rest_(reinterpret_cast<const char*>(data), size) {}

  bool empty() const { return rest_.empty(); }

  // So many bytes, the least significant one first. REQUIRES: bytes <= 8.
  uint64_t Number(size_t bytes) {
    SLUICE_CHECK(bytes <= 8);
    const absl::string_view taken = Take(bytes);
    uint64_t number = 0;
    for (size_t i = taken.size(); i > 0; --i) {
      number = number << 8 | static_cast<uint8_t>(taken[i - 1]);
    }
    return number;
  }
  // A choice: one byte if there are no more than 256, else eight.
  // REQUIRES: bound > 0.
  uint64_t Below(uint64_t bound) {
    SLUICE_CHECK(bound > 0);
    return Number(bound <= 256 ? 1 : 8) % bound;
  }
  bool Bool() { return Below(2) == 1; }

  // At most so many bytes.
  std::string Text(size_t size) { return std::string(Take(size)); }
  // A byte that says how long, and that many.
  std::string Text() { return Text(static_cast<size_t>(Number(1))); }
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
