#include "sluice/net/sim/sim_progress.h"

#include <stdio.h>

#include <cstdlib>
#include <string>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "sluice/timer/sim_clock.h"

namespace sluice {
namespace {

// A terminal: a file in memory.
class Screen {
 public:
  Screen() : file_(open_memstream(&text_, &size_)) {}
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;
  ~Screen() {
    std::fclose(file_);
    std::free(text_);
  }

  std::FILE* file() { return file_; }
  std::string text() { return std::string(text_, size_); }

 private:
  char* text_ = nullptr;
  size_t size_ = 0;
  std::FILE* file_;
};

TEST(SimProgressTest, ShowsALongRunInOneLineThatItWipes) {
  SimClock clock;
  Screen screen;
  {
    SimProgress progress(&clock, /*seeds=*/40, screen.file());
    for (uint64_t seed = 1001; seed <= 1009; ++seed) {
      clock.Advance(absl::Milliseconds(100));
      progress.Done(seed);
    }
    std::fflush(screen.file());
    EXPECT_EQ(screen.text(), "");
    for (uint64_t seed = 1010; seed <= 1013; ++seed) {
      clock.Advance(absl::Milliseconds(100));
      progress.Done(seed);
    }
    EXPECT_EQ(screen.text(),
              "\rseed 1010, 10 of 40, 10/s, 3 s left\x1b[K"
              "\rseed 1012, 12 of 40, 10/s, 3 s left\x1b[K");
  }
  EXPECT_EQ(screen.text().substr(screen.text().rfind('\r')), "\r\x1b[K");
}

TEST(SimProgressTest, WipesALineOnceBeforeOtherText) {
  SimClock clock;
  Screen screen;
  SimProgress progress(&clock, /*seeds=*/2, screen.file());
  progress.Wipe();
  clock.Advance(absl::Seconds(1));
  progress.Done(1);
  progress.Wipe();
  progress.Wipe();
  EXPECT_EQ(screen.text(), "\rseed 1, 1 of 2, 1/s, 1 s left\x1b[K\r\x1b[K");
}

TEST(SimProgressTest, SumsUpFinishedSeeds) {
  SimClock clock;
  SimProgress progress(&clock, /*seeds=*/20000, /*terminal=*/nullptr);
  clock.Advance(absl::Milliseconds(1500));
  for (uint64_t seed = 1; seed <= 300; ++seed) progress.Done(seed);
  EXPECT_EQ(progress.Summary(), "300 seeds in 1.5 s, 200/s");
}

}  // namespace
}  // namespace sluice
