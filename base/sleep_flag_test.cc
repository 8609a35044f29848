#include "sluice/base/sleep_flag.h"

#include <atomic>
#include <cstdint>
#include <semaphore>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace sluice {
namespace {

constexpr auto kNoWork = [] { return false; };
constexpr auto kWork = [] { return true; };

TEST(SleepFlagTest, AConsumerThatIsAwakeIsNotWoken) {
  SleepFlag flag;
  EXPECT_FALSE(flag.TakeWake());
}

TEST(SleepFlagTest, ASleepingConsumerIsWokenOnce) {
  SleepFlag flag;
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(flag.PrepareToSleep(kNoWork));
    EXPECT_TRUE(flag.TakeWake());
    EXPECT_FALSE(flag.TakeWake());
    flag.EndSleep();
  }
}

TEST(SleepFlagTest, AConsumerThatFindsWorkIsNotWoken) {
  SleepFlag flag;
  EXPECT_FALSE(flag.PrepareToSleep(kWork));
  EXPECT_FALSE(flag.TakeWake());
}

TEST(SleepFlagTest, AConsumerThatHasEndedItsSleepIsNotWoken) {
  SleepFlag flag;
  EXPECT_TRUE(flag.PrepareToSleep(kNoWork));
  flag.EndSleep();
  EXPECT_FALSE(flag.TakeWake());
}

TEST(SleepFlagTest, TheFlagIsSetWhileTheConsumerLooksForWork) {
  SleepFlag flag;
  bool taken = false;
  EXPECT_TRUE(flag.PrepareToSleep([&] {
    taken = flag.TakeWake();
    return false;
  }));
  EXPECT_TRUE(taken);
}

// Producers that make one item, and the next when the consumer has taken it, as
// it is about to sleep. If a wake-up were missed, the test would not end.
TEST(SleepFlagTest, NoWorkIsMissed) {
  constexpr int kProducers = 2;
  constexpr uint64_t kItems = 20'000;  // of each producer
  SleepFlag flag;
  std::atomic<uint64_t> made{0};
  std::atomic<uint64_t> taken{0};
  std::counting_semaphore<> wake{0};
  std::vector<std::thread> producers;
  for (int p = 0; p < kProducers; ++p) {
    producers.emplace_back([&] {
      for (uint64_t i = 0; i < kItems; ++i) {
        const uint64_t item = made.fetch_add(1) + 1;
        if (flag.TakeWake()) wake.release();
        for (int looks = 0; taken.load() < item; ++looks) {
          if (looks > 1000) std::this_thread::yield();
        }
      }
    });
  }
  for (uint64_t seen = 0; seen < kProducers * kItems; seen = made.load()) {
    taken.store(seen);
    if (!flag.PrepareToSleep([&] { return made.load() != seen; })) continue;
    wake.acquire();
    flag.EndSleep();
  }
  taken.store(kProducers * kItems);
  for (std::thread& producer : producers) producer.join();
}

}  // namespace
}  // namespace sluice
