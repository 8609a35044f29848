#include "sluice/event/event_queue.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <latch>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/without_system_call.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using Queue = EventQueue<std::unique_ptr<int>>;
using PushResult = Queue::PushResult;

constexpr size_t kAll = SIZE_MAX;

PushResult Push(Queue& queue, int value) {
  return queue.TryPush(std::make_unique<int>(value));
}

std::vector<int> Drain(Queue& queue, size_t max_items = kAll) {
  std::vector<int> values;
  const size_t count = queue.Drain(
      max_items, [&](std::unique_ptr<int>&& item) { values.push_back(*item); });
  EXPECT_EQ(count, values.size());
  return values;
}

// Returns how many pushes a new queue takes.
int CapacityOf(size_t capacity) {
  Queue queue(capacity);
  int pushes = 0;
  while (Push(queue, 0) != PushResult::kFull) ++pushes;
  return pushes;
}

TEST(EventQueue, CapacityIsRoundedUpToAPowerOfTwo) {
  EXPECT_EQ(CapacityOf(1), 2);
  EXPECT_EQ(CapacityOf(2), 2);
  EXPECT_EQ(CapacityOf(3), 4);
  EXPECT_EQ(CapacityOf(100), 128);
}

TEST(EventQueue, HandsOverInOrderLapAfterLap) {
  Queue queue(4);
  for (int i = 0; i < 100; i += 3) {
    for (int j = i; j < i + 3; ++j)
      EXPECT_NE(Push(queue, j), PushResult::kFull);
    EXPECT_THAT(Drain(queue), ElementsAre(i, i + 1, i + 2));
  }
  EXPECT_THAT(Drain(queue), IsEmpty());
}

TEST(EventQueue, FullLeavesTheItemUntouched) {
  Queue queue(2);
  EXPECT_EQ(Push(queue, 1), PushResult::kPushedFirst);
  EXPECT_EQ(Push(queue, 2), PushResult::kPushed);
  auto item = std::make_unique<int>(3);
  EXPECT_EQ(queue.TryPush(std::move(item)), PushResult::kFull);
  ASSERT_NE(item, nullptr);
  EXPECT_EQ(*item, 3);
  EXPECT_THAT(Drain(queue, 1), ElementsAre(1));
  EXPECT_EQ(queue.TryPush(std::move(item)), PushResult::kPushed);
  EXPECT_THAT(Drain(queue), ElementsAre(2, 3));
}

TEST(EventQueue, ClosedLeavesTheItemUntouched) {
  Queue queue(2);
  queue.Close();
  auto item = std::make_unique<int>(3);
  EXPECT_EQ(queue.TryPush(std::move(item)), PushResult::kClosed);
  ASSERT_NE(item, nullptr);
  EXPECT_EQ(*item, 3);
  EXPECT_THAT(Drain(queue), IsEmpty());
}

TEST(EventQueue, ItemsQueuedBeforeCloseAreConsumed) {
  Queue queue(2);
  EXPECT_EQ(Push(queue, 1), PushResult::kPushedFirst);
  EXPECT_EQ(Push(queue, 2), PushResult::kPushed);
  queue.Close();
  EXPECT_EQ(Push(queue, 3), PushResult::kClosed);  // rather than kFull
  EXPECT_THAT(Drain(queue, 1), ElementsAre(1));
  EXPECT_EQ(Push(queue, 3), PushResult::kClosed);
  EXPECT_THAT(Drain(queue), ElementsAre(2));
}

TEST(EventQueue, ConsumerCountsAsAsleepBeforeTheFirstDrain) {
  Queue queue(4);
  EXPECT_EQ(Push(queue, 1), PushResult::kPushedFirst);
  EXPECT_EQ(Push(queue, 2), PushResult::kPushed);
}

TEST(EventQueue, FirstPushAfterTheConsumerMaySleepReturnsPushedFirst) {
  Queue queue(8);
  EXPECT_TRUE(queue.PrepareToSleep());
  EXPECT_EQ(Push(queue, 1), PushResult::kPushedFirst);
  EXPECT_EQ(Push(queue, 2), PushResult::kPushed);
  EXPECT_THAT(Drain(queue), ElementsAre(1, 2));
  EXPECT_EQ(Push(queue, 3), PushResult::kPushed);  // it was not asked
  EXPECT_THAT(Drain(queue), ElementsAre(3));
  EXPECT_TRUE(queue.PrepareToSleep());
  EXPECT_TRUE(queue.PrepareToSleep());
  EXPECT_EQ(Push(queue, 4), PushResult::kPushedFirst);
  EXPECT_EQ(Push(queue, 5), PushResult::kPushed);
}

