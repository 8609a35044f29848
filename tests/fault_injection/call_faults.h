#ifndef SLUICE_TESTS_FAULT_INJECTION_CALL_FAULTS_H_
#define SLUICE_TESTS_FAULT_INJECTION_CALL_FAULTS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace sluice {

// System calls that fail on request (testonly). A program that links this
// target calls replacements of libc's functions, which count and then call
// libc's. Code that is linked statically calls them, and shared libraries too.
// Calls count between BeginCalls() and EndCalls(), on all threads. The .cc file
// has the table of the calls and of the errors that each can fail with, from
// the man pages; docs/testing.md explains it.

// An outcome that is no errno: the call succeeds, and moves one byte.
inline constexpr int kShortCount = 0;

// A kind that is no system call: it throws std::bad_alloc.
inline constexpr absl::string_view kAllocation = "operator new";

struct CallKind {
  absl::string_view name;  // "recv", "epoll_ctl(ADD)"
  std::vector<int> errors;
};
// Returns the kinds, in the order of CallCounts().
absl::Span<const CallKind> CallKinds();

struct CallFault {
  size_t kind = 0;  // index into CallKinds()
  int nth = 0;      // call of that kind, from 1
  int error = 0;
  int in_a_row = 1;  // calls that fail, the nth included
};
// Returns text such as "recv 3 ECONNRESET".
std::string ToString(const CallFault& fault);

// Resets the counts and starts counting. If `fault` is null, no call fails.
// REQUIRES: no other thread makes calls, and no thread is between BeginCalls()
// and EndCalls().
void BeginCalls(const CallFault* fault);
void EndCalls();

// Returns the number of calls since BeginCalls(), for each kind.
std::vector<int> CallCounts();
// Returns whether a call has failed because of the fault of BeginCalls().
bool CallHasFailed();

}  // namespace sluice

#endif  // SLUICE_TESTS_FAULT_INJECTION_CALL_FAULTS_H_
