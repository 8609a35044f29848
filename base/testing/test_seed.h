#ifndef SLUICE_BASE_TESTING_TEST_SEED_H_
#define SLUICE_BASE_TESTING_TEST_SEED_H_

#include <cstdint>

namespace sluice {

// What a random test begins with: the environment's SLUICE_SEED, else a new one
// at each call. Whoever uses it says which it was, so that a failure can be had
// again: SCOPED_TRACE(absl::StrCat("SLUICE_SEED=", seed)). Thread-safe.
uint64_t TestSeed();

}  // namespace sluice

#endif  // SLUICE_BASE_TESTING_TEST_SEED_H_
