// The protocol of SleepFlag (sleep_flag.h), in all interleavings of small
// cases. Each step of the model is one access to what threads share; comments
// name the function of the header and quote the access.

#include <cstdint>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/interleavings.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Faults that the model must find.
enum class Mutant : uint8_t {
  kNone,
  kLooksAndThenAnnounces,  // PrepareToSleep(): has_work() before the store
  kAnnouncesRelaxed,       // PrepareToSleep(): asleep_.store(true, relaxed)
  kPublishesRelaxed,       // a producer: its work by a relaxed store
  kLooksAndThenPublishes,  // a producer: its work after TakeWake()
  kWakesUnasked,           // TakeWake(): true, without a look
  kClearsWithAStore,       // TakeWake(): asleep_.store(false), no exchange
};

constexpr int kProducers = 2;
constexpr int kConsumer = kProducers;
constexpr int kItems = 2;  // of each producer

class SleepFlagModel {
 public:
  static constexpr int kThreads = kProducers + 1;

  explicit SleepFlagModel(Mutant mutant) : mutant_(mutant) {}

  enum Place : uint8_t {
    kWork,                         // + producer: how many items it has made
    kAsleep = kWork + kProducers,  // asleep_
    kWake,                         // a semaphore, on which the consumer sleeps
    kPlaces
  };
  ModelMemory<kPlaces, kThreads> memory;

  bool Step(int thread) {
    return thread == kConsumer ? StepConsumer() : StepProducer(thread);
  }

  const char* Fault() const {
    return too_many_wakes_ ? "more wakes than sleeps" : nullptr;
  }
  const char* FaultAtEnd() const {
    if (consumer_at_ != kSleep) return "the consumer is stuck";
    for (int p = 0; p < kProducers; ++p) {
      if (producers_[p].made != kItems) return "a producer is stuck";
      if (seen_[p] != kItems) return "the consumer sleeps, and there is work";
    }
    return nullptr;
  }

 private:
  enum ProducerAt : uint8_t { kPublish, kLook, kClear, kRelease };
  struct Producer {
    ProducerAt at;
    uint8_t made;
  };
  enum ConsumerAt : uint8_t { kAnnounce, kLookForWork, kSleep, kAwake };

  bool StepProducer(int p) {
    Producer& self = producers_[p];
    switch (self.at) {
      case kPublish:
        // The producer's: work, by a sequentially consistent operation
        if (self.made == kItems) return false;
        ++self.made;
        self.at = mutant_ == Mutant::kWakesUnasked ? kRelease : kLook;
        if (mutant_ == Mutant::kPublishesRelaxed) {
          return memory.TryStore(p, kWork + p, self.made, memory.kRelaxed);
        }
        return TryExchange(p, kWork + p, self.made);
      case kLook:
        // TakeWake(): asleep_.load(seq_cst)
        if (mutant_ == Mutant::kLooksAndThenPublishes && self.made == kItems) {
          return false;  // it has looked before
        }
        self.at = memory.Load(p, kAsleep) != 0 ? kClear : kPublish;
        return true;
      case kClear: {
        // TakeWake(): asleep_.exchange(false, seq_cst)
        const bool was_set = memory.Load(p, kAsleep) != 0 ||
                             mutant_ == Mutant::kClearsWithAStore;
        self.at = was_set ? kRelease : kPublish;
        return TryExchange(p, kAsleep, 0);
      }
      case kRelease:
        // TakeWake() was true: the producer wakes the consumer
        if (may_wake_-- == 0) too_many_wakes_ = 1;
        self.at = kPublish;
        return TryExchange(p, kWake, 1);
    }
    return false;
  }

  bool StepConsumer() {
    const bool late = mutant_ == Mutant::kLooksAndThenAnnounces;
    switch (consumer_at_) {
      case kAnnounce:
        // PrepareToSleep(): asleep_.store(true, seq_cst)
        ++may_wake_;
        consumer_at_ = late ? kSleep : kLookForWork;
        if (mutant_ == Mutant::kAnnouncesRelaxed) {
          return memory.TryStore(kConsumer, kAsleep, 1, memory.kRelaxed);
        }
        return TryExchange(kConsumer, kAsleep, 1);
      case kLookForWork:
        // PrepareToSleep(): has_work(), by sequentially consistent loads
        LookAt(looked_at_++);
        if (looked_at_ < kProducers) return true;
        consumer_at_ = found_ != 0 ? kAwake : late ? kAnnounce : kSleep;
        looked_at_ = 0;
        found_ = 0;
        return true;
      case kSleep:
        // The consumer's: sleeps until it is woken
        if (memory.Load(kConsumer, kWake) == 0) return false;
        consumer_at_ = kAwake;
        return TryExchange(kConsumer, kWake, 0);
      case kAwake:
        // EndSleep(): asleep_.store(false, relaxed)
        consumer_at_ = late ? kLookForWork : kAnnounce;
        return memory.TryStore(kConsumer, kAsleep, 0, memory.kRelaxed);
    }
    return false;
  }

  void LookAt(int p) {
    const uint8_t made = memory.Load(kConsumer, kWork + p);
    if (made != seen_[p]) found_ = 1;
    seen_[p] = made;
  }

  // A sequentially consistent operation waits for the thread's earlier stores.
  bool TryExchange(int thread, int place, uint8_t value) {
    if (!memory.MayModify(thread, place, memory.kRelease)) return false;
    memory.Exchange(place, value);
    return true;
  }

  Producer producers_[kProducers] = {};
  ConsumerAt consumer_at_ = kAwake;
  uint8_t seen_[kProducers] = {};
  uint8_t looked_at_ = 0;  // how many producers' work, by this look
  uint8_t found_ = 0;      // work, by this look
  uint8_t may_wake_ = 0;
  uint8_t too_many_wakes_ = 0;
  Mutant mutant_;
};

TEST(SleepFlagModelTest, NoWorkIsMissedAndEachSleepTakesOneWakeAtMost) {
  const Explored explored = Explore(SleepFlagModel(Mutant::kNone));
  EXPECT_THAT(explored.fault, IsEmpty());
  EXPECT_GT(explored.states, 1'000u);
  EXPECT_GT(explored.ends, 0u);
  RecordProperty("states", static_cast<int>(explored.states));
}

struct MutantCase {
  Mutant mutant;
  const char* fault;
};

class SleepFlagMutantTest : public ::testing::TestWithParam<MutantCase> {};

TEST_P(SleepFlagMutantTest, IsFound) {
  EXPECT_THAT(Explore(SleepFlagModel(GetParam().mutant)).fault,
              HasSubstr(GetParam().fault));
}

INSTANTIATE_TEST_SUITE_P(
    All, SleepFlagMutantTest,
    ::testing::Values(
        MutantCase{Mutant::kLooksAndThenAnnounces, "there is work"},
        MutantCase{Mutant::kAnnouncesRelaxed, "there is work"},
        MutantCase{Mutant::kPublishesRelaxed, "there is work"},
        MutantCase{Mutant::kLooksAndThenPublishes, "there is work"},
        MutantCase{Mutant::kWakesUnasked, "more wakes"},
        MutantCase{Mutant::kClearsWithAStore, "more wakes"}));

}  // namespace
}  // namespace sluice
