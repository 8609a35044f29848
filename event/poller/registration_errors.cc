#include "sluice/event/poller/registration_errors.h"

#include <poll.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "sluice/base/io_result.h"

namespace sluice {

absl::Status AlreadyWatched(absl::string_view call, int fd) {
  return absl::AlreadyExistsError(
      absl::StrCat(call, " on descriptor ", fd, ": it is already watched"));
}

absl::Status NotWatched(absl::string_view call, int fd) {
  return absl::NotFoundError(
      absl::StrCat(call, " on descriptor ", fd, ": it is not watched"));
}

absl::Status BadDescriptor(absl::string_view call, int fd) {
  return ToStatus(IoResult::FromErrno(EBADF), call,
                  absl::StrCat("descriptor ", fd));
}

absl::Status CheckDescriptor(absl::string_view call, int fd) {
  if (fd < 0) return BadDescriptor(call, fd);
  // poll(2) also finds descriptors of O_PATH, see open(2), which fcntl(2)
  // accepts.
  pollfd probe = {fd, 0, 0};
  if (poll(&probe, 1, 0) > 0 && (probe.revents & POLLNVAL) != 0) {
    return BadDescriptor(call, fd);
  }
  return absl::OkStatus();
}

}  // namespace sluice
