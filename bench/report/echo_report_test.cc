#include "sluice/bench/report/echo_report.h"

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/bench/report/bar_chart.h"

namespace sluice {
namespace {

TEST(EchoReportTest, SampleIsOfAllMessagesOfTheRun) {
  const auto sample =
      ParseEchoSample(R"({"messages_per_s":1000.5,"mb_per_s":0.1,"errors":{},)"
                      R"("messages":2000,"seconds":2})",
                      absl::Milliseconds(10));
  SLUICE_ASSERT_OK(sample);
  EXPECT_EQ(sample->messages_per_s, 1000.5);
  EXPECT_EQ(sample->cpu_us_per_message, 5);
}

TEST(EchoReportTest, RefusesTextThatIsNoResult) {
  for (const char* line : {"", "{}", R"({"messages_per_s":1})",
                           R"({"messages_per_s":"x","messages":1})",
                           R"({"messages_per_s":0,"messages":0})"}) {
    EXPECT_THAT(ParseEchoSample(line, absl::Seconds(1)),
                StatusIs(absl::StatusCode::kInvalidArgument))
        << line;
  }
}

TEST(EchoReportTest, RatiosArePairedByRound) {
  // The machine slows down fourfold; the second server is always 10 % slower.
  EXPECT_EQ(EchoTableRows("a case", {{"limit", {{400, 1}, {200, 2}, {100, 4}}},
                                     {"other", {{360, 2}, {180, 4}, {90, 8}}}}),
            "| a case | limit | 200 | 1 | 2.00 us | 1 |\n"
            "|  | other | 180 | 0.900 (0.900 to 0.900) | 4.00 us | "
            "2.000 (2.000 to 2.000) |\n");
}

TEST(EchoReportTest, ThePictureIsOfTheCpuTimes) {
  const BarPanel panel =
      EchoPanel("a case", {{"limit", {{400, 1}, {200, 3}, {100, 2}}},
                           {"other", {{360, 5}, {180, 4}, {90, 9}}}});
  EXPECT_EQ(panel.title, "a case");
  ASSERT_EQ(panel.bars.size(), 2u);
  EXPECT_EQ(panel.bars[0].label, "limit");
  EXPECT_EQ(panel.bars[0].kind, BarKind::kLimit);
  EXPECT_EQ(panel.bars[0].value.median, 2);
  EXPECT_EQ(panel.bars[1].kind, BarKind::kSluice);
  EXPECT_EQ(panel.bars[1].value.max, 9);
}

}  // namespace
}  // namespace sluice
