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

// A program under test (testonly), in a process of its own whose standard
// output and error are caught. It cannot outlive this object, nor the thread
// that started it. What goes wrong with the process itself is a Status; whoever
// waits says how long at most, and gets kDeadlineExceeded then.
// Thread-compatible.
class Process {
 public:
  struct Options {
    std::vector<std::string> arguments = {};    // without the program
    std::vector<std::string> environment = {};  // "NAME=value", added to ours
    uint64_t descriptor_limit = 0;  // soft and hard RLIMIT_NOFILE; 0: ours
    int cpu = -1;                   // the only one it may run on; -1: any
  };

  // `program` is a path from the top of the workspace, such as
  // "apps/echo/server", which the target has among its data.
  // REQUIRES: run by bazel test or bazel run, where that is the working
  // directory.
  static absl::StatusOr<std::unique_ptr<Process>> Start(
      const std::string& program, const Options& options);
  // Kills it if it still runs.
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  absl::Status Signal(int signal);

  // The next line of standard output, without its end. kOutOfRange: output has
  // ended before.
  absl::StatusOr<std::string> ReadLine(absl::Duration timeout);
  // Whether `text` appears on standard error; what is there already counts.
  absl::Status WaitForError(absl::string_view text, absl::Duration timeout);
  // From now on the program writes to a pipe that nobody reads.
  void CloseOutput();

  struct Ended {
    int exit_code = -1;  // -1: a signal killed it
    int signal = 0;      // 0: it exited
    std::string output;  // all of it, lines that were read included
    std::string error;
  };
  // Until it has ended. Once.
  absl::StatusOr<Ended> Wait(absl::Duration timeout);

  // From /proc. REQUIRES: not waited for.
  absl::StatusOr<int64_t> OpenDescriptors() const;
  absl::StatusOr<int64_t> ResidentBytes() const;      // now
  absl::StatusOr<int64_t> PeakResidentBytes() const;  // the most there ever was
  // The signals that it has handlers for: bit n - 1 is signal n.
  absl::StatusOr<uint64_t> CaughtSignals() const;
  // What all its threads have spent, user and system.
  absl::StatusOr<absl::Duration> CpuTime() const;

 private:
  Process(pid_t pid, int pidfd, int output, int error)
      : pid_(pid), pidfd_(pidfd), output_{output, ""}, error_{error, ""} {}

  struct Pipe {
    int fd;  // -1: closed
    std::string text;
  };
  // Appends what is there; closes at the end.
  static void Read(Pipe* pipe);
  // Takes in output until `done` or the deadline.
  absl::Status PumpUntil(absl::FunctionRef<bool()> done,
                         absl::Duration timeout);
  // The words after `key` in /proc/PID/status.
  absl::StatusOr<std::vector<std::string>> StatusWords(
      absl::string_view key) const;
  absl::StatusOr<int64_t> StatusKiB(absl::string_view key) const;

  const pid_t pid_;
  int pidfd_;
  Pipe output_;
  Pipe error_;
  size_t lines_end_ = 0;  // of what ReadLine() has returned
  bool ended_ = false;
  int wait_status_ = 0;
};

// An environment in which a program's signals do what they do without a
// sanitizer, whose own handlers end the process otherwise.
std::vector<std::string> PlainSignals();

// Whether `condition` comes true in time. For what no descriptor tells, such as
// the figures in /proc: looks every few milliseconds.
bool Eventually(absl::FunctionRef<bool()> condition, absl::Duration timeout);

// Lets so much time pass, for measuring how little happens meanwhile.
void Pass(absl::Duration duration);

// Raises the limit on descriptors as far as it goes, and returns it.
int64_t RaiseOwnDescriptorLimit();

}  // namespace sluice

#endif  // SLUICE_TESTS_SUPPORT_PROCESS_H_
