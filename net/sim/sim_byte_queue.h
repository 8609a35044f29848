#ifndef SLUICE_NET_SIM_SIM_BYTE_QUEUE_H_
#define SLUICE_NET_SIM_SIM_BYTE_QUEUE_H_

#include <cstddef>
#include <cstring>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace sluice {

// Bytes in the order in which they were written (testonly). Amortized O(1) per
// byte. Value type, without a bound of its own.
class SimByteQueue {
 public:
  size_t size() const { return bytes_.size() - taken_; }

  // The first `size` bytes of the pieces together. REQUIRES: so many are there.
  void Append(absl::Span<const absl::string_view> pieces, size_t size) {
    for (const absl::string_view piece : pieces) {
      const absl::string_view part = piece.substr(0, size);
      bytes_.append(part.data(), part.size());
      size -= part.size();
      if (size == 0) break;
    }
  }
  // Moves the oldest `size` bytes there. REQUIRES: so many are here, and fit.
  void Take(char* into, size_t size) {
    std::memcpy(into, bytes_.data() + taken_, size);
    taken_ += size;
    // What was taken is let go of when it is more than what is left.
    if (2 * taken_ < bytes_.size()) return;
    bytes_.erase(0, taken_);
    taken_ = 0;
  }
  void Clear() {
    bytes_.clear();
    taken_ = 0;
  }

 private:
  std::string bytes_;
  size_t taken_ = 0;
};

}  // namespace sluice

#endif  // SLUICE_NET_SIM_SIM_BYTE_QUEUE_H_
