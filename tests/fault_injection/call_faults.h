#ifndef SLUICE_TESTS_FAULT_INJECTION_CALL_FAULTS_H_
#define SLUICE_TESTS_FAULT_INJECTION_CALL_FAULTS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace sluice {

// System calls that fail when they are told to (testonly). Whoever links this
// has libc's functions replaced by ones that count, and then call libc's: what
// is linked statically into the program, and shared libraries too. Calls count
// between BeginCalls() and EndCalls(), on all threads. Which calls there are,
// and with which errors each can fail, is a table in the .cc, from the man
// pages; docs/testing.md has it for people.

// Not an errno: the call succeeds, and takes or gives one byte.
inline constexpr int kShortCount = 0;

// Not a system call: it throws std::bad_alloc.
inline constexpr absl::string_view kAllocation = "operator new";

struct CallKind {
  absl::string_view name;  // "recv", "epoll_ctl(ADD)"
  std::vector<int> errors;
};
// In the order of CallCounts().
absl::Span<const CallKind> CallKinds();

struct CallFault {
  size_t kind = 0;  // index into CallKinds()
  int nth = 0;      // call of that kind, from 1
  int error = 0;
  int in_a_row = 1;  // it and those after it
};
// "recv 3 ECONNRESET".
std::string ToString(const CallFault& fault);

// Forgets what was counted. `fault` may be null: none fails. REQUIRES: no other
// thread makes calls, and none is between BeginCalls() and EndCalls().
void BeginCalls(const CallFault* fault);
void EndCalls();

// Since BeginCalls(), for each kind.
std::vector<int> CallCounts();
// Whether a call has failed for BeginCalls()'s sake.
bool CallHasFailed();

}  // namespace sluice

#endif  // SLUICE_TESTS_FAULT_INJECTION_CALL_FAULTS_H_
