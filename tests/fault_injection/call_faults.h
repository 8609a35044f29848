#ifndef SLUICE_TESTS_FAULT_INJECTION_CALL_FAULTS_H_
#define SLUICE_TESTS_FAULT_INJECTION_CALL_FAULTS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace sluice {

// System calls that fail on request (testonly). A program that links this
// target gets replacements of libc's functions, in its own code and in shared
// libraries. A replacement counts its calls between BeginCalls() and
// EndCalls(), on all threads, and calls libc's function unless it is to fail.
// The .cc file has the table of the calls and of their errors, from the man
// pages; docs/fault_injection.md explains it.

// An outcome that is no errno: the call succeeds, and moves one byte.
inline constexpr int kShortCount = 0;

// The name of a kind that is no system call: it fails by std::bad_alloc.
inline constexpr absl::string_view kAllocation = "operator new";

struct CallKind {
  absl::string_view name;   // "recv", "epoll_ctl(ADD)"
  std::vector<int> errors;  // errno values, or kShortCount
};
// Returns the kinds, in the order of CallCounts().
absl::Span<const CallKind> CallKinds();

struct CallFault {
  size_t kind = 0;   // index into CallKinds()
  int nth = 0;       // number of the first call that fails, from 1
  int error = 0;     // an errno or kShortCount
  int in_a_row = 1;  // number of calls that fail, the nth included
};
// Returns text such as "recv 3 ECONNRESET".
std::string ToString(const CallFault& fault);

// Resets the counts and starts counting. If `fault` is null, no call fails.
// REQUIRES: no other thread makes calls, and no thread is between BeginCalls()
// and EndCalls().
void BeginCalls(const CallFault* fault);
// Stops counting. No call fails any more.
void EndCalls();

// Returns the number of calls from the last BeginCalls() to its EndCalls(), or
// until now, for each kind.
std::vector<int> CallCounts();
// Returns whether a call has failed because of the fault of the last
// BeginCalls().
bool CallHasFailed();

}  // namespace sluice

#endif  // SLUICE_TESTS_FAULT_INJECTION_CALL_FAULTS_H_
