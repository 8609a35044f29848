#ifndef SLUICE_NET_SIM_SIM_BYTE_QUEUE_H_
#define SLUICE_NET_SIM_SIM_BYTE_QUEUE_H_

#include <cstddef>
#include <cstring>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace sluice {

// A queue of bytes (testonly). Takes amortized O(1) time per byte. Has no
// bound. Value type.
class SimByteQueue {
 public:
  size_t size() const { return bytes_.size() - taken_; }

  // Appends the first `size` bytes of the pieces. REQUIRES: the pieces have at
  // least `size` bytes.
  void Append(absl::Span<const absl::string_view> pieces, size_t size) {
    for (const absl::string_view piece : pieces) {
      const absl::string_view part = piece.substr(0, size);
      bytes_.append(part.data(), part.size());
      size -= part.size();
      if (size == 0) break;
    }
  }
  // Moves the oldest `size` bytes to `into`. REQUIRES: the queue has at least
  // `size` bytes, and `into` has room for them.
  void Take(char* into, size_t size) {
    std::memcpy(into, bytes_.data() + taken_, size);
    taken_ += size;
    // Frees the taken bytes when they are more than the bytes left.
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
