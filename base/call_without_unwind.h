#ifndef SLUICE_BASE_CALL_WITHOUT_UNWIND_H_
#define SLUICE_BASE_CALL_WITHOUT_UNWIND_H_

#include "absl/functional/function_ref.h"

namespace sluice {

// Calls `call`. An exception that would leave `call` ends the process by
// std::terminate() at the throw: no handler further out is found, and no
// destructor has run, so that a core has the stack of the thrower, main()
// included. In place of noexcept, which unwinds the stack before it terminates.
// An exception that is caught inside `call`, and pthread_exit(3), work as
// usual.
//
// For those who call users' callbacks: docs/architecture.md, "Exceptions".
// Costs about 1 ns. Thread-safe.
void CallWithoutUnwind(absl::FunctionRef<void()> call);

}  // namespace sluice

#endif  // SLUICE_BASE_CALL_WITHOUT_UNWIND_H_
