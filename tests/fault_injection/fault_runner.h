#ifndef SLUICE_TESTS_FAULT_INJECTION_FAULT_RUNNER_H_
#define SLUICE_TESTS_FAULT_INJECTION_FAULT_RUNNER_H_

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "sluice/tests/support/test_environment.h"

namespace sluice {

// The results of a scenario under faults.
struct FaultReport {
  int calls = 0;     // calls of the scenario when none fails
  int points = 0;    // pairs of a call and an error that were tried
  int reached = 0;   // points where a call failed; reruns may make fewer
  int served = 0;    // points where it returned OK all the same
  int reported = 0;  // points where it returned an error
  int aborted = 0;   // points where std::terminate() ran: no memory
  // The points of `reported` with an error that callers should retry: EAGAIN,
  // EINTR, a short count.
  std::vector<std::string> gave_up;
  // One line per failure: "recv 3 ECONNRESET: ended by signal 6".
  std::vector<std::string> failures;

  std::string Summary() const;
};

struct FaultOptions {
  absl::Duration deadline = absl::Seconds(kSanitized ? 20 : 5);
  // The most calls to try of each kind, spread evenly over the calls of the
  // scenario. (A search for leaks takes a tenth of a second.)
  int max_calls_per_kind = kSanitized ? 4 : 24;
  // The number of calls of the kind that fail, from the chosen one on.
  int in_a_row = 1;
  // The calls that fail: system calls, or memory allocations. A failed
  // allocation may end the process by std::terminate(), and by nothing else.
  enum class What { kSystemCalls, kAllocations };
  What what = What::kSystemCalls;
};

// Runs `scenario` once to count its system calls, and once more for each call
// and each error that the call can fail with. Each run has a new process, and a
// thread with nothing else on its stack, so that no exception is caught. The
// scenario fails at a point where it
//   - ends its process, as by a SLUICE_CHECK;
//   - takes longer than the deadline;
//   - leaves a descriptor open, or, under a sanitizer that sees it, memory;
//   - makes ten times the calls, and a thousand, that it makes without a fault:
//     it spins.
// A scenario may return OK or an error: both pass. Its output to stderr goes to
// the stderr of the test. If SLUICE_FAULT is set, for example to "recv 3
// ECONNRESET", only that fault is tried. REQUIRES: there is one thread.
FaultReport RunWithFaults(absl::FunctionRef<absl::Status()> scenario,
                          FaultOptions options = {});

}  // namespace sluice

#endif  // SLUICE_TESTS_FAULT_INJECTION_FAULT_RUNNER_H_
