#include "sluice/bench/report/isolated.h"

#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <numeric>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr absl::Duration kPatience = absl::Seconds(30);

TEST(IsolatedTest, ValuesComeBackAndNothingElseDoes) {
  int here = 1;
  const auto values = MeasureIsolated(
      [&] {
        here = 2;
        return std::vector<double>{0.1, static_cast<double>(here), 1e300};
      },
      kPatience);
  SLUICE_ASSERT_OK(values);
  EXPECT_THAT(*values, ElementsAre(0.1, 2, 1e300));
  EXPECT_EQ(here, 1);
}

TEST(IsolatedTest, MoreValuesThanAPipeHolds) {
  std::vector<double> many(100'000);
  std::iota(many.begin(), many.end(), 0.5);
  const auto values = MeasureIsolated([&] { return many; }, kPatience);
  SLUICE_ASSERT_OK(values);
  EXPECT_EQ(*values, many);
}

TEST(IsolatedTest, ItsOutputGoesToStandardError) {
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  std::printf("ours ");
  SLUICE_EXPECT_OK(MeasureIsolated(
      [] {
        std::printf("chatter");
        return std::vector<double>{1};
      },
      kPatience));
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "ours ");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "chatter");
}

TEST(IsolatedTest, ACrashIsAnErrorThatNamesTheSignal) {
  const auto values = MeasureIsolated(
      []() -> std::vector<double> {
        raise(SIGKILL);
        return {1};
      },
      kPatience);
  EXPECT_THAT(values, StatusIs(absl::StatusCode::kAborted));
  EXPECT_THAT(values.status().message(), HasSubstr("signal 9"));
}

TEST(IsolatedTest, AnExitIsAnErrorThatNamesItsCode) {
  const auto values =
      MeasureIsolated([]() -> std::vector<double> { _exit(3); }, kPatience);
  EXPECT_THAT(values, StatusIs(absl::StatusCode::kAborted));
  EXPECT_THAT(values.status().message(), HasSubstr("exits with 3"));
}

TEST(IsolatedTest, AHangEndsAtTheTimeLimit) {
  EXPECT_THAT(MeasureIsolated(
                  []() -> std::vector<double> {
                    while (true) pause();
                  },
                  absl::Milliseconds(20)),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
}

}  // namespace
}  // namespace sluice
