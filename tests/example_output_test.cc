// Tests that example programs exit with 1 if their output cannot be written.

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/tests/support/process.h"

namespace sluice {
namespace {

class ExampleOutputTest : public ::testing::TestWithParam<std::string> {};

TEST_P(ExampleOutputTest, LostOutputIsAFailure) {
  auto process = Process::Start(
      "/bin/sh",
      {.arguments = {"-c", absl::StrCat("exec ", GetParam(), " >/dev/full")}});
  SLUICE_ASSERT_OK(process);
  const auto ended = (*process)->Wait(absl::Seconds(30));
  SLUICE_ASSERT_OK(ended);
  EXPECT_EQ(ended->exit_code, 1);
  const std::string name = GetParam().substr(GetParam().rfind('/') + 1);
  EXPECT_EQ(ended->error,
            absl::StrCat(name,
                         ": cannot write the results to stdout: No space left "
                         "on device\n"));
}

INSTANTIATE_TEST_SUITE_P(
    Examples, ExampleOutputTest,
    ::testing::Values("base/strand_example", "event/event_queue_example",
                      "log/log_text_example", "threadpool/worker_pool_example",
                      "timer/idle_list_example", "timer/timer_wheel_example"));

}  // namespace
}  // namespace sluice
