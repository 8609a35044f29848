#include "sluice/bench/report/progress.h"

#include "gtest/gtest.h"

namespace sluice {
namespace {

// In a test, standard error is no terminal.
TEST(ProgressTest, WithoutATerminalEachHeadlineIsPrintedOnce) {
  ::testing::internal::CaptureStderr();
  {
    Progress progress;
    progress.Show("one", "a");
    progress.Show("one", "b");
    progress.Clear();
    progress.Show("two", "a");
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "one\ntwo\n");
}

}  // namespace
}  // namespace sluice
