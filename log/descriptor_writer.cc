#include "sluice/log/descriptor_writer.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "sluice/base/io_result.h"

namespace sluice {

absl::Status DescriptorWriter::Write(absl::string_view* lines) {
  const auto fail = [this](absl::string_view call) {
    return ToStatus(IoResult::FromErrno(errno), call,
                    absl::StrCat("descriptor ", fd_));
  };
  while (!lines->empty()) {
    const ssize_t written = write(fd_, lines->data(), lines->size());
    if (written >= 0) {
      lines->remove_prefix(static_cast<size_t>(written));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) return fail("write");
    pollfd wait = {fd_, POLLOUT, 0};
    if (poll(&wait, 1, /*timeout=*/-1) < 0 && errno != EINTR) {
      return fail("poll");
    }
  }
  return absl::OkStatus();
}

absl::Status DescriptorWriter::Flush() {
  // EINVAL and EROFS: the descriptor has nothing to synchronize.
  if (fdatasync(fd_) == 0 || errno == EINVAL || errno == EROFS) {
    return absl::OkStatus();
  }
  return ToStatus(IoResult::FromErrno(errno), "fdatasync",
                  absl::StrCat("descriptor ", fd_));
}

}  // namespace sluice
