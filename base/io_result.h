#ifndef SLUICE_BASE_IO_RESULT_H_
#define SLUICE_BASE_IO_RESULT_H_

#include <cerrno>
#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "sluice/base/cxx20.h"

namespace sluice {

// The result of a system call or of an io_uring completion: a count or a
// descriptor (>= 0), or -errno. The I/O path uses IoResult in place of
// absl::Status, which gives EAGAIN and ECONNRESET the same code. Value type, 8
// bytes.
class [[nodiscard]] IoResult {
 public:
  constexpr explicit IoResult(int64_t value_or_negative_errno)
      : value_(value_or_negative_errno) {}
  // REQUIRES: error > 0.
  static constexpr IoResult FromErrno(int error) { return IoResult(-error); }

  constexpr bool ok() const { return value_ >= 0; }
  // REQUIRES: ok().
  constexpr int64_t value() const { return value_; }
  // Returns the errno; 0 if ok().
  constexpr int error() const { return ok() ? 0 : static_cast<int>(-value_); }
  constexpr bool would_block() const {
    return value_ == -EAGAIN || value_ == -EWOULDBLOCK;
  }

  friend constexpr bool operator==(IoResult, IoResult) = default;

 private:
  int64_t value_;
};

// The payload of an absl::Status that has the errno, in decimal.
inline constexpr absl::string_view kErrnoTypeUrl = "sluice.errno";

// Makes a Status of `result`: with the code of absl::ErrnoToStatusCode(), the
// errno as a payload, and the message
//   "read on 10.0.0.1:80: Connection reset by peer (errno 104)".
// Returns OkStatus() if `result` is ok. All code that turns an errno into a
// Status calls this function. The call allocates: do not make it for each
// message.
absl::Status ToStatus(IoResult result, absl::string_view operation,
                      absl::string_view object);

// Returns the errno of a Status that ToStatus() or WithMessage() made; nullopt
// if `status` is OK or carries none. Use it where the code is too coarse:
// ECONNREFUSED and ECONNRESET are both kUnavailable.
std::optional<int> ErrnoOf(const absl::Status& status);

// Returns `status` with another message. Keeps the code and the payloads.
absl::Status WithMessage(const absl::Status& status, absl::string_view message);

}  // namespace sluice

#endif  // SLUICE_BASE_IO_RESULT_H_
