#include <cstdint>
#include <cstdlib>
#include <random>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/timer/timer_wheel_model.h"

namespace sluice {
namespace {

constexpr int64_t kOperationsOfARun = 20'000;

int64_t RunSeed(uint64_t seed) {
  SCOPED_TRACE(absl::StrCat("SLUICE_SEED=", seed));
  std::mt19937_64 random(seed);
  TimerWheelModel model([&](uint64_t bound) { return random() % bound; });
  while (model.operations() < kOperationsOfARun && !model.AtTheEndOfTime()) {
    const absl::Status status = model.Step();
    EXPECT_THAT(status, IsOk());
    if (!status.ok()) break;
  }
  return model.operations();
}

// Runs the seeds from 1 on, until they have made SLUICE_OPERATIONS calls in
// total. If SLUICE_SEED is set, runs that seed only.
TEST(TimerWheelRandomTest, WheelFiresAsASortedMapWould) {
  if (const char* seed = std::getenv("SLUICE_SEED")) {
    RunSeed(std::strtoull(seed, nullptr, 0));
    return;
  }
  const char* const wanted = std::getenv("SLUICE_OPERATIONS");
  const int64_t operations =
      wanted != nullptr ? std::strtoll(wanted, nullptr, 10) : 1'000'000;
  int64_t done = 0;
  for (uint64_t seed = 1; done < operations && !HasFailure(); ++seed) {
    done += RunSeed(seed);
  }
}

}  // namespace
}  // namespace sluice
