#include "sluice/net/transport/output_queue.h"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/test_seed.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr size_t kLarge = OutputQueue::kMinTakeOver;

std::vector<absl::string_view> Pieces(const OutputQueue& queue,
                                      size_t max = 1024) {
  std::vector<absl::string_view> pieces(max);
  pieces.resize(queue.Gather(absl::MakeSpan(pieces)));
  return pieces;
}

std::string Contents(const OutputQueue& queue) {
  std::string all;
  for (const absl::string_view piece : Pieces(queue)) {
    all.append(piece.data(), piece.size());
  }
  return all;
}

// Shows `window` bytes at a time; sets *deleted in its destructor.
class TestSegment : public Segment {
 public:
  TestSegment(std::string data, bool* deleted, size_t window = SIZE_MAX)
      : data_(std::move(data)), deleted_(deleted), window_(window) {}

  uint64_t size() const override { return data_.size() - consumed_; }
  absl::string_view Bytes() override {
    return absl::string_view(data_).substr(consumed_, window_);
  }

 private:
  ~TestSegment() override { *deleted_ = true; }
  void Consume(uint64_t n) override { consumed_ += n; }

  const std::string data_;
  size_t consumed_ = 0;
  bool* const deleted_;
  const size_t window_;
};

// A Cord of one piece that counts itself in *live.
absl::Cord CountedCord(std::string data, int* live) {
  ++*live;
  auto* const owned = new std::string(std::move(data));
  return absl::MakeCordFromExternal(*owned, [owned, live] {
    delete owned;
    --*live;
  });
}

TEST(OutputQueueTest, BeginsEmpty) {
  OutputQueue queue;
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.size(), 0u);
  EXPECT_EQ(queue.front(), nullptr);
  EXPECT_THAT(Pieces(queue), IsEmpty());
  queue.Consume(0);
}

TEST(OutputQueueTest, KeepsTheOrderOfAllKinds) {
  bool deleted = false;
  OutputQueue queue;
  queue.Append("a");
  queue.Append(absl::Cord(std::string(kLarge, 'b')));
  queue.Append(absl::string_view("c"));
  queue.Append(absl::Cord(std::string(3 * kLarge, 'd')));
  queue.Append(new TestSegment("e", &deleted));
  queue.Append("f");
  queue.Append(absl::Cord("g"));
  EXPECT_EQ(Contents(queue), "a" + std::string(kLarge, 'b') + "c" +
                                 std::string(3 * kLarge, 'd') + "efg");
  EXPECT_EQ(queue.size(), Contents(queue).size());
}

TEST(OutputQueueTest, NothingAppendedIsNoSegment) {
  OutputQueue queue;
  queue.Append("");
  queue.Append(absl::Cord());
  EXPECT_TRUE(queue.empty());
}

TEST(OutputQueueTest, CopiesBytesThatItDoesNotOwn) {
  OutputQueue queue;
  std::string data(100000, 'x');
  queue.Append(absl::string_view(data));
  data.assign(data.size(), 'y');
  EXPECT_EQ(Contents(queue), std::string(100000, 'x'));
}

TEST(OutputQueueTest, SmallWritesShareABlockOf4KiB) {
  OutputQueue queue;
  queue.Append("x");
  const char* const block = Pieces(queue)[0].data();
  size_t size = 1;
  while (Pieces(queue).size() == 1) {
    queue.Append("x");
    ++size;
  }
  EXPECT_EQ(Pieces(queue)[0].data(), block) << "bytes have moved";
  EXPECT_GT(size, 4000u);
  EXPECT_LE(size, 4097u);
  EXPECT_EQ(queue.size(), size);
}

TEST(OutputQueueTest, AWriteThatDoesNotFitFillsTheBlockFirst) {
  OutputQueue queue;
  queue.Append(std::string(3000, 'a').c_str());
  queue.Append(std::string(3000, 'b').c_str());
  ASSERT_EQ(Pieces(queue).size(), 2u);
  EXPECT_GT(Pieces(queue)[0].size(), 4000u);
  EXPECT_EQ(Contents(queue), std::string(3000, 'a') + std::string(3000, 'b'));
}

TEST(OutputQueueTest, BlocksFitTheWriteUpTo64KiB) {
  OutputQueue queue;
  queue.Append(absl::string_view(std::string(20000, 'x')));
  EXPECT_EQ(Pieces(queue).size(), 1u);
  queue.Consume(20000);
  queue.Append(absl::string_view(std::string(200000, 'x')));
  ASSERT_EQ(Pieces(queue).size(), 4u);
  EXPECT_GT(Pieces(queue)[0].size(), 65000u);
  EXPECT_LE(Pieces(queue)[0].size(), 65536u);
}

