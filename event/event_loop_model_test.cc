// How a task reaches an EventLoop from another thread, in all interleavings of
// small cases: TaskQueue::PushRemote() and WakeupFd::Wake() on one side,
// WakeupFd::Take() and TaskQueue::Pop() on the other. Each step of the model is
// one access of these to what threads share; comments name its function and
// quote the access. Here each caller that pushes calls Wake(), and the loop
// waits whenever it finds no task; sleep_flag_model_test.cc has the protocol by
// which callers leave out a Wake().

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
  kUnqueuesAfterTheRun,  // Pop(): next_ = null after task->Run()
  kClearsAndThenReads,   // Take(): pending_ before read(2)
};

constexpr int kCallers = 2;
constexpr int kLoop = kCallers;
constexpr int kCalls = 2;  // of each

// All callers schedule the same task, as Post() does: each makes its news known
// before, and the run that a call stands for must see it.
class LoopModel {
 public:
  static constexpr int kThreads = kCallers + 1;

  explicit LoopModel(Mutant mutant) : mutant_(mutant) {
    for (Caller& caller : callers_) caller.calls = kCalls;
  }

  enum Place : uint8_t {
    kNews,                     // + caller: what the task is to see
    kNext = kNews + kCallers,  // task->next_: 1: queued
    kRemote,                   // remote_: 1: the task
    kPending,                  // WakeupFd: pending_
    kEventFd,                  // WakeupFd: the counter of fd_
    kPlaces
  };
  ModelMemory<kPlaces, kThreads> memory;

  bool Step(int thread) {
    return thread == kLoop ? StepLoop() : StepCaller(thread);
  }

  const char* Fault() const { return nullptr; }
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
    kSetPending,
    kWrite,
  };
  struct Caller {
    CallerAt at;
    uint8_t calls;  // still to do
  };

  enum LoopAt : uint8_t {
    kTake,
    kWait,
    kRead,
    kClearPending,
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
        if (!MayOrder(c, kRemote)) return false;
        memory.Exchange(kRemote, 1);
        self.at = kSetPending;
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
        EndCall(self);
        return true;
    }
    return false;
  }
  void EndCall(Caller& self) {
    --self.calls;
    self.at = kBegin;
  }

  // Loop iterations.
  bool StepLoop() {
    switch (loop_at_) {
      case kTake:
        // TakeRemote(): remote_.exchange(null, acquire)
        if (!memory.MayModify(kLoop, kRemote, memory.kRelaxed)) return false;
        loop_at_ = memory.Exchange(kRemote, 0) == 0          ? kWait
                   : mutant_ == Mutant::kUnqueuesAfterTheRun ? kRun
                                                             : kUnqueue;
        return true;
      case kWait:
        // Wait(): epoll_wait(2), until fd_ is readable
        if (memory.Load(kLoop, kEventFd) == 0) return false;
        loop_at_ =
            mutant_ == Mutant::kClearsAndThenReads ? kClearPending : kRead;
        return true;
      case kRead:
        // Take(): read(2)
        if (!MayOrder(kLoop, kEventFd)) return false;
        memory.Exchange(kEventFd, 0);
        loop_at_ =
            mutant_ == Mutant::kClearsAndThenReads ? kTake : kClearPending;
        return true;
      case kClearPending:
        // Take(): pending_.exchange(false, seq_cst)
        if (!MayOrder(kLoop, kPending)) return false;
        memory.Exchange(kPending, 0);
        loop_at_ = mutant_ == Mutant::kClearsAndThenReads ? kRead : kTake;
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
        loop_at_ =
            mutant_ == Mutant::kUnqueuesAfterTheRun ? kUnqueueLate : kTake;
        return true;
      case kUnqueueLate:
        if (!MayOrder(kLoop, kNext)) return false;
        memory.Exchange(kNext, 0);
        loop_at_ = kTake;
        return true;
    }
    return false;
  }

  // Sequentially consistent operations and operations of the kernel wait for
  // the earlier stores of the thread.
  bool MayOrder(int thread, int place) const {
    return memory.MayModify(thread, place, memory.kRelease);
  }

  Caller callers_[kCallers] = {};
  LoopAt loop_at_ = kTake;
  uint8_t seen_[kCallers] = {};
  Mutant mutant_;
};

Explored ExploreLoop(Mutant mutant) { return Explore(LoopModel(mutant)); }

TEST(EventLoopModel, NothingIsMissed) {
  const Explored explored = ExploreLoop(Mutant::kNone);
  EXPECT_THAT(explored.fault, IsEmpty());
  EXPECT_GT(explored.states, 1'000u);
  EXPECT_GT(explored.ends, 0u);
  RecordProperty("states", static_cast<int>(explored.states));
}

struct MutantCase {
  Mutant mutant;
  const char* fault;
};

class EventLoopMutantTest : public ::testing::TestWithParam<MutantCase> {};

TEST_P(EventLoopMutantTest, IsFound) {
  EXPECT_THAT(ExploreLoop(GetParam().mutant).fault,
              HasSubstr(GetParam().fault));
}

INSTANTIATE_TEST_SUITE_P(
    All, EventLoopMutantTest,
    ::testing::Values(
        MutantCase{Mutant::kUnqueuesAfterTheRun, "has not seen all"},
        MutantCase{Mutant::kClearsAndThenReads, "has not seen all"}));

}  // namespace
}  // namespace sluice