TEST(EventQueue, ConsumerMayNotSleepWhileThereIsAnItem) {
  Queue queue(8);
  EXPECT_EQ(Push(queue, 1), PushResult::kPushedFirst);
  EXPECT_FALSE(queue.PrepareToSleep());
  EXPECT_EQ(Push(queue, 2), PushResult::kPushed);
  EXPECT_THAT(Drain(queue, 1), ElementsAre(1));
  EXPECT_FALSE(queue.PrepareToSleep());
  EXPECT_THAT(Drain(queue, 0), IsEmpty());
  EXPECT_FALSE(queue.PrepareToSleep());
  EXPECT_THAT(Drain(queue, 1), ElementsAre(2));
  EXPECT_TRUE(queue.PrepareToSleep());
}

TEST(EventQueue, ConsumerOfAClosedQueueMaySleepWhenItIsEmpty) {
  Queue queue(8);
  EXPECT_EQ(Push(queue, 1), PushResult::kPushedFirst);
  queue.Close();
  EXPECT_FALSE(queue.PrepareToSleep());
  EXPECT_THAT(Drain(queue), ElementsAre(1));
  EXPECT_TRUE(queue.PrepareToSleep());
  EXPECT_EQ(Push(queue, 2), PushResult::kClosed);
}

TEST(EventQueue, DrainLeavesItemsPushedMeanwhile) {
  Queue queue(8);
  const auto push_another = [&](std::unique_ptr<int>&& item) {
    EXPECT_EQ(Push(queue, *item + 10), PushResult::kPushed);
  };
  Push(queue, 1);
  Push(queue, 2);
  EXPECT_EQ(queue.Drain(kAll, push_another), 2u);
  EXPECT_FALSE(queue.PrepareToSleep());
  EXPECT_THAT(Drain(queue), ElementsAre(11, 12));
}

std::vector<std::unique_ptr<int>> Items(std::vector<int> values) {
  std::vector<std::unique_ptr<int>> items;
  for (int value : values) items.push_back(std::make_unique<int>(value));
  return items;
}

TEST(EventQueue, ABatchKeepsItsOrderAndIsAnnouncedOnce) {
  Queue queue(8);
  std::vector<std::unique_ptr<int>> items = Items({1, 2, 3});
  absl::Span<std::unique_ptr<int>> batch = absl::MakeSpan(items);
  EXPECT_EQ(queue.TryPushBatch(&batch), PushResult::kPushedFirst);
  EXPECT_THAT(batch, IsEmpty());
  items = Items({4, 5});
  batch = absl::MakeSpan(items);
  EXPECT_EQ(queue.TryPushBatch(&batch), PushResult::kPushed);
  EXPECT_THAT(Drain(queue), ElementsAre(1, 2, 3, 4, 5));
  EXPECT_TRUE(queue.PrepareToSleep());
  EXPECT_EQ(Push(queue, 6), PushResult::kPushedFirst);
}

TEST(EventQueue, ABatchIsPushedAsFarAsThereIsRoom) {
  Queue queue(4);
  EXPECT_EQ(Push(queue, 1), PushResult::kPushedFirst);
  std::vector<std::unique_ptr<int>> items = Items({2, 3, 4, 5, 6});
  absl::Span<std::unique_ptr<int>> batch = absl::MakeSpan(items);
  EXPECT_EQ(queue.TryPushBatch(&batch), PushResult::kPushed);
  ASSERT_THAT(batch, SizeIs(2));
  EXPECT_EQ(*batch[0], 5);
  EXPECT_EQ(queue.TryPushBatch(&batch), PushResult::kFull);
  ASSERT_THAT(batch, SizeIs(2));
  EXPECT_EQ(*batch[0], 5);
  EXPECT_THAT(Drain(queue, 1), ElementsAre(1));
  EXPECT_EQ(queue.TryPushBatch(&batch), PushResult::kPushed);
  EXPECT_THAT(Drain(queue), ElementsAre(2, 3, 4, 5));
  queue.Close();
  EXPECT_EQ(queue.TryPushBatch(&batch), PushResult::kClosed);
  ASSERT_THAT(batch, SizeIs(1));
  EXPECT_EQ(*batch[0], 6);
}

