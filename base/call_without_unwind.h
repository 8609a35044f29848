#ifndef SLUICE_BASE_CALL_WITHOUT_UNWIND_H_
#define SLUICE_BASE_CALL_WITHOUT_UNWIND_H_

#include "absl/functional/function_ref.h"

namespace sluice {

// Calls `call`. If an exception would leave `call`, ends the process by
// std::terminate() at the throw: no handler further out catches it, and no
// destructor runs, so that a core dump has the whole stack, from the throw to
// main(). A noexcept function would unwind the stack first. Exceptions that are
// caught inside `call`, and pthread_exit(3), work as usual.
//
// For code that calls callbacks of users: docs/architecture.md, "Exceptions".
// Costs about 1 ns. On CPUs other than x86-64 and AArch64, unwinds the stack
// and then terminates. Thread-safe.
void CallWithoutUnwind(absl::FunctionRef<void()> call);

}  // namespace sluice

#endif  // SLUICE_BASE_CALL_WITHOUT_UNWIND_H_
