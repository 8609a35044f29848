// Executes the protocol of EventQueue (event_queue.h) in all interleavings of
// small cases. Each step of the model is one access of the header to shared
// memory; comments name the function and quote the access.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/interleavings.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// The mutants: faults that the test must find.
enum class Mutant : uint8_t {
  kNothing,
  kSequenceIsRelaxed,     // Publish(): the sequence is no release store
  kPublisherLooksFirst,   // Publish(): awaited_ before the turns
  kPublisherDoesNotLook,  // Publish(): no awaited_
  kClaimLeavesTheBit,     // TryClaim(): tail + count, with the armed bit
  kClaimLosesTheBit,      // TryClaim(): does not report the armed bit
  kArmsWithAStore,        // PrepareToSleep(): tail_ by a plain store
  kSleepsOnAClaim,        // PrepareToSleep(): claimed and not filled: sleeps
  kLooksAndThenAwaits,    // PrepareToSleep(): no look after the fence
  kNoFence,               // PrepareToSleep(): no fence_
  kFreesBeforeItTakes,    // Drain(): head_ before the item
  kClaimsBeyondTheRoom,   // RoomAt(): a cell more than there is
};

constexpr int kProducers = 2;
constexpr int kCapacity = 2;

// The work of each producer: the number of pushes, and of items in each.
struct Script {
  uint8_t pushes;
  uint8_t batch;
};

class QueueModel {
 public:
  static constexpr int kThreads = kProducers + 1;

  QueueModel(std::array<Script, kProducers> scripts, Mutant mutant)
      : mutant_(mutant) {
    for (int p = 0; p < kProducers; ++p) producers_[p].script = scripts[p];
    memory.Exchange(kTail, kArmed);
    memory.Exchange(kLimit, kCapacity);
    memory.Exchange(kAwaited, kNowhere);
  }

  bool Step(int thread) {
    return thread == kConsumer ? StepConsumer() : StepProducer(thread);
  }
  const char* Fault() const {
    if (fault_ != kNone) return kFaults[fault_];
    return IsStranded() ? kFaults[kStranded] : nullptr;
  }
  const char* FaultAtEnd() const {
    if (consumer_.at != Consumer::kAsleep) return "the consumer is stuck";
    for (const Producer& producer : producers_) {
      if (producer.at != Producer::kBegin) return "a producer is stuck";
      if (producer.consumed != producer.pushed) return kFaults[kOutOfOrder];
    }
    return nullptr;
  }

  static constexpr int kConsumer = kProducers;
  enum Place : uint8_t {
    kTail,      // tail_: kArmed and the position
    kLimit,     // limit_
    kHead,      // head_
    kAwaited,   // awaited_
    kWake,      // the eventfd or semaphore on which the consumer sleeps
    kSequence,  // kCapacity places
    kItem = kSequence + kCapacity,
    kPlaces = kItem + kCapacity
  };
  using Memory = ModelMemory<kPlaces, kThreads>;
  Memory memory;

 private:
  static constexpr uint8_t kArmed = 0x80;
  static constexpr uint8_t kNowhere = 0x7f;

  enum FaultKind : uint8_t {
    kNone,
    kOutOfOrder,
    kTooManyWakes,
    kStranded,
  };
  static constexpr const char* kFaults[] = {
      nullptr, "an item is lost, torn or out of order",
      "more than one announcement for one PrepareToSleep()",
      "the consumer sleeps, an item is there, and no push announces it"};

  struct Producer {
    enum At : uint8_t {
      kBegin,
      kLookAtLimit,
      kLookAtHead,
      kRaiseLimit,
      kClaim,
      kFill,
      kPublish,
      kLookAtAwaited,
      kAnnounce,
    };
    At at;
    Script script;     // the rest of the work
    uint8_t pushed;    // items of finished pushes
    uint8_t consumed;  // items of finished pushes and of the current one
    // The current push. A field that is not used any more is set to 0, so that
    // equal states compare equal.
    struct {
      uint8_t tail;
      uint8_t limit;
      uint8_t count;
      uint8_t next;  // item to fill or publish
      uint8_t first;
      uint8_t awaited;
    } push;
  };

  struct Consumer {
    enum At : uint8_t {
      kLook,
      kTake,
      kFree,
      kAsk,
      kArm,
      kSpin,
      kAwait,
      kFence,
      kLookAgain,
      kAsleep,
    };
    At at;
    uint8_t head;       // value of head_.load() for its only writer
    uint8_t announced;  // announced_
    uint8_t tail;
    uint8_t may_announce;  // number of kPushedFirst results that may still come
  };

