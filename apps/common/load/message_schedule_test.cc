#include "sluice/apps/common/load/message_schedule.h"

#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

constexpr uint64_t kRoom = 1'000'000;

MonotonicTime Start() { return MonotonicTime::FromNanos(5'000'000'000); }
MonotonicTime After(double seconds) { return Start() + absl::Seconds(seconds); }

TEST(ClosedLoop, FillsTheRoomUntilTheEnd) {
  MessageSchedule schedule({.connections = 2, .duration = absl::Seconds(3)},
                           Start());
  EXPECT_FALSE(schedule.open_loop());
  EXPECT_EQ(schedule.end(), After(3));
  EXPECT_EQ(schedule.Take(0, 0, 16, After(0)), 16u);
  EXPECT_EQ(schedule.Take(1, 0, 4, After(0)), 4u);
  EXPECT_EQ(schedule.Take(0, 16, 1, After(2.999)), 1u);
  EXPECT_EQ(schedule.Take(0, 17, 1, After(3)), 0u);
  EXPECT_EQ(schedule.Due(After(3)), 21u);
}

TEST(ClosedLoop, GivesMessagesToTheConnectionThatAsksFirst) {
  MessageSchedule schedule({.connections = 2, .messages = 10}, Start());
  EXPECT_EQ(schedule.end(), MonotonicTime::InfiniteFuture());
  EXPECT_EQ(schedule.Take(0, 0, 7, After(0)), 7u);
  EXPECT_FALSE(schedule.exhausted());
  EXPECT_EQ(schedule.Take(1, 0, 7, After(9)), 3u);
  EXPECT_TRUE(schedule.exhausted());
  EXPECT_EQ(schedule.Take(0, 7, 7, After(9)), 0u);
}

TEST(ClosedLoop, DoesNotCountTheWarmup) {
  MessageSchedule schedule({.warmup = absl::Seconds(1), .messages = 10},
                           Start());
  EXPECT_EQ(schedule.measured_from(), After(1));
  EXPECT_EQ(schedule.Take(0, 0, 100, After(0)), 100u);
  EXPECT_EQ(schedule.Take(0, 100, 100, After(0.5)), 100u);
  EXPECT_EQ(schedule.Take(0, 200, 100, After(1)), 10u);
  EXPECT_TRUE(schedule.exhausted());
}

TEST(ClosedLoop, TheDurationStartsAfterTheWarmup) {
  const MessageSchedule schedule(
      {.warmup = absl::Seconds(1), .duration = absl::Seconds(3)}, Start());
  EXPECT_EQ(schedule.end(), After(4));
}

TEST(ClosedLoop, GivesNothingAfterStop) {
  for (const absl::Duration warmup : {absl::ZeroDuration(), absl::Hours(1)}) {
    MessageSchedule schedule({.warmup = warmup, .messages = 10}, Start());
    EXPECT_EQ(schedule.Take(0, 0, 4, After(0)), 4u);
    schedule.Stop(After(1));
    EXPECT_EQ(schedule.Take(0, 4, 4, After(1)), 0u);
    EXPECT_TRUE(schedule.exhausted());
  }
}

TEST(OpenLoop, MessagesAreDueAtEvenIntervals) {
  const MessageSchedule schedule({.rate = 4}, Start());
  EXPECT_TRUE(schedule.open_loop());
  EXPECT_EQ(schedule.Due(Start() + absl::Nanoseconds(-1)), 0u);
  EXPECT_EQ(schedule.Due(Start()), 1u);
  EXPECT_EQ(schedule.Due(After(0.249)), 1u);
  EXPECT_EQ(schedule.Due(After(0.25)), 2u);
  EXPECT_EQ(schedule.Due(After(10)), 41u);
  EXPECT_EQ(schedule.DueTime(41), After(10.25));
}

TEST(OpenLoop, DueCountsEachMessageAtItsDueTime) {
  for (const double rate : {3.0, 7.0, 9'999.0, 123'457.0, 1e7}) {
    SCOPED_TRACE(rate);
    const MessageSchedule schedule({.rate = rate}, Start());
    for (uint64_t number = 0; number < 1'000'000; number += 997) {
      ASSERT_EQ(schedule.Due(schedule.DueTime(number)), number + 1) << number;
    }
  }
}

TEST(OpenLoop, ConnectionsTakeTurns) {
  MessageSchedule schedule({.connections = 3, .rate = 1}, Start());
  EXPECT_EQ(schedule.Take(0, 0, kRoom, Start()), 1u);
  EXPECT_EQ(schedule.Take(1, 0, kRoom, Start()), 0u);
  EXPECT_EQ(schedule.Take(1, 0, kRoom, After(1)), 1u);
  EXPECT_EQ(schedule.Take(2, 0, kRoom, After(1)), 0u);
  EXPECT_EQ(schedule.Take(2, 0, kRoom, After(2)), 1u);
  EXPECT_EQ(schedule.Take(0, 1, kRoom, After(2)), 0u);
  EXPECT_EQ(schedule.Take(0, 1, kRoom, After(3)), 1u);
  EXPECT_EQ(schedule.DueTime(0, 1), After(3));
  EXPECT_EQ(schedule.DueTime(2, 1), After(5));
}

TEST(OpenLoop, MessagesThatCouldNotBeSentStayDue) {
  MessageSchedule schedule({.connections = 2, .rate = 10}, Start());
  EXPECT_EQ(schedule.Take(0, 0, 2, After(10)), 2u);
  EXPECT_EQ(schedule.Take(0, 2, kRoom, After(10)), 49u);
  EXPECT_EQ(schedule.Take(1, 0, kRoom, After(10)), 50u);
  EXPECT_EQ(schedule.Due(After(10)), 101u);
}

TEST(OpenLoop, ADurationEndsItAfterTheMessagesDueBefore) {
  MessageSchedule schedule({.rate = 10, .duration = absl::Seconds(2)}, Start());
  EXPECT_EQ(schedule.end(), After(2));
  EXPECT_EQ(schedule.Due(After(100)), 20u);
  EXPECT_EQ(schedule.Take(0, 0, kRoom, After(100)), 20u);
  EXPECT_TRUE(schedule.exhausted());
}

TEST(OpenLoop, ANumberOfMessagesEndsIt) {
  MessageSchedule schedule(
      {.rate = 10, .warmup = absl::Seconds(1), .messages = 5}, Start());
  EXPECT_EQ(schedule.Due(After(100)), 15u);
  EXPECT_EQ(schedule.end(), After(1.5));
}

TEST(OpenLoop, AnInfiniteDurationHasNoEnd) {
  const MessageSchedule schedule({.rate = 1e9}, Start());
  EXPECT_EQ(schedule.end(), MonotonicTime::InfiniteFuture());
  EXPECT_EQ(schedule.Due(After(1e6)), 1'000'000'000'000'001u);
}

TEST(OpenLoop, AfterStopNothingBecomesDue) {
  MessageSchedule schedule({.rate = 10, .duration = absl::Seconds(2)}, Start());
  EXPECT_EQ(schedule.Take(0, 0, 3, After(1)), 3u);
  schedule.Stop(After(1));
  EXPECT_EQ(schedule.Due(After(2)), 11u);
  EXPECT_EQ(schedule.Take(0, 3, kRoom, After(2)), 8u);
  EXPECT_TRUE(schedule.exhausted());
}

}  // namespace
}  // namespace sluice
