#include "sluice/tests/support/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace sluice {
namespace {

MonotonicTime Now() { return Clock::Real()->Now(); }

// Returns the time until `deadline` as poll(2) takes it: in milliseconds,
// rounded up, a minute at most.
int PollTimeout(MonotonicTime deadline) {
  const absl::Duration left =
      std::clamp(deadline - Now(), absl::ZeroDuration(), absl::Minutes(1));
  return static_cast<int>(
      absl::ToInt64Milliseconds(absl::Ceil(left, absl::Milliseconds(1))));
}

std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (std::string& string : strings) pointers.push_back(string.data());
  pointers.push_back(nullptr);
  return pointers;
}

// Runs in the new process. Makes only system calls, because another thread may
// have held any lock at the time of the fork.
[[noreturn]] void Exec(const char* program, char* const* arguments,
                       char* const* environment, int output, int error,
                       const Process::Options& options) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  dup2(output, STDOUT_FILENO);
  dup2(error, STDERR_FILENO);
  bool ready = true;
  if (options.descriptor_limit > 0) {
    const rlimit limit = {options.descriptor_limit, options.descriptor_limit};
    ready = setrlimit(RLIMIT_NOFILE, &limit) == 0;
  }
  if (ready && options.cpu >= 0) {
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(options.cpu, &cpus);
    ready = sched_setaffinity(0, sizeof(cpus), &cpus) == 0;
  }
  if (ready) execve(program, arguments, environment);
  const char* const reason = strerrordesc_np(errno);
  dprintf(STDERR_FILENO, "%s: cannot be started: %s\n", program, reason);
  _exit(127);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Process>> Process::Start(
    const std::string& program, const Options& options) {
  std::vector<std::string> arguments = {program};
  arguments.insert(arguments.end(), options.arguments.begin(),
                   options.arguments.end());
  std::vector<std::string> environment = options.environment;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    environment.push_back(*variable);
  }
  const std::vector<char*> argv = Pointers(arguments);
  const std::vector<char*> envp = Pointers(environment);

  int output[2];
  int error[2];
  if (pipe2(output, O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "pipe2");
  if (pipe2(error, O_CLOEXEC) != 0) {
    const absl::Status status = absl::ErrnoToStatus(errno, "pipe2");
    close(output[0]);
    close(output[1]);
    return status;
  }
  const pid_t pid = fork();
  if (pid == 0) {
    Exec(program.c_str(), argv.data(), envp.data(), output[1], error[1],
         options);
  }
  const int fork_error = errno;
  close(output[1]);
  close(error[1]);
  if (pid < 0) {
    close(output[0]);
    close(error[0]);
    return absl::ErrnoToStatus(fork_error, "fork");
  }
  fcntl(output[0], F_SETFL, O_NONBLOCK);
  fcntl(error[0], F_SETFL, O_NONBLOCK);
  const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  auto process = absl::WrapUnique(new Process(pid, pidfd, output[0], error[0]));
  if (pidfd < 0) return absl::ErrnoToStatus(errno, "pidfd_open");
  return process;
}

Process::~Process() {
  if (!ended_) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  for (const int fd : {pidfd_, output_.fd, error_.fd}) {
    if (fd >= 0) close(fd);
  }
}

absl::Status Process::Signal(int signal) {
  if (ended_) return absl::FailedPreconditionError("the process has ended");
  return kill(pid_, signal) == 0 ? absl::OkStatus()
                                 : absl::ErrnoToStatus(errno, "kill");
}

void Process::Read(Pipe* pipe) {
  char buffer[16 * 1024];
  while (true) {
    const ssize_t size = read(pipe->fd, buffer, sizeof(buffer));
    if (size > 0) {
      pipe->text.append(buffer, size);
    } else if (size < 0 && errno == EINTR) {
      continue;
    } else {
      if (size < 0 && errno == EAGAIN) return;
      close(std::exchange(pipe->fd, -1));
      return;
    }
  }
}