  // Returns true if the consumer was not woken and no producer is in the middle
  // of a push that could still wake it.
  bool IsStranded() const {
    if (consumer_.at != Consumer::kAsleep || !IsFilled() ||
        memory.Load(kConsumer, kWake) != 0) {
      return false;
    }
    for (const Producer& producer : producers_) {
      if (producer.at > Producer::kClaim) return false;
    }
    return true;
  }

  uint8_t Position(uint8_t tail) const { return tail & ~kArmed; }

  // TryPush() and TryPushBatch() of producer `p`.
  bool StepProducer(int p) {
    Producer& self = producers_[p];
    switch (self.at) {
      case Producer::kBegin:
        if (self.script.pushes == 0) return false;
        --self.script.pushes;
        self.push.first = 0;
        self.push.next = 0;
        // TryClaim(): tail_.load(relaxed)
        self.push.tail = memory.Load(p, kTail);
        self.at = Producer::kLookAtLimit;
        return true;
      case Producer::kLookAtLimit: {
        // RoomAt(): limit_.load(acquire)
        self.push.limit = memory.Load(p, kLimit);
        const bool little =
            self.push.limit < Position(self.push.tail) + self.script.batch;
        self.at = little ? Producer::kLookAtHead : Producer::kClaim;
        return true;
      }
      case Producer::kLookAtHead:
        // RoomAt(): head_.load(acquire) + mask_ + 1
        self.push.limit = memory.Load(p, kHead) + kCapacity;
        if (mutant_ == Mutant::kClaimsBeyondTheRoom) ++self.push.limit;
        self.at = Producer::kRaiseLimit;
        // kFull: the producer gives up, so that a sleeping consumer of a full
        // queue is an end state.
        if (self.push.limit <= Position(self.push.tail)) {
          self.script.pushes = 0;
          self.at = Producer::kBegin;
          self.push = {};
        }
        return true;
      case Producer::kRaiseLimit:
        // RoomAt(): limit_.store(limit, release)
        self.at = Producer::kClaim;
        return memory.TryStore(p, kLimit, self.push.limit, memory.kRelease);
      case Producer::kClaim:
        return Claim(p, self);
      case Producer::kFill: {
        // construct_at(&CellAt(claim.position + i).item, ...)
        const uint8_t position = Position(self.push.tail) + self.push.next;
        ++self.push.next;
        if (!memory.TryStore(p, kItem + position % kCapacity,
                             Item(p, self.pushed + self.push.next),
                             memory.kRelaxed)) {
          return false;
        }
        if (self.push.next < self.push.count) return true;
        self.push.next = 0;
        self.at = mutant_ == Mutant::kPublisherLooksFirst
                      ? Producer::kLookAtAwaited
                      : Producer::kPublish;
        return true;
      }
      case Producer::kPublish: {
        // Publish(): CellAt(p).sequence.store(p + 1, release)
        const uint8_t position = Position(self.push.tail) + self.push.next;
        ++self.push.next;
        if (!memory.TryStore(p, kSequence + position % kCapacity, position + 1,
                             mutant_ == Mutant::kSequenceIsRelaxed
                                 ? memory.kRelaxed
                                 : memory.kRelease)) {
          return false;
        }
        if (self.push.next < self.push.count) return true;
        self.at = Producer::kLookAtAwaited;
        if (mutant_ == Mutant::kPublisherLooksFirst) AnnounceOrEnd(self);
        return true;
      }
      case Producer::kLookAtAwaited: {
        // Publish(): awaited_.load(relaxed), and the comparison
        const uint8_t awaited = memory.Load(p, kAwaited);
        self.push.awaited =
            awaited - Position(self.push.tail) < self.push.count &&
            awaited >= Position(self.push.tail) &&
            mutant_ != Mutant::kPublisherDoesNotLook;
        if (mutant_ == Mutant::kPublisherLooksFirst) {
          self.at = Producer::kPublish;
        } else {
          AnnounceOrEnd(self);
        }
        return true;
      }
      case Producer::kAnnounce:
        // kPushedFirst: the caller wakes the consumer, which then sees the
        // caller's earlier writes.
        if (!memory.MayModify(p, kWake, memory.kRelease)) return false;
        memory.Exchange(kWake, 1);
        if (consumer_.may_announce-- == 0) fault_ = kTooManyWakes;
        EndPush(self);
        return true;
    }
    return false;
  }

