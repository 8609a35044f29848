#ifndef SLUICE_TESTS_SUPPORT_TEST_ENVIRONMENT_H_
#define SLUICE_TESTS_SUPPORT_TEST_ENVIRONMENT_H_

#include "absl/base/config.h"

namespace sluice {

// What a test has to know of how it is run (testonly).

// Whether a sanitizer is at work: memory and CPU time are its own then, those
// of the programs beside the test too.
#if defined(ABSL_HAVE_ADDRESS_SANITIZER) || defined(ABSL_HAVE_THREAD_SANITIZER)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace sluice

#endif  // SLUICE_TESTS_SUPPORT_TEST_ENVIRONMENT_H_
