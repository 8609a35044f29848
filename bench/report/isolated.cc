#include "sluice/bench/report/isolated.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

// Runs in the new process. Static objects stay as they are: no exit handler
// runs.
[[noreturn]] void Child(absl::FunctionRef<std::vector<double>()> measure,
                        int output) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  dup2(STDERR_FILENO, STDOUT_FILENO);
  const std::vector<double> values = measure();
  const char* next = reinterpret_cast<const char*>(values.data());
  size_t left = values.size() * sizeof(double);
  while (left > 0) {
    const ssize_t size = write(output, next, left);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) _exit(1);
    next += size;
    left -= size;
  }
  std::fflush(nullptr);
  _exit(0);
}

// Returns the time until `deadline` in milliseconds, for poll(2): rounded up,
// and a minute at most.
int PollTimeout(MonotonicTime deadline) {
  const absl::Duration left = std::clamp(
      deadline - Clock::Real()->Now(), absl::ZeroDuration(), absl::Minutes(1));
  return static_cast<int>(
      absl::ToInt64Milliseconds(absl::Ceil(left, absl::Milliseconds(1))));
}

// Returns all bytes until the other end is closed, or kDeadlineExceeded if that
// is not before `deadline`.
absl::StatusOr<std::string> ReadAll(int fd, MonotonicTime deadline) {
  std::string bytes;
  char buffer[4096];
  while (true) {
    pollfd readable = {.fd = fd, .events = POLLIN, .revents = 0};
    const int ready = poll(&readable, 1, PollTimeout(deadline));
    if (ready < 0 && errno != EINTR) return absl::ErrnoToStatus(errno, "poll");
    if (ready <= 0) {
      if (Clock::Real()->Now() < deadline) continue;
      return absl::DeadlineExceededError("not done in time");
    }
    const ssize_t size = read(fd, buffer, sizeof(buffer));
    if (size == 0) return bytes;
    if (size > 0) {
      bytes.append(buffer, size);
    } else if (errno != EINTR) {
      return absl::ErrnoToStatus(errno, "read");
    }
  }
}

absl::Status StatusOfEnd(int wait_status) {
  if (WIFSIGNALED(wait_status)) {
    const int signal = WTERMSIG(wait_status);
    return absl::AbortedError(absl::StrCat("killed by signal ", signal, " (",
                                           strsignal(signal), ")"));
  }
  return absl::AbortedError(
      absl::StrCat("exits with ", WEXITSTATUS(wait_status)));
}

}  // namespace

absl::StatusOr<std::vector<double>> MeasureIsolated(
    absl::FunctionRef<std::vector<double>()> measure,
    absl::Duration time_limit) {
  const MonotonicTime deadline = Clock::Real()->Now() + time_limit;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "pipe2");
  std::fflush(nullptr);  // else both processes write the buffers
  const pid_t pid = fork();
  if (pid == 0) Child(measure, ends[1]);
  const int fork_error = errno;
  close(ends[1]);
  if (pid < 0) {
    close(ends[0]);
    return absl::ErrnoToStatus(fork_error, "fork");
  }
  const absl::StatusOr<std::string> bytes = ReadAll(ends[0], deadline);
  close(ends[0]);
  if (!bytes.ok()) kill(pid, SIGKILL);
  int wait_status = 0;
  while (waitpid(pid, &wait_status, 0) < 0 && errno == EINTR) {
  }
  if (!bytes.ok()) return bytes.status();
  if (wait_status != 0) return StatusOfEnd(wait_status);
  std::vector<double> values(bytes->size() / sizeof(double));
  std::copy_n(bytes->data(), values.size() * sizeof(double),
              reinterpret_cast<char*>(values.data()));
  return values;
}

}  // namespace sluice