  void AnnounceOrEnd(Producer& self) {
    if (self.push.first != 0 || self.push.awaited != 0) {
      self.at = Producer::kAnnounce;
    } else {
      EndPush(self);
    }
  }

  void EndPush(Producer& self) {
    self.pushed += self.push.count;
    self.at = Producer::kBegin;
    self.push = {};
  }

  // TryClaim(): tail_.compare_exchange_weak(tail, position + count, relaxed)
  bool Claim(int p, Producer& self) {
    if (!memory.MayModify(p, kTail, memory.kRelaxed)) return false;
    if (memory.Load(p, kTail) != self.push.tail) {
      self.push.tail = memory.Load(p, kTail);
      self.push.limit = 0;
      self.at = Producer::kLookAtLimit;
      return true;
    }
    const uint8_t position = Position(self.push.tail);
    const uint8_t room = self.push.limit - position;
    self.push.count = room < self.script.batch ? room : self.script.batch;
    const bool leave = mutant_ == Mutant::kClaimLeavesTheBit;
    memory.Exchange(kTail, (position + self.push.count) |
                               (leave ? self.push.tail & kArmed : 0));
    self.push.first =
        (self.push.tail & kArmed) != 0 && mutant_ != Mutant::kClaimLosesTheBit;
    self.at = Producer::kFill;
    return true;
  }

  bool StepConsumer() {
    Consumer& self = consumer_;
    switch (self.at) {
      case Consumer::kLook:
        // Drain(): IsFilled(head), sequence.load(acquire)
        self.at = IsFilled() ? Consumer::kTake : Consumer::kAsk;
        if (mutant_ == Mutant::kFreesBeforeItTakes &&
            self.at == Consumer::kTake) {
          self.at = Consumer::kFree;
        }
        return true;
      case Consumer::kTake:
        // Drain(): takes the item
        Consume(memory.Load(kConsumer, kItem + self.head % kCapacity));
        if (mutant_ == Mutant::kFreesBeforeItTakes) {
          ++self.head;
          self.at = Consumer::kLook;
        } else {
          self.at = Consumer::kFree;
        }
        return true;
      case Consumer::kFree:
        // Drain(): head_.store(++head, release)
        if (!memory.TryStore(kConsumer, kHead, self.head + 1,
                             memory.kRelease)) {
          return false;
        }
        if (mutant_ == Mutant::kFreesBeforeItTakes) {
          self.at = Consumer::kTake;
        } else {
          ++self.head;
          self.at = Consumer::kLook;
        }
        return true;
      case Consumer::kAsk:
        if (self.announced == self.head) {
          // PrepareToSleep(): announced_ == head, IsFilled(head)
          self.at = IsFilled() ? Consumer::kLook : Consumer::kAsleep;
          return true;
        }
        // PrepareToSleep(): tail_.load(relaxed)
        self.tail = memory.Load(kConsumer, kTail);
        self.at = Consumer::kArm;
        if (Position(self.tail) != self.head) LeaveTail(Consumer::kSpin);
        return true;
      case Consumer::kArm:
        return Arm();
      case Consumer::kSpin:
        // PrepareToSleep(): IsFilled(head), up to kPatience times
        if (IsFilled()) {
          self.at = Consumer::kLook;
        } else if (mutant_ == Mutant::kSleepsOnAClaim) {
          FallAsleep();
        } else {
          self.at = Consumer::kAwait;
        }
        return true;
      case Consumer::kAwait:
        // PrepareToSleep(): awaited_.store(head, relaxed)
        if (!memory.TryStore(kConsumer, kAwaited, self.head, memory.kRelaxed)) {
          return false;
        }
        ++self.may_announce;
        self.at = mutant_ == Mutant::kNoFence ? Consumer::kLookAgain
                                              : Consumer::kFence;
        return true;
      case Consumer::kFence:
        // PrepareToSleep(): fence_.Execute()
        memory.DrainAll();
        self.at = Consumer::kLookAgain;
        return true;
      case Consumer::kLookAgain:
        // PrepareToSleep(): IsFilled(head)
        if (mutant_ != Mutant::kLooksAndThenAwaits && IsFilled()) {
          self.at = Consumer::kLook;
        } else {
          FallAsleep();
        }
        return true;
      case Consumer::kAsleep:
        if (memory.Load(kConsumer, kWake) == 0 ||
            !memory.MayModify(kConsumer, kWake, memory.kRelaxed)) {
          return false;
        }
        memory.Exchange(kWake, 0);
        self.at = Consumer::kLook;
        return true;
    }
    return false;
  }