TEST(EventQueue, CellIsFreeWhenConsumeGetsItsItem) {
  Queue queue(2);
  Push(queue, 1);
  Push(queue, 2);
  queue.Drain(1, [&](std::unique_ptr<int>&& item) {
    EXPECT_EQ(*item, 1);
    EXPECT_NE(Push(queue, 3), PushResult::kFull);
    EXPECT_EQ(Push(queue, 4), PushResult::kFull);
  });
  EXPECT_THAT(Drain(queue), ElementsAre(2, 3));
}

TEST(EventQueue, DestroysEachItemOnceConsumedOrNot) {
  auto token = std::make_shared<int>(0);
  {
    EventQueue<std::shared_ptr<int>> queue(4);
    for (int i = 0; i < 4; ++i) {
      EXPECT_NE(queue.TryPush(std::shared_ptr<int>(token)),
                EventQueue<std::shared_ptr<int>>::PushResult::kFull);
    }
    EXPECT_EQ(token.use_count(), 5);
    // Destroyed although `consume` does not move from it.
    queue.Drain(2, [](std::shared_ptr<int>&&) {});
    EXPECT_EQ(token.use_count(), 3);
    queue.Close();
  }
  EXPECT_EQ(token.use_count(), 1);
}

TEST(EventQueueDeathTest, CapacityMustBePositive) {
  EXPECT_DEATH(Queue(0), "SLUICE_CHECK failed");
}

// An item whose move into the queue a test can hold up: its producer has then
// claimed a position, and not yet published it.
struct SlowItem {
  struct Gate {
    std::latch entered{1};
    std::latch open{1};
  };

  explicit SlowItem(int v, Gate* g = nullptr) : value(v), gate(g) {}
  SlowItem(SlowItem&& other) noexcept
      : value(other.value), gate(std::exchange(other.gate, nullptr)) {
    if (gate == nullptr) return;
    gate->entered.count_down();
    gate->open.wait();
    gate = nullptr;
  }

  int value;
  Gate* gate;
};

class SlowProducerTest : public ::testing::Test {
 protected:
  using SlowQueue = EventQueue<SlowItem>;
  using SlowResult = SlowQueue::PushResult;

  void SetUp() override {
    producer_ = std::thread(
        [this] { slow_result_ = queue_.TryPush(SlowItem(1, &gate_)); });
    gate_.entered.wait();
  }
  void FinishSlowPush() {
    gate_.open.count_down();
    producer_.join();
  }
  std::vector<int> DrainAll() {
    std::vector<int> values;
    queue_.Drain(kAll, [&](SlowItem&& i) { values.push_back(i.value); });
    return values;
  }

  SlowQueue queue_{4};
  SlowItem::Gate gate_;
  SlowResult slow_result_ = SlowResult::kFull;
  std::thread producer_;
};

TEST_F(SlowProducerTest, DelaysTheItemsBehindAndWakesTheConsumerForThem) {
  EXPECT_EQ(queue_.TryPush(SlowItem(2)), SlowResult::kPushed);
  EXPECT_THAT(DrainAll(), IsEmpty());
  EXPECT_TRUE(queue_.PrepareToSleep());
  FinishSlowPush();
  EXPECT_EQ(slow_result_, SlowResult::kPushedFirst);
  EXPECT_THAT(DrainAll(), ElementsAre(1, 2));
}

TEST_F(SlowProducerTest, SucceedsAlthoughTheQueueWasClosedMeanwhile) {
  queue_.Close();
  EXPECT_EQ(queue_.TryPush(SlowItem(2)), SlowResult::kClosed);
  EXPECT_THAT(DrainAll(), IsEmpty());
  EXPECT_TRUE(queue_.PrepareToSleep());
  FinishSlowPush();
  EXPECT_EQ(slow_result_, SlowResult::kPushedFirst);
  EXPECT_THAT(DrainAll(), ElementsAre(1));
}

TEST_F(SlowProducerTest, AnUnfinishedPushTakesCapacity) {
  for (int i = 2; i <= 4; ++i) {
    EXPECT_NE(queue_.TryPush(SlowItem(i)), SlowResult::kFull);
  }
  EXPECT_EQ(queue_.TryPush(SlowItem(5)), SlowResult::kFull);
  FinishSlowPush();
  EXPECT_THAT(DrainAll(), ElementsAre(1, 2, 3, 4));
}

