#include "sluice/net/sim/sim_progress.h"

#include <cstdint>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "sluice/timer/sim_clock.h"

namespace sluice {
namespace {

TEST(SimProgressTest, ShowsALongRunInOneLineThatItClears) {
  SimClock clock;
  ::testing::internal::CaptureStderr();
  {
    SimProgress progress(&clock, /*seeds=*/40, /*terminal=*/true);
    for (uint64_t seed = 1001; seed <= 1013; ++seed) {
      clock.Advance(absl::Milliseconds(100));
      progress.Done(seed);
    }
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(),
            "\rseed 1010, 10 of 40, 10/s, 3 s left\x1b[K"
            "\rseed 1012, 12 of 40, 10/s, 3 s left\x1b[K"
            "\r\x1b[K");
}

TEST(SimProgressTest, SumsUpFinishedSeeds) {
  SimClock clock;
  SimProgress progress(&clock, /*seeds=*/20000, /*terminal=*/false);
  clock.Advance(absl::Milliseconds(1500));
  for (uint64_t seed = 1; seed <= 300; ++seed) progress.Done(seed);
  EXPECT_EQ(progress.Summary(), "300 seeds in 1.5 s, 200/s");
}

}  // namespace
}  // namespace sluice
