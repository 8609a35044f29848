#ifndef SLUICE_BASE_IO_RESULT_H_
#define SLUICE_BASE_IO_RESULT_H_

#include <cerrno>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace sluice {

// What a system call said: a count or a descriptor (>= 0), or -errno; the shape
// of a ring's completion. Not a Status: Abseil gives EAGAIN and ECONNRESET the
// same code, and the I/O path must tell them apart. Value type, 8 bytes.
class [[nodiscard]] IoResult {
 public:
  constexpr explicit IoResult(int64_t value_or_negative_errno)
      : value_(value_or_negative_errno) {}
  // REQUIRES: error > 0.
  static constexpr IoResult FromErrno(int error) { return IoResult(-error); }

  constexpr bool ok() const { return value_ >= 0; }
  // REQUIRES: ok().
  constexpr int64_t value() const { return value_; }
  // 0 when ok().
  constexpr int error() const { return ok() ? 0 : static_cast<int>(-value_); }
  constexpr bool would_block() const {
    return value_ == -EAGAIN || value_ == -EWOULDBLOCK;
  }

  friend constexpr bool operator==(IoResult, IoResult) = default;

 private:
  int64_t value_;
};

// The one place where errno becomes a Status: the code of
// absl::ErrnoToStatus(), and the message
//   "read on 10.0.0.1:80: Connection reset by peer (errno 104)".
// OkStatus() if `result` is ok. Allocates: for the edges, not the I/O path.
absl::Status ToStatus(IoResult result, absl::string_view operation,
                      absl::string_view object);

}  // namespace sluice

#endif  // SLUICE_BASE_IO_RESULT_H_