// A push that is not the first one; the consumer falls asleep in the middle of
// it.
class SlowSecondProducerTest : public SlowProducerTest {
 protected:
  void SetUp() override {
    EXPECT_EQ(queue_.TryPush(SlowItem(0)), SlowResult::kPushedFirst);
    SlowProducerTest::SetUp();
    EXPECT_THAT(DrainAll(), ElementsAre(0));
  }
};

TEST_F(SlowSecondProducerTest, WakesTheConsumerThatFellAsleepMeanwhile) {
  EXPECT_TRUE(queue_.PrepareToSleep());
  EXPECT_EQ(queue_.TryPush(SlowItem(2)), SlowResult::kPushed);
  EXPECT_THAT(DrainAll(), IsEmpty());
  EXPECT_TRUE(queue_.PrepareToSleep());
  FinishSlowPush();
  EXPECT_EQ(slow_result_, SlowResult::kPushedFirst);
  EXPECT_FALSE(queue_.PrepareToSleep());
  EXPECT_THAT(DrainAll(), ElementsAre(1, 2));
}

TEST_F(SlowSecondProducerTest, DoesNotWakeAConsumerThatIsAwake) {
  FinishSlowPush();
  EXPECT_EQ(slow_result_, SlowResult::kPushed);
  EXPECT_THAT(DrainAll(), ElementsAre(1));
}

TEST_F(SlowSecondProducerTest, KeepsTheConsumerAwakeWhereThereIsNoFence) {
  WithoutSystemCall(SYS_membarrier, ENOSYS, [this] {
    EXPECT_FALSE(queue_.PrepareToSleep());
    EXPECT_FALSE(queue_.PrepareToSleep());
  });
  FinishSlowPush();
  EXPECT_THAT(DrainAll(), ElementsAre(1));
  EXPECT_TRUE(queue_.PrepareToSleep());
}

// A consumer that sleeps in the kernel until it is woken, so that a missing
// wake-up shows as a wait that does not end.
class Sleeper {
 public:
  Sleeper() : fd_(eventfd(0, EFD_CLOEXEC)) {}
  ~Sleeper() { close(fd_); }