TEST(OutputQueueTest, SharesThePiecesOfACord) {
  int live = 0;
  absl::Cord cord = CountedCord(std::string(kLarge, 'a'), &live);
  cord.Append(CountedCord(std::string(5 * kLarge, 'b'), &live));
  std::vector<const char*> shared;
  for (const absl::string_view piece : cord.Chunks()) {
    shared.push_back(piece.data());
  }
  ASSERT_EQ(shared.size(), 2u);

  OutputQueue queue;
  queue.Append(cord);
  const std::vector<absl::string_view> pieces = Pieces(queue);
  ASSERT_EQ(pieces.size(), 2u);
  EXPECT_EQ(pieces[0].data(), shared[0]);
  EXPECT_EQ(pieces[1].data(), shared[1]);

  // Only the queue keeps the pieces alive now, each until it is consumed.
  cord.Clear();
  EXPECT_EQ(live, 2);
  queue.Consume(kLarge - 1);
  EXPECT_EQ(live, 2);
  queue.Consume(1);
  EXPECT_EQ(live, 1);
  queue.Consume(5 * kLarge);
  EXPECT_EQ(live, 0);
}

TEST(OutputQueueTest, SharesPartsOfACordThatHasManyPieces) {
  int live = 0;
  absl::Cord cord;
  std::string model;
  for (int i = 0; i < 300; ++i) {
    const std::string data(kLarge + static_cast<size_t>(i),
                           static_cast<char>('a' + i % 26));
    cord.Append(CountedCord(data, &live));
    model += data;
  }
  cord.RemovePrefix(17);
  cord.RemoveSuffix(4);
  OutputQueue queue;
  queue.Append(cord);
  size_t i = 0;
  const std::vector<absl::string_view> pieces = Pieces(queue);
  for (const absl::string_view piece : cord.Chunks()) {
    ASSERT_LT(i, pieces.size());
    // If the first piece has become small, it is copied, which the model sees.
    const bool same = pieces[i].data() == piece.data();
    EXPECT_EQ(same, i > 0) << i;
    ++i;
  }
  EXPECT_EQ(Contents(queue), model.substr(17, model.size() - 21));
  cord.Clear();
  EXPECT_EQ(live, 299);
}

TEST(OutputQueueTest, CopiesTheSmallPiecesOfACord) {
  int live = 0;
  OutputQueue queue;
  queue.Append(CountedCord(std::string(kLarge - 1, 'x'), &live));
  EXPECT_EQ(live, 0);
  EXPECT_EQ(Contents(queue), std::string(kLarge - 1, 'x'));
}

TEST(OutputQueueTest, ConsumeCrossesSegments) {
  OutputQueue queue;
  queue.Append("abc");
  queue.Append(absl::Cord(std::string(kLarge, 'x')));
  queue.Append("def");
  queue.Consume(1);
  EXPECT_EQ(Pieces(queue)[0], "bc");
  queue.Consume(2 + kLarge + 1);
  EXPECT_THAT(Pieces(queue), ElementsAre("ef"));
  EXPECT_EQ(queue.size(), 2u);
  queue.Consume(2);
  EXPECT_TRUE(queue.empty());
  queue.Append("again");
  EXPECT_EQ(Contents(queue), "again");
}

TEST(OutputQueueDeathTest, ConsumingMoreThanThereIsAborts) {
  OutputQueue queue;
  queue.Append("abc");
  EXPECT_DEATH(queue.Consume(4), "n <= size_");
}

TEST(OutputQueueTest, GatherFillsAtMostTheGivenPieces) {
  OutputQueue queue;
  for (int i = 0; i < 3; ++i) {
    queue.Append(absl::Cord(std::string(kLarge, static_cast<char>('a' + i))));
  }
  EXPECT_EQ(Pieces(queue, 2).size(), 2u);
  EXPECT_EQ(Pieces(queue, 3).size(), 3u);
  EXPECT_EQ(Pieces(queue, 0).size(), 0u);
}

