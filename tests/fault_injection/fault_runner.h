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
  int calls = 0;     // system calls of the scenario if none fails
  int points = 0;    // pairs of a call and an error that were tried
  int reached = 0;   // points whose run made the call, so that it failed
  int served = 0;    // points where the scenario returned OK all the same
  int reported = 0;  // points where the scenario returned an error
  int aborted = 0;   // points where a failed allocation led to std::terminate()
  // The points of `reported` with an error that callers should retry: EAGAIN
  // (except of connect(2) and pthread_create(3)), EINTR, a short count.
  std::vector<std::string> gave_up;
  // One line per failure: "recv 3 ECONNRESET: ended by signal 6". If the
  // scenario fails without a fault, only this failure, and no point is tried.
  std::vector<std::string> failures;

  // Returns the numbers in one line.
  std::string Summary() const;
};

struct FaultOptions {
  absl::Duration deadline = absl::Seconds(kSanitized ? 20 : 5);  // of a run
  // The most calls of each kind to try, spread evenly over the calls of the
  // scenario. Fewer under a sanitizer, whose search for leaks takes 0.1 s.
  int max_calls_per_kind = kSanitized ? 4 : 24;
  // The number of calls of the kind that fail, from the chosen one on.
  int in_a_row = 1;
  // The calls that fail: system calls, or memory allocations. A failed
  // allocation may end the process by std::terminate(), and by nothing else.
  enum class What { kSystemCalls, kAllocations };
  What what = What::kSystemCalls;
};

// Runs `scenario` once to count its calls, and once more for each call and each
// error with which the call can fail. Each run has a new process, and a thread
// with nothing else on its stack, so that no exception is caught. The scenario
// fails at a point where it
//   - ends its process, as by a SLUICE_CHECK;
//   - takes longer than the deadline;
//   - leaves a descriptor open, or leaks memory, which only asan detects;
//   - spins: makes more system calls than ten times its calls without a fault,
//     plus a thousand.
// At a point, the scenario may return OK or an error: both pass. Without a
// fault, it must return OK. Its standard error is the test's. If the
// environment variable SLUICE_FAULT is set, for example to "recv 3 ECONNRESET",
// only that fault is tried. REQUIRES: there is one thread.
FaultReport RunWithFaults(absl::FunctionRef<absl::Status()> scenario,
                          FaultOptions options = {});

}  // namespace sluice

#endif  // SLUICE_TESTS_FAULT_INJECTION_FAULT_RUNNER_H_
