#include "sluice/tests/support/process.h"

#include <signal.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/open_descriptors.h"
#include "sluice/base/testing/status_matchers.h"

namespace sluice {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(30);

absl::StatusOr<std::unique_ptr<Process>> StartShell(
    const std::string& command, Process::Options options = {}) {
  options.arguments = {"-c", command};
  return Process::Start("/bin/sh", options);
}

TEST(ProcessTest, CatchesOutputErrorsAndExitCode) {
  auto process = StartShell("echo one; echo two; echo three >&2; exit 4");
  SLUICE_ASSERT_OK(process);
  EXPECT_EQ((*process)->ReadLine(kPatience).value(), "one");
  EXPECT_EQ((*process)->ReadLine(kPatience).value(), "two");
  EXPECT_THAT((*process)->ReadLine(kPatience),
              StatusIs(absl::StatusCode::kOutOfRange));
  SLUICE_EXPECT_OK((*process)->WaitForError("three", kPatience));
  const auto ended = (*process)->Wait(kPatience);
  SLUICE_ASSERT_OK(ended);
  EXPECT_EQ(ended->exit_code, 4);
  EXPECT_EQ(ended->signal, 0);
  EXPECT_EQ(ended->output, "one\ntwo\n");
  EXPECT_EQ(ended->error, "three\n");
}

TEST(ProcessTest, ReportsTheSignalThatKilledIt) {
  auto process = StartShell("echo ready; while :; do :; done");
  SLUICE_ASSERT_OK(process);
  SLUICE_ASSERT_OK((*process)->ReadLine(kPatience));
  SLUICE_ASSERT_OK((*process)->Signal(SIGTERM));
  const auto ended = (*process)->Wait(kPatience);
  SLUICE_ASSERT_OK(ended);
  EXPECT_EQ(ended->signal, SIGTERM);
  EXPECT_EQ(ended->exit_code, -1);
}

TEST(ProcessTest, WaitsNoLongerThanItsTimeout) {
  auto process = StartShell("while :; do :; done");
  SLUICE_ASSERT_OK(process);
  EXPECT_THAT((*process)->Wait(absl::Milliseconds(20)),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_THAT((*process)->ReadLine(absl::Milliseconds(20)),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_FALSE(Eventually([] { return false; }, absl::Milliseconds(20)));
}

TEST(ProcessTest, SetsLimitsAndEnvironment) {
  auto process =
      StartShell("echo $(ulimit -n) $(ulimit -Hn) $GREETING",
                 {.environment = {"GREETING=hello"}, .descriptor_limit = 77});
  SLUICE_ASSERT_OK(process);
  EXPECT_EQ((*process)->ReadLine(kPatience).value(), "77 77 hello");
}

TEST(ProcessTest, ReportsAProgramThatCannotBeStarted) {
  auto process = Process::Start("no/such/program", {});
  SLUICE_ASSERT_OK(process);
  const auto ended = (*process)->Wait(kPatience);
  SLUICE_ASSERT_OK(ended);
  EXPECT_EQ(ended->exit_code, 127);
  EXPECT_EQ(ended->error,
            "no/such/program: cannot be started: No such file or directory\n");
}

TEST(ProcessTest, MeasuresTheProcessThatItStarted) {
  auto process = StartShell("echo ready; while :; do :; done");
  SLUICE_ASSERT_OK(process);
  SLUICE_ASSERT_OK((*process)->ReadLine(kPatience));
  EXPECT_GE(OpenDescriptors((*process)->pid()).value().size(), 3u);
  EXPECT_GT((*process)->ResidentBytes().value(), 10'000);
  EXPECT_GE((*process)->PeakResidentBytes().value(),
            (*process)->ResidentBytes().value());
  const absl::Duration before = (*process)->CpuTime().value();
  EXPECT_TRUE(Eventually(
      [&] {
        return (*process)->CpuTime().value() > before + absl::Milliseconds(10);
      },
      kPatience));
}

}  // namespace
}  // namespace sluice
