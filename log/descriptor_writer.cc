#include "sluice/log/descriptor_writer.h"

#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "sluice/base/io_result.h"

namespace sluice {
namespace {

constexpr size_t kMaxPieces = 64;

}  // namespace

absl::Status DescriptorWriter::Write(
    absl::Span<const absl::string_view> lines) {
  const auto fail = [this](absl::string_view call) {
    return ToStatus(IoResult::FromErrno(errno), call,
                    absl::StrCat("descriptor ", fd_));
  };
  size_t skip = 0;  // bytes of lines.front() that are written
  while (!lines.empty()) {
    iovec pieces[kMaxPieces];
    const size_t count = std::min(lines.size(), kMaxPieces);
    for (size_t i = 0; i < count; ++i) {
      const absl::string_view rest = lines[i].substr(i == 0 ? skip : 0);
      pieces[i] = {const_cast<char*>(rest.data()), rest.size()};
    }
    const ssize_t written = writev(fd_, pieces, static_cast<int>(count));
    if (written < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK) return fail("writev");
      pollfd wait = {fd_, POLLOUT, 0};
      if (poll(&wait, 1, /*timeout=*/-1) < 0 && errno != EINTR) {
        return fail("poll");
      }
      continue;
    }
    skip += static_cast<size_t>(written);
    while (!lines.empty() && skip >= lines.front().size()) {
      skip -= lines.front().size();
      lines.remove_prefix(1);
    }
  }
  return absl::OkStatus();
}

absl::Status DescriptorWriter::Flush() {
  // EINVAL, EROFS: fdatasync(2) of what has nothing to synchronize.
  if (fdatasync(fd_) == 0 || errno == EINVAL || errno == EROFS) {
    return absl::OkStatus();
  }
  return ToStatus(IoResult::FromErrno(errno), "fdatasync",
                  absl::StrCat("descriptor ", fd_));
}

}  // namespace sluice
