#ifndef SLUICE_TESTS_FAULT_INJECTION_FAULT_RUNNER_H_
#define SLUICE_TESTS_FAULT_INJECTION_FAULT_RUNNER_H_

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "sluice/tests/support/test_environment.h"

namespace sluice {

// What became of a scenario under faults.
struct FaultReport {
  int calls = 0;    // that it makes when none fails
  int points = 0;   // tried: a call and an error
  int reached = 0;  // that failed; threads may make fewer calls the next time
  int served = 0;   // OK in spite of that
  int told = 0;     // a Status
  int aborted = 0;  // by std::terminate(), for want of memory
  // Those told, of errors that one tries again: EAGAIN, EINTR, a short count.
  std::vector<std::string> gave_up;
  // "recv 3 ECONNRESET: ended by signal 6", one each.
  std::vector<std::string> failures;

  std::string Summary() const;
};

struct FaultOptions {
  absl::Duration deadline = absl::Seconds(kSanitized ? 20 : 5);
  // For each kind of call, evenly over those that the scenario makes. (A look
  // for leaks takes a tenth of a second.)
  int max_calls_per_kind = kSanitized ? 4 : 24;
  // So many calls of the kind fail, from the chosen one on.
  int in_a_row = 1;
  // What fails: system calls, or memory allocations, which may end the process
  // by std::terminate(), and by nothing else.
  enum class What { kSystemCalls, kAllocations };
  What what = What::kSystemCalls;
};

// Runs `scenario` once to count its system calls, and once more for each call
// and each error that it can fail with, that call failing: each time in a new
// process, on a thread with nothing else on its stack: no exception is caught.
// It fails at a point where it
//   - ends its process, as by a SLUICE_CHECK;
//   - takes longer than the deadline;
//   - leaves a descriptor open, or, under a sanitizer that sees it, memory;
//   - makes ten times the calls, and a thousand, that it makes without a fault:
//     it spins.
// Whether it returns OK or an error is all the same. What is written to stderr
// is the process's. If SLUICE_FAULT is set, to "recv 3 ECONNRESET", only that
// is tried. REQUIRES: there is one thread.
FaultReport RunWithFaults(absl::FunctionRef<absl::Status()> scenario,
                          FaultOptions options = {});

}  // namespace sluice

#endif  // SLUICE_TESTS_FAULT_INJECTION_FAULT_RUNNER_H_
