// How another thread wakes an EventLoop, in all interleavings of small cases:
// TaskQueue::PushRemote(), EventLoop::WakeIfAsleep() and WakeupFd::Wake() on
// one side, EventLoop::TimeToWait(), WakeupFd::Take() and TaskQueue::Pop() on
// the other. Each step of the model is one access of these to what threads
// share; comments name its function and quote the access.

#include <cstdint>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/event/interleavings.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// What may be wrong, planted to see that it would be found.
enum class Planted : uint8_t {
  kNothing,
  kLooksAndThenAnnounces,  // TimeToWait(): tasks_.empty() before asleep_
  kAnnouncesRelaxed,       // TimeToWait(): asleep_.store(true, relaxed)
  kPushesRelaxed,          // PushRemote(): remote_ by a relaxed exchange
  kUnqueuesAfterTheRun,    // Pop(): next_ = null after task->Run()
  kClearsAndThenReads,     // Take(): pending_ before read(2)
  kWakesUnasked,           // WakeIfAsleep(): without asleep_
};

constexpr int kCallers = 2;
constexpr int kLoop = kCallers;
constexpr int kCalls = 2;  // of each

// All callers schedule the same task, as Post() does: each makes its news known
// before, and the run that a call stands for must see it.
class LoopModel {
 public:
  static constexpr int kThreads = kCallers + 1;

  explicit LoopModel(Planted planted) : planted_(planted) {
    for (Caller& caller : callers_) caller.calls = kCalls;
  }

  enum Place : uint8_t {
    kNews,                     // + caller: what the task is to see
    kNext = kNews + kCallers,  // task->next_: 1: queued
    kRemote,                   // remote_: 1: the task
    kAsleep,                   // asleep_
    kPending,                  // WakeupFd: pending_
    kEventFd,                  // WakeupFd: the counter of fd_
    kPlaces
  };
  ModelMemory<kPlaces, kThreads> memory;

  bool Step(int thread) {
    return thread == kLoop ? StepLoop() : StepCaller(thread);
  }

  const char* Fault() const {
    return too_many_writes_ ? "more writes than sleeps" : nullptr;
  }
  const char* FaultAtEnd() const {
    if (loop_at_ != kWait) return "the loop is stuck";
    for (int c = 0; c < kCallers; ++c) {
      if (callers_[c].calls != 0) return "a caller is stuck";
      if (seen_[c] != kCalls) return "the loop sleeps, and has not seen all";
    }
    return nullptr;
  }

 private:
  enum CallerAt : uint8_t {
    kBegin,
    kClaim,
    kPush,
    kLookAsleep,
    kClearAsleep,
    kSetPending,
    kWrite,
  };
  struct Caller {
    CallerAt at;
    uint8_t calls;  // still to do
  };

  enum LoopAt : uint8_t {
    kLookBefore,
    kAnnounce,
    kLookAfter,
    kWait,
    kRead,
    kClearPending,
    kAwake,
    kTake,
    kUnqueue,
    kRun,
    kUnqueueLate,
  };

  // Schedule() by caller `c`.
  bool StepCaller(int c) {
    Caller& self = callers_[c];
    switch (self.at) {
      case kBegin:
        // The caller's: news, in a sequentially consistent atomic
        if (self.calls == 0 || !MayOrder(c, kNews + c)) return false;
        memory.Exchange(kNews + c, kCalls - self.calls + 1);
        self.at = kClaim;
        return true;
      case kClaim:
        // Claim(): next_.compare_exchange_strong(null, Mark(), seq_cst)
        if (!MayOrder(c, kNext)) return false;
        if (memory.Exchange(kNext, 1) == 1) {
          EndCall(self);  // queued already
        } else {
          self.at = kPush;
        }
        return true;
      case kPush:
        // PushRemote(): remote_.compare_exchange_weak(newest, task, seq_cst)
        self.at =
            planted_ == Planted::kWakesUnasked ? kSetPending : kLookAsleep;
        if (planted_ == Planted::kPushesRelaxed) {
          return memory.TryStore(c, kRemote, 1, memory.kRelaxed);
        }
        if (!MayOrder(c, kRemote)) return false;
        memory.Exchange(kRemote, 1);
        return true;
      case kLookAsleep:
        // WakeIfAsleep(): asleep_.load(seq_cst)
        if (memory.Load(c, kAsleep) == 0) {
          EndCall(self);
        } else {
          self.at = kClearAsleep;
        }
        return true;
      case kClearAsleep:
        // WakeIfAsleep(): asleep_.exchange(false, seq_cst)
        if (!MayOrder(c, kAsleep)) return false;
        if (memory.Exchange(kAsleep, 0) == 0) {
          EndCall(self);
        } else {
          self.at = kSetPending;
        }
        return true;
      case kSetPending:
        // Wake(): pending_.exchange(true, seq_cst)
        if (!MayOrder(c, kPending)) return false;
        if (memory.Exchange(kPending, 1) == 1) {
          EndCall(self);
        } else {
          self.at = kWrite;
        }
        return true;
      case kWrite:
        // Wake(): write(2)
        if (!MayOrder(c, kEventFd)) return false;
        memory.Exchange(kEventFd, 1);
        if (may_write_-- == 0) too_many_writes_ = 1;
        EndCall(self);
        return true;
    }
    return false;
  }
  void EndCall(Caller& self) {
    --self.calls;
    self.at = kBegin;
  }

