#include "sluice/log/internal/ring_merger.h"

#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/log/internal/log_record.h"
#include "sluice/log/internal/thread_ring.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class RingMergerTest : public ::testing::Test {
 protected:
  RingMergerTest() {
    for (int i = 0; i < 3; ++i) {
      rings_.push_back(
          std::make_shared<ThreadRing>(this, "thread", /*bytes=*/1024));
    }
  }

  // Adds a record without arguments. Returns false if there is no room.
  bool Put(int ring, uint64_t ticks) {
    const LogRecord record = {
        .size = sizeof(LogRecord), .ticks = ticks, .site = nullptr};
    char* const to = rings_[ring]->ring.MakeRoom(record.bytes());
    if (to == nullptr) return false;
    std::memcpy(to, &record, sizeof(record));
    rings_[ring]->ring.Commit(record.bytes());
    return true;
  }

  using Visited = std::vector<std::pair<int, uint64_t>>;  // ring, ticks

  Visited Merge(uint64_t cutoff, size_t at_most = SIZE_MAX) {
    Visited visited;
    const size_t count = merger_.Merge(
        rings_, cutoff,
        [&](const ThreadRing& ring, const LogRecord& record, const char*) {
          int i = 0;
          while (rings_[i].get() != &ring) ++i;
          visited.emplace_back(i, record.ticks);
          return visited.size() < at_most;
        },
        [this] { ++releases_; });
    EXPECT_EQ(count, visited.size());
    return visited;
  }

  std::vector<std::shared_ptr<ThreadRing>> rings_;
  RingMerger merger_;
  int releases_ = 0;
};

TEST_F(RingMergerTest, OrdersByTicksThenByRings) {
  Put(2, 1);
  Put(0, 5);
  Put(1, 2);
  Put(1, 5);
  Put(1, 7);
  Put(2, 5);
  Put(0, 6);
  EXPECT_EQ(Merge(UINT64_MAX),
            (Visited{{2, 1}, {1, 2}, {0, 5}, {1, 5}, {2, 5}, {0, 6}, {1, 7}}));
  EXPECT_THAT(Merge(UINT64_MAX), IsEmpty());
}

TEST_F(RingMergerTest, LeavesRecordsAfterTheCutoff) {
  Put(0, 1);
  Put(0, 3);
  Put(1, 2);
  Put(1, 4);
  EXPECT_EQ(Merge(2), (Visited{{0, 1}, {1, 2}}));
  EXPECT_EQ(Merge(3), (Visited{{0, 3}}));
  Put(2, 3);
  EXPECT_EQ(Merge(9), (Visited{{2, 3}, {1, 4}}));
}

TEST_F(RingMergerTest, StopsWhenVisitReturnsFalse) {
  for (int i = 0; i < 6; ++i) Put(i % 2, i);
  EXPECT_EQ(Merge(9, /*at_most=*/2), (Visited{{0, 0}, {1, 1}}));
  EXPECT_EQ(Merge(9, /*at_most=*/1), (Visited{{0, 2}}));
  EXPECT_EQ(Merge(9), (Visited{{1, 3}, {0, 4}, {1, 5}}));
}

TEST_F(RingMergerTest, ReleasesRoomBeforeItHasVisitedAll) {
  uint64_t ticks = 0;
  while (Put(0, ++ticks)) {
  }
  Merge(UINT64_MAX);
  EXPECT_GE(releases_, 4);
  EXPECT_TRUE(Put(0, ticks));
}

}  // namespace
}  // namespace sluice
