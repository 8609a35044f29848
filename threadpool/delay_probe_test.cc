#include "sluice/threadpool/delay_probe.h"

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "sluice/base/task.h"
#include "sluice/timer/sim_clock.h"

namespace sluice {
namespace {

struct TestTask : Task {
  void Run() override {}
  void Abandon() override {}
};

class DelayProbeTest : public ::testing::Test {
 protected:
  // Lets a task wait for `delay`. Returns true if it is measured.
  bool Wait(absl::Duration delay) {
    const bool measured = probe_.BeforeSchedule(&task_);
    clock_.Advance(delay);
    probe_.AfterTake(&task_);
    return measured;
  }
  void Measure(absl::Duration delay) {
    probe_.Want();
    EXPECT_TRUE(Wait(delay));
  }
  absl::Duration p50() const { return probe_.quantiles().p50; }
  absl::Duration p99() const { return probe_.quantiles().p99; }

  SimClock clock_;
  DelayProbe probe_{&clock_};
  TestTask task_, other_;
};

TEST_F(DelayProbeTest, MeasuresTheFirstTaskAndThenOnlyWhenAsked) {
  EXPECT_EQ(p99(), absl::ZeroDuration());
  EXPECT_TRUE(Wait(absl::Seconds(1)));
  EXPECT_FALSE(Wait(absl::Seconds(100)));
  EXPECT_EQ(p99(), absl::Seconds(1));
  Measure(absl::Seconds(2));
  EXPECT_EQ(p99(), absl::Seconds(2));
}

TEST_F(DelayProbeTest, MeasuresOneTaskAtATime) {
  EXPECT_TRUE(probe_.BeforeSchedule(&task_));
  clock_.Advance(absl::Seconds(1));
  probe_.Want();
  EXPECT_FALSE(probe_.BeforeSchedule(&other_));
  clock_.Advance(absl::Seconds(1));
  probe_.AfterTake(&other_);  // taken first, by another worker
  EXPECT_EQ(p99(), absl::ZeroDuration());
  probe_.AfterTake(&task_);
  EXPECT_EQ(p99(), absl::Seconds(2));
}

TEST_F(DelayProbeTest, ATaskThatWasQueuedAlreadyIsNoSample) {
  EXPECT_TRUE(probe_.BeforeSchedule(&task_));
  probe_.NotScheduled(&task_);
  clock_.Advance(absl::Seconds(1));
  probe_.AfterTake(&task_);
  EXPECT_EQ(p99(), absl::ZeroDuration());
  EXPECT_TRUE(Wait(absl::Seconds(2))) << "the next task should be measured";
  EXPECT_EQ(p99(), absl::Seconds(2));
}

TEST_F(DelayProbeTest, QuantilesAreDelaysOfSamples) {
  for (int i = 100; i >= 1; --i) Measure(absl::Milliseconds(i));
  EXPECT_EQ(p50(), absl::Milliseconds(50));
  EXPECT_EQ(p99(), absl::Milliseconds(99));
  EXPECT_EQ(DelayProbe(&clock_).quantiles().p50, absl::ZeroDuration());
}

TEST_F(DelayProbeTest, ForgetsOldSamples) {
  for (size_t i = 0; i < DelayProbe::kSamples; ++i) Measure(absl::Hours(1));
  EXPECT_EQ(p50(), absl::Hours(1));
  for (size_t i = 0; i < DelayProbe::kSamples; ++i) Measure(absl::Seconds(1));
  EXPECT_EQ(p99(), absl::Seconds(1));
}

}  // namespace
}  // namespace sluice
