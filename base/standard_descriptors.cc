#include "sluice/base/standard_descriptors.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace sluice {
namespace {

// The bytes for which a writable pipe has room: pipe(7).
constexpr size_t kPipeRoom = 4096;

// Returns false if there is no room when `limit` has expired.
bool WaitForRoom(int fd, absl::Duration limit) {
  pollfd polled = {fd, POLLOUT, 0};
  const auto timeout = static_cast<int>(absl::ToInt64Milliseconds(
      std::clamp(limit, absl::ZeroDuration(), absl::Hours(1))));
  int ready;
  do {
    ready = poll(&polled, 1, timeout);
  } while (ready < 0 && errno == EINTR);
  return ready > 0;
}

// Returns 0 or an errno: ETIMEDOUT if there is no room in time.
int Write(int fd, absl::string_view text, absl::Duration limit) {
  while (!text.empty()) {
    if (!WaitForRoom(fd, limit)) return ETIMEDOUT;
    const ssize_t written =
        write(fd, text.data(), std::min(text.size(), kPipeRoom));
    if (written >= 0) {
      text.remove_prefix(static_cast<size_t>(written));
    } else if (errno != EINTR && errno != EAGAIN) {
      return errno;
    }
  }
  return 0;
}

// Returns 0, or the errno with which output was lost, or -1 if an earlier flush
// lost output and its errno is not known.
int FlushStandardOutput() {
  const bool failed_before = std::ferror(stdout) != 0;
  const bool failed = std::fflush(stdout) != 0;
  const int error = errno;
  std::clearerr(stdout);
  if (failed) return error;
  if (failed_before) return -1;
  // Some file systems report a full disk when a descriptor is closed. Number 1
  // itself stays open: another file must not get it while threads run.
  const int copy = dup(STDOUT_FILENO);
  return copy >= 0 && close(copy) != 0 && errno != EINTR ? errno : 0;
}

}  // namespace

void FillStandardDescriptors() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(fd, F_GETFD) >= 0) continue;
    // open(2) takes the lowest free number, which is `fd`. The descriptor is
    // not close-on-exec, because child processes need the placeholder as well.
    const int mode = fd == STDIN_FILENO ? O_WRONLY : O_RDONLY;
    if (open("/dev/null", mode) < 0 && open("/", O_PATH) < 0) return;
  }
}

bool WriteToStandardError(absl::string_view text, absl::Duration limit) {
  return Write(STDERR_FILENO, text, limit) == 0;
}

int WriteToStandardOutput(absl::string_view text, absl::Duration limit) {
  return Write(STDOUT_FILENO, text, limit);
}

int FinishStandardOutput(absl::string_view program, int exit_code) {
  const int error = FlushStandardOutput();
  if (error == 0) return exit_code;
  WriteToStandardError(absl::StrCat(
      program, ": cannot write the results to stdout", error > 0 ? ": " : "",
      error > 0 ? std::strerror(error) : "", "\n"));
  return exit_code == 0 ? 1 : exit_code;
}

}  // namespace sluice
