#include "sluice/log/internal/log_ring.h"

#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <thread>

#include "gtest/gtest.h"
#include "sluice/base/testing/test_seed.h"

namespace sluice {
namespace {

constexpr size_t kHeader = sizeof(uint32_t);

size_t RoundUp(size_t bytes) {
  return (bytes + LogRing::kAlignment - 1) / LogRing::kAlignment *
         LogRing::kAlignment;
}

bool Push(LogRing* ring, const std::string& text) {
  const size_t bytes = RoundUp(kHeader + text.size());
  char* record = ring->TryReserve(bytes);
  if (record == nullptr) record = ring->MakeRoom(bytes);
  if (record == nullptr) return false;
  const auto size = static_cast<uint32_t>(kHeader + text.size());
  std::memcpy(record, &size, sizeof(size));
  std::memcpy(record + kHeader, text.data(), text.size());
  ring->Commit(bytes);
  return true;
}

// Returns the next record, or "" if there is none.
std::string Pop(LogRing* ring) {
  uint64_t position = ring->begin();
  const char* const record = ring->Read(&position, ring->end());
  uint32_t size = 0;
  if (record != nullptr) std::memcpy(&size, record, sizeof(size));
  const std::string text(record == nullptr ? "" : record + kHeader,
                         record == nullptr ? 0 : size - kHeader);
  ring->Release(position + RoundUp(size));
  return text;
}

TEST(LogRingTest, KeepsRecordsInOrderAndInOnePiece) {
  const auto owned = std::make_unique<LogRing>(64);
  LogRing& ring = *owned;
  EXPECT_EQ(Pop(&ring), "");
  for (int i = 0; i < 100; ++i) {
    const std::string one(1 + i % 20, 'a'), two(1 + i % 3, 'b');
    ASSERT_TRUE(Push(&ring, one));
    ASSERT_TRUE(Push(&ring, two));
    EXPECT_EQ(Pop(&ring), one);
    EXPECT_EQ(Pop(&ring), two);
    EXPECT_EQ(Pop(&ring), "");
  }
}

TEST(LogRingTest, RefusesARecordUntilItFits) {
  const auto owned = std::make_unique<LogRing>(64);
  LogRing& ring = *owned;
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(Push(&ring, "abcd")) << i;
  EXPECT_FALSE(Push(&ring, "abcd"));
  EXPECT_FALSE(Push(&ring, "a"));
  EXPECT_EQ(Pop(&ring), "abcd");
  EXPECT_FALSE(Push(&ring, "abcdefgh"));
  EXPECT_TRUE(Push(&ring, "last"));
  for (int i = 0; i < 7; ++i) EXPECT_EQ(Pop(&ring), "abcd");
  EXPECT_EQ(Pop(&ring), "last");
  EXPECT_EQ(Pop(&ring), "");
}

TEST(LogRingTest, TheLargestRecordFitsAtEachPositionOfAnEmptyRing) {
  for (int before = 0; before < 8; ++before) {
    const auto owned = std::make_unique<LogRing>(64);
    LogRing& ring = *owned;
    for (int i = 0; i < before; ++i) {
      ASSERT_TRUE(Push(&ring, "x"));
      ASSERT_EQ(Pop(&ring), "x");
    }
    const std::string largest(ring.max_record() - kHeader, 'l');
    EXPECT_TRUE(Push(&ring, largest)) << before;
    EXPECT_EQ(Pop(&ring), largest) << before;
  }
}

TEST(LogRingTest, ReportsWhenMoreThanHalfIsInUse) {
  const auto owned = std::make_unique<LogRing>(1024);
  LogRing& ring = *owned;
  for (int i = 0; i < 64; ++i) {
    EXPECT_FALSE(ring.more_than_half()) << i;
    ASSERT_TRUE(Push(&ring, "abcd"));
  }
  // The producer reads the position again within a sixteenth.
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(Push(&ring, "abcd"));
  EXPECT_TRUE(ring.more_than_half());
  for (int i = 0; i < 72; ++i) ASSERT_EQ(Pop(&ring), "abcd");
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(Push(&ring, "abcd"));
  EXPECT_FALSE(ring.more_than_half());
}

// Compares the ring with a queue of strings, with random sizes and operations.
TEST(LogRingTest, AgreesWithADequeAtRandom) {
  std::mt19937_64 random(TestSeed());
  for (int round = 0; round < 200; ++round) {
    const auto owned = std::make_unique<LogRing>(size_t{64} << (random() % 5));
    LogRing& ring = *owned;
    std::deque<std::string> model;
    for (int i = 0; i < 500; ++i) {
      if (random() % 2 == 0) {
        const std::string text(1 + random() % (ring.max_record() - kHeader),
                               static_cast<char>('a' + i % 26));
        if (Push(&ring, text)) {
          model.push_back(text);
        } else {
          ASSERT_FALSE(model.empty()) << "it refused, and was empty";
        }
      } else {
        ASSERT_EQ(Pop(&ring), model.empty() ? "" : model.front());
        if (!model.empty()) model.pop_front();
      }
    }
  }
}

TEST(LogRingTest, PassesEachRecordInOrderBetweenTwoThreads) {
  const auto owned = std::make_unique<LogRing>(1024);
  LogRing& ring = *owned;
  constexpr int kCount = 100'000;
  const auto text = [](int i) {
    return std::string(1 + i % 61, static_cast<char>('a' + i % 26));
  };
  std::thread producer([&] {
    for (int i = 0; i < kCount; ++i) {
      while (!Push(&ring, text(i))) std::this_thread::yield();
    }
  });
  int mixed = 0;
  for (int i = 0; i < kCount;) {
    const std::string popped = Pop(&ring);
    if (popped.empty()) {
      std::this_thread::yield();
      continue;
    }
    if (popped != text(i++)) ++mixed;
  }
  producer.join();
  EXPECT_EQ(mixed, 0);
}

}  // namespace
}  // namespace sluice
