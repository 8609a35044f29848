#ifndef SLUICE_TESTS_TEST_ENVIRONMENT_H_
#define SLUICE_TESTS_TEST_ENVIRONMENT_H_

#include <cstdint>

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

// The environment's SLUICE_SEED, else a new one at each call. Whoever uses it
// says which it was: SCOPED_TRACE(absl::StrCat("SLUICE_SEED=", seed)).
uint32_t TestSeed();

}  // namespace sluice

#endif  // SLUICE_TESTS_TEST_ENVIRONMENT_H_