  // Turns, one after the other.
  bool StepLoop() {
    switch (loop_at_) {
      case kLookBefore:
        // TimeToWait(): tasks_.empty(), remote_.load(seq_cst)
        loop_at_ = memory.Load(kLoop, kRemote) != 0 ? kTake : kAnnounce;
        return true;
      case kAnnounce:
        // TimeToWait(): asleep_.store(true, seq_cst)
        loop_at_ =
            planted_ == Planted::kLooksAndThenAnnounces ? kWait : kLookAfter;
        ++may_write_;
        if (planted_ == Planted::kAnnouncesRelaxed) {
          return memory.TryStore(kLoop, kAsleep, 1, memory.kRelaxed);
        }
        if (!MayOrder(kLoop, kAsleep)) return false;
        memory.Exchange(kAsleep, 1);
        return true;
      case kLookAfter:
        // TimeToWait(): tasks_.empty(), remote_.load(seq_cst)
        loop_at_ = memory.Load(kLoop, kRemote) != 0 ? kAwake : kWait;
        return true;
      case kWait:
        // Wait(): epoll_wait(2), until fd_ is readable
        if (memory.Load(kLoop, kEventFd) == 0) return false;
        loop_at_ =
            planted_ == Planted::kClearsAndThenReads ? kClearPending : kRead;
        return true;
      case kRead:
        // Take(): read(2)
        if (!MayOrder(kLoop, kEventFd)) return false;
        memory.Exchange(kEventFd, 0);
        loop_at_ =
            planted_ == Planted::kClearsAndThenReads ? kAwake : kClearPending;
        return true;
      case kClearPending:
        // Take(): pending_.exchange(false, seq_cst)
        if (!MayOrder(kLoop, kPending)) return false;
        memory.Exchange(kPending, 0);
        loop_at_ = planted_ == Planted::kClearsAndThenReads ? kRead : kAwake;
        return true;
      case kAwake:
        // RunIteration() or TimeToWait(): asleep_.store(false, relaxed)
        loop_at_ = kTake;
        return memory.TryStore(kLoop, kAsleep, 0, memory.kRelaxed);
      case kTake:
        // TakeRemote(): remote_.exchange(null, acquire)
        if (!memory.MayModify(kLoop, kRemote, memory.kRelaxed)) return false;
        loop_at_ = memory.Exchange(kRemote, 0) == 0            ? kLookBefore
                   : planted_ == Planted::kUnqueuesAfterTheRun ? kRun
                                                               : kUnqueue;
        return true;
      case kUnqueue:
        // Pop(): next_.store(null, seq_cst)
        if (!MayOrder(kLoop, kNext)) return false;
        memory.Exchange(kNext, 0);
        loop_at_ = kRun;
        return true;
      case kRun:
        // Run(): the news
        for (int c = 0; c < kCallers; ++c) {
          seen_[c] = memory.Load(kLoop, kNews + c);
        }
        loop_at_ = planted_ == Planted::kUnqueuesAfterTheRun ? kUnqueueLate
                                                             : kLookBefore;
        return true;
      case kUnqueueLate:
        if (!MayOrder(kLoop, kNext)) return false;
        memory.Exchange(kNext, 0);
        loop_at_ = kLookBefore;
        return true;
    }
    return false;
  }

  // What is sequentially consistent, and what the kernel does, waits for the
  // thread's earlier stores.
  bool MayOrder(int thread, int place) const {
    return memory.MayModify(thread, place, memory.kRelease);
  }

  Caller callers_[kCallers] = {};
  LoopAt loop_at_ = kLookBefore;
  uint8_t seen_[kCallers] = {};
  uint8_t may_write_ = 0;
  uint8_t too_many_writes_ = 0;
  Planted planted_;
};

Explored ExploreLoop(Planted planted) { return Explore(LoopModel(planted)); }

TEST(EventLoopModel, NothingIsMissedAndEachSleepTakesOneWriteAtMost) {
  const Explored explored = ExploreLoop(Planted::kNothing);
  EXPECT_THAT(explored.fault, IsEmpty());
  EXPECT_GT(explored.states, 1'000u);
  EXPECT_GT(explored.ends, 0u);
  RecordProperty("states", static_cast<int>(explored.states));
}

struct PlantedCase {
  Planted planted;
  const char* fault;
};

class EventLoopModelPlantedTest : public ::testing::TestWithParam<PlantedCase> {
};

TEST_P(EventLoopModelPlantedTest, IsFound) {
  EXPECT_THAT(ExploreLoop(GetParam().planted).fault,
              HasSubstr(GetParam().fault));
}

INSTANTIATE_TEST_SUITE_P(
    All, EventLoopModelPlantedTest,
    ::testing::Values(
        PlantedCase{Planted::kLooksAndThenAnnounces, "has not seen all"},
        PlantedCase{Planted::kAnnouncesRelaxed, "has not seen all"},
        PlantedCase{Planted::kPushesRelaxed, "has not seen all"},
        PlantedCase{Planted::kUnqueuesAfterTheRun, "has not seen all"},
        PlantedCase{Planted::kClearsAndThenReads, "has not seen all"},
        PlantedCase{Planted::kWakesUnasked, "more writes"}));

}  // namespace
}  // namespace sluice
