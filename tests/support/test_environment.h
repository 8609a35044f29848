#ifndef SLUICE_TESTS_SUPPORT_TEST_ENVIRONMENT_H_
#define SLUICE_TESTS_SUPPORT_TEST_ENVIRONMENT_H_

#include "absl/base/config.h"

namespace sluice {

// Constants that describe how a test is run (testonly).

// True under asan and tsan. Then figures of memory and CPU time measure the
// sanitizer, also figures of programs that the test starts.
#if defined(ABSL_HAVE_ADDRESS_SANITIZER) || defined(ABSL_HAVE_THREAD_SANITIZER)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace sluice

#endif  // SLUICE_TESTS_SUPPORT_TEST_ENVIRONMENT_H_