TEST(OutputQueueTest, GatherStopsWhereBytesAreNotInMemory) {
  bool deleted = false;
  OutputQueue queue;
  queue.Append("ab");
  queue.Append(new TestSegment("cdef", &deleted, /*window=*/3));
  queue.Append("gh");
  EXPECT_THAT(Pieces(queue), ElementsAre("ab", "cde"));
  queue.Consume(5);
  EXPECT_THAT(Pieces(queue), ElementsAre("f", "gh"));
}

TEST(OutputQueueTest, FrontAndNextVisitTheSegmentsThatGatherShows) {
  OutputQueue queue;
  queue.Append("ab");
  queue.Append(absl::Cord(std::string(kLarge, 'x')));
  queue.Append("cd");
  std::vector<absl::string_view> visited;
  for (Segment* s = queue.front(); s != nullptr; s = queue.next(s)) {
    visited.push_back(s->Bytes());
  }
  EXPECT_EQ(visited, Pieces(queue));
}

TEST(OutputQueueTest, TakesASegmentOver) {
  bool deleted = false;
  OutputQueue queue;
  auto* const segment = new TestSegment("abc", &deleted);
  queue.Append(segment);
  EXPECT_EQ(queue.front(), segment);
  queue.Consume(2);
  EXPECT_FALSE(deleted);
  queue.Consume(1);
  EXPECT_TRUE(deleted);
}

TEST(OutputQueueTest, AnEmptySegmentIsDroppedAtOnce) {
  bool deleted = false;
  OutputQueue queue;
  queue.Append(new TestSegment("", &deleted));
  EXPECT_TRUE(deleted);
  EXPECT_TRUE(queue.empty());
}

TEST(OutputQueueTest, APinnedEmptySegmentLivesUntilItsUnpin) {
  bool deleted = false;
  OutputQueue queue;
  auto* const segment = new TestSegment("", &deleted);
  segment->Pin();
  queue.Append(segment);
  EXPECT_FALSE(deleted);
  segment->Unpin();
  EXPECT_TRUE(deleted);
}

TEST(OutputQueueDeathTest, AppendingAQueuedSegmentAborts) {
  bool deleted = false;
  OutputQueue queue;
  auto* const segment = new TestSegment("abc", &deleted);
  queue.Append(segment);
  EXPECT_DEATH(queue.Append(segment), "queued_");
}

TEST(OutputQueueTest, DestructionDeletesUnpinnedSegments) {
  bool deleted = false;
  int live = 0;
  {
    OutputQueue queue;
    queue.Append("abc");
    queue.Append(new TestSegment("abc", &deleted));
    queue.Append(CountedCord(std::string(kLarge, 'x'), &live));
  }
  EXPECT_TRUE(deleted);
  EXPECT_EQ(live, 0);
}

TEST(OutputQueueTest, APinnedSegmentOutlivesItsQueue) {
  bool deleted = false;
  Segment* const segment = new TestSegment("abc", &deleted);
  {
    OutputQueue queue;
    queue.Append(segment);
    segment->Pin();
  }
  EXPECT_FALSE(deleted);
  EXPECT_EQ(segment->Bytes(), "abc");
  segment->Unpin();
  EXPECT_TRUE(deleted);
}

TEST(OutputQueueTest, APinnedSegmentLivesUntilItsLastUnpin) {
  bool deleted = false;
  OutputQueue queue;
  Segment* const segment = new TestSegment("abc", &deleted);
  queue.Append(segment);
  segment->Pin();
  segment->Pin();
  queue.Consume(3);
  EXPECT_TRUE(queue.empty());
  segment->Unpin();
  EXPECT_FALSE(deleted);
  segment->Unpin();
  EXPECT_TRUE(deleted);
}

TEST(OutputQueueTest, UnpinningAQueuedSegmentKeepsIt) {
  bool deleted = false;
  OutputQueue queue;
  Segment* const segment = new TestSegment("abc", &deleted);
  queue.Append(segment);
  segment->Pin();
  segment->Unpin();
  EXPECT_FALSE(deleted);
  EXPECT_EQ(Contents(queue), "abc");
}

TEST(OutputQueueDeathTest, UnpinningAnUnpinnedSegmentAborts) {
  OutputQueue queue;
  queue.Append("abc");
  EXPECT_DEATH(queue.front()->Unpin(), "pins_ > 0");
}

TEST(OutputQueueTest, APinnedBlockTakesMoreWithoutMoving) {
  OutputQueue queue;
  queue.Append("abc");
  Segment* const block = queue.front();
  block->Pin();
  const absl::string_view pinned = block->Bytes();
  queue.Append("def");
  EXPECT_EQ(queue.front(), block);
  EXPECT_EQ(Contents(queue), "abcdef");
  EXPECT_EQ(pinned, "abc");
  EXPECT_EQ(block->Bytes().data(), pinned.data());
  block->Unpin();
}

