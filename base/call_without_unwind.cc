#include "sluice/base/call_without_unwind.h"

#include <unwind.h>

#include "absl/base/attributes.h"
#include "absl/base/optimization.h"

namespace sluice {

#if defined(__x86_64__) || defined(__aarch64__)

// With --gc-sections the linker removes sections without references, and gold
// does not count the references of unwind tables.
#define IN_ONE_SECTION __attribute__((section(".text.call_without_unwind")))

// A throw first searches the stack for a handler, and calls the personality
// routine of each function on the stack. Nothing is unwound before a handler is
// found. This routine ends the search with an error, and then __cxa_throw()
// calls std::terminate(). A forced unwinding, as by pthread_exit(3), does not
// search, so it continues.
extern "C" __attribute__((used, visibility("hidden")))
IN_ONE_SECTION _Unwind_Reason_Code
SluiceEndSearchForHandler(int /*version*/, _Unwind_Action actions,
                          _Unwind_Exception_Class, _Unwind_Exception*,
                          _Unwind_Context*) {
  return (actions & _UA_SEARCH_PHASE) != 0 ? _URC_FATAL_PHASE1_ERROR
                                           : _URC_CONTINUE_UNWIND;
}

// Destroys nothing and catches nothing, so that the compiler gives this
// function no personality routine of its own.
ABSL_ATTRIBUTE_NOINLINE IN_ONE_SECTION void CallWithoutUnwind(
    absl::FunctionRef<void()> call) {
  // 0x1b: a signed 32-bit offset from the place where it is stored.
  asm volatile(".cfi_personality 0x1b, SluiceEndSearchForHandler");
  call();
  ABSL_BLOCK_TAIL_CALL_OPTIMIZATION();
}

#else

// Unwinds the stack, and then terminates.
void CallWithoutUnwind(absl::FunctionRef<void()> call) {
  [&]() noexcept { call(); }();
}

#endif

}  // namespace sluice