  // PrepareToSleep(): tail_.compare_exchange_weak(tail, tail | kArmedBit,
  // relaxed)
  bool Arm() {
    Consumer& self = consumer_;
    if (mutant_ == Mutant::kArmsWithAStore) {
      ++self.may_announce;
      FallAsleep();
      return memory.TryStore(kConsumer, kTail, self.tail | kArmed,
                             memory.kRelease);
    }
    if (!memory.MayModify(kConsumer, kTail, memory.kRelaxed)) return false;
    if (memory.Load(kConsumer, kTail) != self.tail) {
      LeaveTail(Consumer::kAsk);
      return true;
    }
    memory.Exchange(kTail, self.tail | kArmed);
    ++self.may_announce;
    LeaveTail(Consumer::kArm);
    FallAsleep();
    return true;
  }

  void LeaveTail(Consumer::At at) {
    consumer_.tail = 0;
    consumer_.at = at;
  }

  void FallAsleep() {
    consumer_.announced = consumer_.head;
    consumer_.at = Consumer::kAsleep;
  }

  bool IsFilled() const {
    return memory.Load(kConsumer, kSequence + consumer_.head % kCapacity) ==
           consumer_.head + 1;
  }

  static uint8_t Item(int producer, int number) {
    return static_cast<uint8_t>(producer * 16 + number);
  }
  void Consume(uint8_t item) {
    const int p = item / 16;
    if (p >= kProducers || item != Item(p, producers_[p].consumed + 1)) {
      fault_ = kOutOfOrder;
      return;
    }
    ++producers_[p].consumed;
  }

  Producer producers_[kProducers] = {};
  Consumer consumer_ = {Consumer::kAsleep, 0, 0, 0, 1};
  Mutant mutant_;
  FaultKind fault_ = kNone;
};

constexpr std::array<Script, kProducers> kSingles = {{{2, 1}, {2, 1}}};
constexpr std::array<Script, kProducers> kBatches = {{{2, 2}, {1, 1}}};

Explored ExploreQueue(std::array<Script, kProducers> scripts,
                      Mutant mutant = Mutant::kNothing) {
  return Explore(QueueModel(scripts, mutant));
}

// Two producers, two pushes each, two cells, and a consumer that sleeps
// whenever it may.
TEST(EventQueueModel, TwoProducersOfSingleItems) {
  const Explored explored = ExploreQueue(kSingles);
  EXPECT_THAT(explored.fault, IsEmpty());
  EXPECT_GT(explored.states, 1000u);
  RecordProperty("states", static_cast<int>(explored.states));
}

TEST(EventQueueModel, AProducerOfBatchesBesideAnother) {
  const Explored explored = ExploreQueue(kBatches);
  EXPECT_THAT(explored.fault, IsEmpty());
  EXPECT_GT(explored.states, 1000u);
  RecordProperty("states", static_cast<int>(explored.states));
}

struct MutantCase {
  Mutant mutant;
  const char* fault;
};

class EventQueueModelMutantTest : public ::testing::TestWithParam<MutantCase> {
};

TEST_P(EventQueueModelMutantTest, IsFound) {
  EXPECT_THAT(ExploreQueue(kSingles, GetParam().mutant).fault,
              HasSubstr(GetParam().fault));
}

INSTANTIATE_TEST_SUITE_P(
    All, EventQueueModelMutantTest,
    ::testing::Values(
        MutantCase{Mutant::kSequenceIsRelaxed, "out of order"},
        MutantCase{Mutant::kPublisherLooksFirst, "sleeps"},
        MutantCase{Mutant::kPublisherDoesNotLook, "sleeps"},
        MutantCase{Mutant::kClaimLeavesTheBit, "more than one announcement"},
        MutantCase{Mutant::kClaimLosesTheBit, "sleeps"},
        MutantCase{Mutant::kArmsWithAStore, "sleeps"},
        MutantCase{Mutant::kSleepsOnAClaim, "sleeps"},
        MutantCase{Mutant::kLooksAndThenAwaits, "sleeps"},
        MutantCase{Mutant::kNoFence, "sleeps"},
        MutantCase{Mutant::kFreesBeforeItTakes, "out of order"},
        MutantCase{Mutant::kClaimsBeyondTheRoom, "out of order"}));

}  // namespace
}  // namespace sluice
