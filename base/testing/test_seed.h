#ifndef SLUICE_BASE_TESTING_TEST_SEED_H_
#define SLUICE_BASE_TESTING_TEST_SEED_H_

#include <cstdint>

namespace sluice {

// Returns a seed for a random test: the number in the environment variable
// SLUICE_SEED, or if it has none, a new random number at each call. The test
// must print the seed, so that a failure can be repeated:
// SCOPED_TRACE(absl::StrCat("SLUICE_SEED=", seed)). Thread-safe.
uint64_t TestSeed();

}  // namespace sluice

#endif  // SLUICE_BASE_TESTING_TEST_SEED_H_
