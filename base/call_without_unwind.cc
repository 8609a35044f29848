#include "sluice/base/call_without_unwind.h"

#include <unwind.h>

#include "absl/base/attributes.h"
#include "absl/base/optimization.h"

namespace sluice {

#if defined(__x86_64__) || defined(__aarch64__)

// The linker removes sections that nothing refers to (--gc-sections), and gold
// does not look for what unwind tables refer to.
#define IN_ONE_SECTION __attribute__((section(".text.call_without_unwind")))

// A throw first searches the stack for a handler, and asks the personality
// routine of each function on it; before one is found nothing is unwound. This
// routine ends the search with an error, upon which __cxa_throw() calls
// std::terminate(). A forced unwinding, as by pthread_exit(3), searches for
// nothing and passes.
extern "C" __attribute__((used, visibility("hidden")))
IN_ONE_SECTION _Unwind_Reason_Code
SluiceEndSearchForHandler(int /*version*/, _Unwind_Action actions,
                          _Unwind_Exception_Class, _Unwind_Exception*,
                          _Unwind_Context*) {
  return (actions & _UA_SEARCH_PHASE) != 0 ? _URC_FATAL_PHASE1_ERROR
                                           : _URC_CONTINUE_UNWIND;
}

// Has nothing to destroy and catches nothing, so that the compiler gives it no
// personality routine of its own.
ABSL_ATTRIBUTE_NOINLINE IN_ONE_SECTION void CallWithoutUnwind(
    absl::FunctionRef<void()> call) {
  // 0x1b: a signed 32-bit offset from the place where it is stored.
  asm volatile(".cfi_personality 0x1b, SluiceEndSearchForHandler");
  call();
  ABSL_BLOCK_TAIL_CALL_OPTIMIZATION();
}

#else

// Unwinds, and then terminates.
void CallWithoutUnwind(absl::FunctionRef<void()> call) {
  [&]() noexcept { call(); }();
}

#endif

}  // namespace sluice
