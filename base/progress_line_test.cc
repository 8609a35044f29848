#include "sluice/base/progress_line.h"

#include "gtest/gtest.h"

namespace sluice {
namespace {

TEST(ProgressLineTest, RewritesOneLineAndClearsItOnce) {
  ::testing::internal::CaptureStderr();
  {
    ProgressLine line(/*terminal=*/true);
    line.Clear();
    line.Show("one");
    line.Show("two");
    line.Clear();
    line.Clear();
    line.Show("three");
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(),
            "\rone\x1b[K\rtwo\x1b[K\r\x1b[K\rthree\x1b[K\r\x1b[K");
}

TEST(ProgressLineTest, ShowsNothingWithoutATerminal) {
  ::testing::internal::CaptureStderr();
  {
    ProgressLine line;  // in a test, standard error is no terminal
    EXPECT_FALSE(line.terminal());
    line.Show("one");
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace sluice