TEST(OutputQueueTest, APinnedBlockThatWasConsumedTakesNoMore) {
  OutputQueue queue;
  queue.Append("abc");
  Segment* const block = queue.front();
  block->Pin();
  const absl::string_view pinned = block->Bytes();
  queue.Consume(3);
  queue.Append("def");
  EXPECT_NE(queue.front(), block);
  EXPECT_EQ(Contents(queue), "def");
  EXPECT_EQ(pinned, "abc");
  block->Unpin();
}

TEST(OutputQueueTest, BytesOfAPinnedCordSurviveTheirConsumption) {
  int live = 0;
  OutputQueue queue;
  queue.Append(CountedCord(std::string(kLarge, 'x'), &live));
  Segment* const segment = queue.front();
  segment->Pin();
  const absl::string_view pinned = segment->Bytes();
  queue.Consume(kLarge);
  EXPECT_EQ(live, 1);
  EXPECT_EQ(pinned, std::string(kLarge, 'x'));
  segment->Unpin();
  EXPECT_EQ(live, 0);
}

// The bytes that a holder of a pin was shown.
struct Pinned {
  Segment* segment;
  absl::string_view bytes;
  std::string expected;
};

TEST(OutputQueueTest, AgreesWithAStringUnderRandomCalls) {
  const uint64_t seed = TestSeed();
  SCOPED_TRACE(absl::StrCat("SLUICE_SEED=", seed));
  std::mt19937_64 random(seed);
  const auto below = [&](size_t n) {
    return static_cast<size_t>(random() % n);
  };
  // Most sizes are small; some are above the sizes at which behaviour changes.
  const auto random_data = [&] {
    const size_t limits[] = {8, 300, 3 * kLarge, 5000, 150000};
    std::string data(below(limits[below(5)]), '\0');
    for (char& c : data) c = static_cast<char>(random());
    return data;
  };

  int live = 0;
  std::deque<bool> deleted;
  std::vector<Pinned> pins;
  auto queue = std::make_unique<OutputQueue>();
  std::string model;
  for (int step = 0; step < 2000; ++step) {
    switch (below(10)) {
      case 0:
      case 1:
      case 2: {
        const std::string data = random_data();
        queue->Append(data);
        model += data;
        break;
      }
      case 3: {
        absl::Cord cord;
        for (size_t n = below(5); n > 0; --n) {
          const std::string data = random_data();
          model += data;
          if (below(2) == 0) {
            cord.Append(data);
          } else if (!data.empty()) {
            cord.Append(CountedCord(data, &live));
          }
        }
        queue->Append(cord);
        break;
      }
      case 4: {
        const std::string data = random_data();
        deleted.push_back(false);
        queue->Append(new TestSegment(data, &deleted.back()));
        model += data;
        break;
      }
      case 5: {
        Segment* segment = queue->front();
        for (size_t n = below(6); n > 0 && segment != nullptr; --n) {
          segment->Pin();
          const absl::string_view bytes = segment->Bytes();
          pins.push_back({segment, bytes, std::string(bytes)});
          segment = queue->next(segment);
        }
        break;
      }
      case 6:
        if (!pins.empty()) {
          std::swap(pins[below(pins.size())], pins.back());
          ASSERT_EQ(pins.back().bytes, pins.back().expected);
          pins.back().segment->Unpin();
          pins.pop_back();
        }
        break;
      case 7:
        if (below(50) == 0) {
          queue = std::make_unique<OutputQueue>();
          model.clear();
        }
        break;
      default: {
        const size_t n = below(4) == 0 ? model.size() : below(model.size() + 1);
        queue->Consume(n);
        model.erase(0, n);
        break;
      }
    }
    ASSERT_EQ(queue->size(), model.size());
    ASSERT_EQ(queue->empty(), model.empty());
    ASSERT_TRUE(Contents(*queue) == model) << "after step " << step;
  }
  queue.reset();
  for (const Pinned& pin : pins) {
    EXPECT_TRUE(pin.bytes == pin.expected);
    pin.segment->Unpin();
  }
  EXPECT_EQ(live, 0);
  EXPECT_EQ(std::count(deleted.begin(), deleted.end(), false), 0);
}

}  // namespace
}  // namespace sluice
