#include "sluice/base/testing/test_seed.h"

#include <cstdlib>
#include <random>

#include "absl/strings/numbers.h"

namespace sluice {

uint64_t TestSeed() {
  const char* const given = std::getenv("SLUICE_SEED");
  uint64_t seed;
  if (given != nullptr && absl::SimpleAtoi(given, &seed)) return seed;
  return std::random_device()();
}

}  // namespace sluice