absl::Status Process::PumpUntil(absl::FunctionRef<bool()> done,
                                absl::Duration timeout) {
  const MonotonicTime deadline = Now() + timeout;
  while (!done()) {
    pollfd polled[] = {{output_.fd, POLLIN, 0},
                       {error_.fd, POLLIN, 0},
                       {ended_ ? -1 : pidfd_, POLLIN, 0}};
    const int count = poll(polled, 3, PollTimeout(deadline));
    if (count < 0 && errno != EINTR) return absl::ErrnoToStatus(errno, "poll");
    if (count <= 0) {
      if (Now() < deadline) continue;
      return absl::DeadlineExceededError(
          absl::StrCat("process ", pid_, " after ",
                       absl::FormatDuration(timeout), "; its output: \"",
                       output_.text, "\", errors: \"", error_.text, "\""));
    }
    if (polled[0].revents != 0) Read(&output_);
    if (polled[1].revents != 0) Read(&error_);
    if (polled[2].revents != 0) {
      ended_ = waitpid(pid_, &wait_status_, 0) == pid_;
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> Process::ReadLine(absl::Duration timeout) {
  size_t end = std::string::npos;
  const absl::Status status = PumpUntil(
      [&] {
        end = output_.text.find('\n', lines_end_);
        return end != std::string::npos || output_.fd < 0;
      },
      timeout);
  if (!status.ok()) return status;
  if (end == std::string::npos) {
    return absl::OutOfRangeError(absl::StrCat(
        "no further line of output; errors: \"", error_.text, "\""));
  }
  const size_t begin = std::exchange(lines_end_, end + 1);
  return output_.text.substr(begin, end - begin);
}

absl::Status Process::WaitForError(absl::string_view text,
                                   absl::Duration timeout) {
  const auto found = [&] { return absl::StrContains(error_.text, text); };
  const absl::Status status =
      PumpUntil([&] { return found() || error_.fd < 0; }, timeout);
  if (!status.ok() || found()) return status;
  return absl::OutOfRangeError(
      absl::StrCat("no such text in the errors: \"", error_.text, "\""));
}

void Process::CloseOutput() {
  if (output_.fd >= 0) close(std::exchange(output_.fd, -1));
}

absl::StatusOr<Process::Ended> Process::Wait(absl::Duration timeout) {
  const absl::Status status = PumpUntil(
      [&] { return ended_ && output_.fd < 0 && error_.fd < 0; }, timeout);
  if (!status.ok()) return status;
  Ended ended = {.output = std::move(output_.text),
                 .error = std::move(error_.text)};
  if (WIFEXITED(wait_status_)) {
    ended.exit_code = WEXITSTATUS(wait_status_);
  } else {
    ended.signal = WTERMSIG(wait_status_);
  }
  return ended;
}

absl::StatusOr<std::vector<std::string>> Process::StatusWords(
    absl::string_view key) const {
  std::ifstream file(absl::StrCat("/proc/", pid_, "/status"));
  std::string line;
  while (std::getline(file, line)) {
    // "VmRSS:      1234 kB"
    std::vector<std::string> words =
        absl::StrSplit(line, absl::ByAnyChar(": \t"), absl::SkipEmpty());
    if (words.empty() || words[0] != key) continue;
    words.erase(words.begin());
    return words;
  }
  return absl::UnavailableError(
      absl::StrCat("no ", key, " in the status of process ", pid_));
}

absl::StatusOr<int64_t> Process::StatusKiB(absl::string_view key) const {
  const auto words = StatusWords(key);
  if (!words.ok()) return words.status();
  int64_t value;
  if (words->size() == 2 && absl::SimpleAtoi((*words)[0], &value)) {
    return value * 1024;
  }
  return absl::DataLossError(absl::StrCat(key, " is no number of kB"));
}

absl::StatusOr<uint64_t> Process::CaughtSignals() const {
  const auto words = StatusWords("SigCgt");
  if (!words.ok()) return words.status();
  uint64_t value;
  if (words->size() == 1 && absl::SimpleHexAtoi((*words)[0], &value)) {
    return value;
  }
  return absl::DataLossError("SigCgt is no set of signals");
}

absl::StatusOr<int64_t> Process::ResidentBytes() const {
  return StatusKiB("VmRSS");
}

absl::StatusOr<int64_t> Process::PeakResidentBytes() const {
  return StatusKiB("VmHWM");
}

absl::StatusOr<absl::Duration> Process::CpuTime() const {
  clockid_t clock;
  const int error = clock_getcpuclockid(pid_, &clock);
  if (error != 0) return absl::ErrnoToStatus(error, "clock_getcpuclockid");
  timespec time;
  if (clock_gettime(clock, &time) != 0) {
    return absl::ErrnoToStatus(errno, "clock_gettime");
  }
  return absl::DurationFromTimespec(time);
}

std::vector<std::string> PlainSignals() {
  constexpr absl::string_view kOptions =
      "handle_segv=0:handle_sigbus=0:handle_abort=0:handle_sigill=0:"
      "handle_sigfpe=0:handle_sigtrap=0:detect_leaks=0:report_signal_unsafe=0:"
      "die_after_fork=0";
  return {absl::StrCat("ASAN_OPTIONS=", kOptions),
          absl::StrCat("TSAN_OPTIONS=", kOptions)};
}

bool Eventually(absl::FunctionRef<bool()> condition, absl::Duration timeout) {
  const MonotonicTime deadline = Now() + timeout;
  while (!condition()) {
    if (Now() >= deadline) return false;
    Pass(absl::Milliseconds(5));
  }
  return true;
}

void Pass(absl::Duration duration) {
  const MonotonicTime deadline = Now() + duration;
  while (Now() < deadline) poll(nullptr, 0, PollTimeout(deadline));
}

int64_t RaiseOwnDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  const rlimit raised = {limit.rlim_max, limit.rlim_max};
  if (setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  return static_cast<int64_t>(
      std::min<rlim_t>(limit.rlim_cur, rlim_t{1} << 40));
}

}  // namespace sluice