  void Wake() {
    const uint64_t one = 1;
    ASSERT_EQ(write(fd_, &one, sizeof(one)), ssize_t{sizeof(one)});
  }
  // Returns false if no thread woke it for so long that one should have.
  bool Sleep() {
    pollfd poll_fd = {fd_, POLLIN, 0};
    if (poll(&poll_fd, 1, 20'000) != 1) return false;
    uint64_t wakes;
    return read(fd_, &wakes, sizeof(wakes)) == ssize_t{sizeof(wakes)};
  }

 private:
  const int fd_;
};

struct Event {
  int producer;
  int number;
};
using EventResult = EventQueue<Event>::PushResult;

struct StressCase {
  size_t capacity;
  size_t max_items;
  int in_flight;  // most unconsumed events of a producer
};

class EventQueueStressTest : public ::testing::TestWithParam<StressCase> {};

TEST_P(EventQueueStressTest, NoWakeUpIsMissedAndEachProducersOrderIsKept) {
  constexpr int kProducers = 3;
  constexpr int kEvents = 5'000;
  EventQueue<Event> queue(GetParam().capacity);
  Sleeper sleeper;
  std::atomic<bool> failed{false};
  std::atomic<int> consumed[kProducers] = {};

  std::vector<std::thread> producers;
  for (int p = 0; p < kProducers; ++p) {
    producers.emplace_back([&, p] {
      for (int i = 0; i < kEvents && !failed;) {
        if (i - consumed[p] >= GetParam().in_flight) {
          std::this_thread::yield();
          continue;
        }
        const EventResult result = queue.TryPush({p, i});
        if (result == EventResult::kFull) {
          std::this_thread::yield();
          continue;
        }
        ++i;
        if (result == EventResult::kPushedFirst) sleeper.Wake();
      }
    });
  }

  int total = 0;
  const auto consume = [&](Event&& event) {
    EXPECT_EQ(event.number, consumed[event.producer]);
    ++consumed[event.producer];
    ++total;
  };
  while (total < kProducers * kEvents) {
    queue.Drain(GetParam().max_items, consume);
    if (!queue.PrepareToSleep()) continue;
    if (total < kProducers * kEvents && !sleeper.Sleep()) {
      ADD_FAILURE() << "a wake-up was missed after " << total << " events";
      failed = true;
      break;
    }
  }
  for (std::thread& producer : producers) producer.join();
}

INSTANTIATE_TEST_SUITE_P(
    All, EventQueueStressTest,
    ::testing::Values(StressCase{2, 1, 1},  // sleeps before nearly each event
                      StressCase{2, kAll, 10},  // always full
                      StressCase{64, 16, 100}, StressCase{1'024, kAll, 1'000}));

// Races one push against one PrepareToSleep(), very often: if the consumer may
// sleep, the push must return kPushedFirst. The fence ensures this.
TEST(EventQueueThreadsTest, PushThatRacesWithPrepareToSleepReturnsPushedFirst) {
  constexpr int kRounds = 100'000;
  EventQueue<int> queue(4);
  using Result = EventQueue<int>::PushResult;
  std::atomic<int> started{0};
  std::atomic<int> finished{0};
  Result result = Result::kFull;
  const auto await = [](const std::atomic<int>& counter, int value) {
    for (int spins = 0; counter.load() < value; ++spins) {
      if (spins > 1'000) std::this_thread::yield();
    }
  };
  const auto ignore = [](int&&) {};

  std::thread producer([&] {
    for (int round = 1; round <= kRounds; ++round) {
      await(started, round);
      result = queue.TryPush(int{round});
      finished.store(round);
    }
  });
  int lost = 0;
  for (int round = 1; round <= kRounds; ++round) {
    // Takes the first kPushedFirst, so that the other push gets one only
    // through PrepareToSleep().
    EXPECT_NE(queue.TryPush(0), Result::kFull);
    queue.Drain(kAll, ignore);
    started.store(round);
    for (volatile int delay = round % 64; delay > 0;) delay = delay - 1;
    const bool may_sleep = queue.PrepareToSleep();
    await(finished, round);
    if (may_sleep && result != Result::kPushedFirst) ++lost;
    EXPECT_EQ(queue.Drain(kAll, ignore), 1u);
  }
  producer.join();
  EXPECT_EQ(lost, 0);
}

// Several producers push batches: each batch arrives in one piece.
TEST(EventQueueThreadsTest, NothingComesBetweenTheItemsOfABatch) {
  constexpr int kProducers = 3;
  constexpr int kBatches = 3'000;
  constexpr int kBatch = 5;
  EventQueue<Event> queue(64);
  std::vector<std::thread> producers;
  for (int p = 0; p < kProducers; ++p) {
    producers.emplace_back([&, p] {
      for (int i = 0; i < kBatches; ++i) {
        std::vector<Event> events;
        for (int k = 0; k < kBatch; ++k) events.push_back({p, i * kBatch + k});
        absl::Span<Event> rest = absl::MakeSpan(events);
        while (!rest.empty()) {
          if (queue.TryPushBatch(&rest) == EventResult::kFull) {
            std::this_thread::yield();
          }
        }
      }
    });
  }
  int next[kProducers] = {};
  int total = 0;
  while (total < kProducers * kBatches * kBatch) {
    const size_t count = queue.Drain(kAll, [&](Event&& event) {
      ASSERT_EQ(event.number, next[event.producer]++);
      ++total;
    });
    if (count == 0) std::this_thread::yield();
  }
  for (std::thread& producer : producers) producer.join();
}

TEST(EventQueueThreadsTest, PushesAreConsumedBeforeCloseAndRefusedAfterIt) {
  constexpr int kRounds = 200;
  constexpr int kProducers = 3;
  for (int round = 0; round < kRounds; ++round) {
    EventQueue<Event> queue(1'024);
    std::atomic<int> pushed{0};
    std::atomic<bool> closed{false};
    std::vector<std::thread> producers;
    for (int p = 0; p < kProducers; ++p) {
      producers.emplace_back([&, p] {
        for (int i = 0;; ++i) {
          const bool closed_before = closed;
          const EventResult result = queue.TryPush({p, i});
          if (closed_before) {
            ASSERT_EQ(result, EventResult::kClosed);
          }
          if (result == EventResult::kClosed) break;
          if (result != EventResult::kFull) {
            ++pushed;
          } else {
            std::this_thread::yield();
          }
        }
      });
    }
    int consumed = 0;
    const auto consume = [&consumed](Event&&) { ++consumed; };
    while (consumed < 20) queue.Drain(kAll, consume);
    queue.Close();
    closed = true;
    for (std::thread& producer : producers) producer.join();
    queue.Drain(kAll, consume);
    ASSERT_EQ(consumed, pushed);
  }
}

}  // namespace
}  // namespace sluice
