#ifndef SLUICE_TESTS_SUPPORT_PROCESS_H_
#define SLUICE_TESTS_SUPPORT_PROCESS_H_

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "sluice/timer/clock.h"

namespace sluice {

// A program under test (testonly), in a process of its own. Collects the text
// that the program writes to standard output and standard error. The process
// is killed when this object is destroyed, and when the thread that started the
// process ends. An error of a system call has the code of
// absl::ErrnoToStatus(). Calls with a `timeout` return kDeadlineExceeded after
// it. Thread-compatible.
class Process {
 public:
  struct Options {
    std::vector<std::string> arguments = {};  // without the program
    // Items "NAME=value", added to the environment of the test. An item
    // replaces the value that the test has for this name.
    std::vector<std::string> environment = {};
    // Soft and hard RLIMIT_NOFILE; 0: the limits of the test.
    uint64_t descriptor_limit = 0;
    int cpu = -1;  // the only CPU to run on; -1: any
  };

  // Starts `program`, a path from the top of the workspace such as
  // "apps/echo/server". List the program in the data of the test's target. If
  // the program cannot be executed, Start() succeeds, and the process prints
  // the reason to standard error and exits with 127. REQUIRES: the test is run
  // by bazel test or bazel run, which make the top of the workspace the working
  // directory.
  static absl::StatusOr<std::unique_ptr<Process>> Start(
      const std::string& program, const Options& options);
  // Kills the process if it still runs.
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  // Sends `signal`. Returns kFailedPrecondition if an earlier call has noticed
  // the end of the process.
  absl::Status Signal(int signal);

  // Waits for the next line of standard output, and returns it without its line
  // end. Returns kOutOfRange if the output ends before a line end.
  absl::StatusOr<std::string> ReadLine(absl::Duration timeout);
  // Waits until standard error contains `text`; text that is already there
  // counts. Returns kOutOfRange if standard error ends without it.
  absl::Status WaitForError(absl::string_view text, absl::Duration timeout);
  // Closes the reading end of standard output: from now on the program writes
  // to a pipe that nobody reads.
  void CloseOutput();

  struct Ended {
    int exit_code = -1;  // -1: killed by a signal
    int signal = 0;      // 0: none; it exited
    std::string output;  // all standard output, with lines that were read
    std::string error;   // all standard error
  };
  // Waits until the process has ended, and no other process has its standard
  // output and error open. After kDeadlineExceeded, Wait() may be called again;
  // after success, it may not.
  absl::StatusOr<Ended> Wait(absl::Duration timeout);

  // These return numbers that the kernel keeps for the process. The first three
  // return kUnavailable if /proc does not have the number, and kDataLoss if it
  // has another form. REQUIRES: Wait() has not succeeded.
  absl::StatusOr<int64_t> ResidentBytes() const;      // now
  absl::StatusOr<int64_t> PeakResidentBytes() const;  // the maximum until now
  // Returns the signals that the process handles: bit n - 1 is signal n.
  absl::StatusOr<uint64_t> CaughtSignals() const;
  // Returns the CPU time of all threads of the process, user and system.
  absl::StatusOr<absl::Duration> CpuTime() const;

 private:
  Process(pid_t pid, int pidfd, int output, int error)
      : pid_(pid), pidfd_(pidfd), output_{output, ""}, error_{error, ""} {}

  struct Pipe {
    int fd;  // -1: closed
    std::string text;
  };
  // Appends the bytes that can be read now; closes the pipe at EOF.
  static void Read(Pipe* pipe);
  // Reads output until `done` returns true or `timeout` has passed.
  absl::Status PumpUntil(absl::FunctionRef<bool()> done,
                         absl::Duration timeout);
  // Returns the words after `key` in /proc/PID/status.
  absl::StatusOr<std::vector<std::string>> StatusWords(
      absl::string_view key) const;
  absl::StatusOr<int64_t> StatusKiB(absl::string_view key) const;

  const pid_t pid_;
  int pidfd_;
  Pipe output_;
  Pipe error_;
  size_t lines_end_ = 0;  // end of the lines that ReadLine() has returned
  bool ended_ = false;
  int wait_status_ = 0;
};

// Returns values for Process::Options::environment with which signals act as
// they do without a sanitizer. By default, the sanitizer's own handlers end the
// process.
std::vector<std::string> PlainSignals();

// Returns whether `condition` becomes true within `timeout`. Checks it every 5
// ms. Use it for state that no descriptor reports, such as figures in /proc.
bool Eventually(absl::FunctionRef<bool()> condition, absl::Duration timeout);

// Waits for `duration`, to measure how little happens meanwhile.
void Pass(absl::Duration duration);

// Raises this process's soft descriptor limit to the hard limit, if possible.
// Returns the soft limit, but at most 2^40.
int64_t RaiseOwnDescriptorLimit();

}  // namespace sluice

#endif  // SLUICE_TESTS_SUPPORT_PROCESS_H_
