// Compares WorkerPool and Strand, on two workers, with other thread pools.
// Measures wall time, because pools are slow when their threads wait for each
// other, and the CPU time that all threads spend meanwhile.

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "sluice/base/check.h"
#include "sluice/base/mutex.h"
#include "sluice/base/standard_descriptors.h"
#include "sluice/base/thread.h"
#include "sluice/bench/pool_contenders.h"
#include "sluice/bench/report/comparison.h"
#include "sluice/bench/report/cpu_time.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

// Returns the wall time and the CPU time of `body` in nanoseconds, each divided
// by `parts`.
template <typename Body>
std::vector<double> NanosPerPart(double parts, Body body) {
  const MonotonicTime begin = Clock::Real()->Now();
  const absl::Duration cpu_begin = ProcessCpuTime();
  body();
  const absl::Duration wall = Clock::Real()->Now() - begin;
  const absl::Duration cpu = ProcessCpuTime() - cpu_begin;
  return {absl::ToDoubleNanoseconds(wall) / parts,
          absl::ToDoubleNanoseconds(cpu) / parts};
}

// Blocks the calling thread for the time `pause`.
void Pause(absl::Duration pause) {
  Mutex mutex;
  CondVar nothing;
  MutexLock lock(&mutex);
  nothing.WaitWithTimeout(&mutex, pause);
}

// Waits 5 ms. After this time the threads of a new pool sleep.
void LetThemSleep() { Pause(absl::Milliseconds(5)); }

// ---------------------------------------------------------------------------
// Empty tasks
// ---------------------------------------------------------------------------

constexpr size_t kEmptyTasks = 400'000;

template <typename P>
struct EmptyTask final : P::Task {
  void Run() override {}
};

template <typename P, size_t kProducers>
std::vector<double> EmptyTasks() {
  constexpr size_t kEach = kEmptyTasks / kProducers;
  const std::unique_ptr<EmptyTask<P>[]> tasks(new EmptyTask<P>[kEmptyTasks]);
  P pool;
  const auto produce = [&](size_t producer) {
    pool.InProducer([&] {
      EmptyTask<P>* const mine = &tasks[producer * kEach];
      for (size_t i = 0; i < kEach; ++i) pool.Schedule(&mine[i]);
    });
  };
  LetThemSleep();
  return NanosPerPart(kEmptyTasks, [&] {
    std::vector<Thread> others;
    for (size_t i = 1; i < kProducers; ++i) {
      others.push_back(*Thread::Start("producer", [&, i] { produce(i); }));
    }
    produce(0);
    for (Thread& other : others) other.Join();
    pool.Drain();
  });
}

// ---------------------------------------------------------------------------
// Fork and join
// ---------------------------------------------------------------------------

constexpr int kFib = 22;
constexpr int kFibValue = 17'711;
constexpr double kFibCalls = 57'313;
constexpr int kFibRepeats = 20;

// A task for one call of fib(). When the last of the calls that a call waits
// for ends, it ends the waiting call too. No thread blocks.
template <typename P>
class alignas(64) FibTask final : public P::Task {
 public:
  // An allocator of tasks. New() takes a task from a block that belongs to the
  // calling thread.
  class Store {
   public:
    explicit Store(P* pool) : pool_(pool), tasks_(new FibTask[kTasks]) {}

    void Reset() {
      used_.store(0);
      round_.fetch_add(1);
    }
    FibTask* New() {
      struct Block {
        FibTask* next = nullptr;
        FibTask* end = nullptr;
        int round = -1;
      };
      static thread_local Block block;
      if (block.next == block.end ||
          block.round != round_.load(std::memory_order_relaxed)) {
        const size_t first = used_.fetch_add(kBlock);
        SLUICE_CHECK(first + kBlock <= kTasks);
        block = {&tasks_[first], &tasks_[first + kBlock], round_.load()};
      }
      return block.next++;
    }
    P* pool() { return pool_; }

   private:
    static constexpr size_t kBlock = 256;
    static constexpr size_t kTasks = 64 * 1024;

    P* const pool_;
    const std::unique_ptr<FibTask[]> tasks_;
    std::atomic<size_t> used_{0};
    std::atomic<int> round_{0};
  };

  // kBoth: a call schedules a task for each of the two calls that it makes.
  // kOne: a call schedules a task for one of the two, and makes the other call
  // in its own task.
  enum class Fork { kBoth, kOne };

  void Set(Store* store, FibTask* parent, Fork fork, int n) {
    store_ = store;
    parent_ = parent;
    fork_ = fork;
    n_ = n;
    sum_and_left_.store(1, std::memory_order_relaxed);
  }
  void Run() override {
    if (n_ < 2) {
      End(n_);
    } else if (fork_ == Fork::kBoth) {
      sum_and_left_.store(2, std::memory_order_relaxed);
      Schedule(n_ - 1);
      Schedule(n_ - 2);
    } else {
      // This task waits for n_ ends: of the n_ - 1 tasks that it schedules, and
      // of itself.
      sum_and_left_.store(n_, std::memory_order_relaxed);
      for (int n = n_; n >= 2; --n) Schedule(n - 2);
      End(1);
    }
  }
  // Waits until this call, the first one, has ended. Returns its value.
  int Await() {
    while (true) {
      const uint64_t seen = sum_and_left_.load(std::memory_order_acquire);
      if (static_cast<uint32_t>(seen) == 0) return static_cast<int>(seen >> 32);
      sum_and_left_.wait(seen);
    }
  }

 private:
  void Schedule(int n) {
    FibTask* const task = store_->New();
    task->Set(store_, this, fork_, n);
    store_->pool()->Schedule(task);
  }
  // Adds `value`, the value of a call that this call waits for, to the sum, and
  // takes one from the number of calls left. If no call is left, does the same
  // for the parent with the sum.
  void End(uint64_t value) {
    FibTask* task = this;
    while (true) {
      FibTask* const parent = task->parent_;
      const uint64_t before = task->sum_and_left_.fetch_add(
          (value << 32) - 1, std::memory_order_acq_rel);
      if (static_cast<uint32_t>(before) > 1) return;
      if (parent == nullptr) break;
      value += before >> 32;
      task = parent;
    }
    task->sum_and_left_.notify_all();
  }

  Store* store_ = nullptr;
  FibTask* parent_ = nullptr;
  Fork fork_ = Fork::kBoth;
  int n_ = 0;
  std::atomic<uint64_t> sum_and_left_{0};  // upper half: the sum
};

// Measures kFibRepeats calls of `fib`, after one call that is not measured.
template <typename Fib>
std::vector<double> MeasureFib(Fib fib) {
  SLUICE_CHECK(fib() == kFibValue);
  return NanosPerPart(kFibCalls * kFibRepeats, [&] {
    for (int i = 0; i < kFibRepeats; ++i) SLUICE_CHECK(fib() == kFibValue);
  });
}

template <typename P, bool kForkBoth>
std::vector<double> FibByTasks() {
  using Task = FibTask<P>;
  P pool;
  typename Task::Store store(&pool);
  Task first;
  const std::vector<double> nanos = MeasureFib([&] {
    store.Reset();
    first.Set(&store, nullptr, kForkBoth ? Task::Fork::kBoth : Task::Fork::kOne,
              kFib);
    pool.Schedule(&first);
    return first.Await();
  });
  pool.Drain();
  return nanos;
}

template <bool kForkBoth>
int TbbFib(int n) {
  if (n < 2) return n;
  int a, b;
  tbb::task_group group;
  group.run([&] { a = TbbFib<kForkBoth>(n - 2); });
  if (kForkBoth) {
    group.run([&] { b = TbbFib<kForkBoth>(n - 1); });
  } else {
    b = TbbFib<kForkBoth>(n - 1);
  }
  group.wait();
  return a + b;
}

// Uses the calling thread as one of the two threads.
template <bool kForkBoth>
std::vector<double> FibByTbb() {
  tbb::global_control limit(tbb::global_control::max_allowed_parallelism,
                            kPoolThreads);
  tbb::task_arena arena(kPoolThreads);
  return MeasureFib(
      [&] { return arena.execute([] { return TbbFib<kForkBoth>(kFib); }); });
}

// ---------------------------------------------------------------------------
// Waking
// ---------------------------------------------------------------------------

template <typename P>
struct StampTask final : P::Task {
  void Run() override { started.store(Clock::Real()->Now().nanos()); }
  std::atomic<int64_t> started{0};
};

template <typename P>
std::vector<double> ScheduleToStart() {
  constexpr size_t kRounds = 1'000;
  P pool;
  std::vector<double> micros;
  const std::unique_ptr<StampTask<P>[]> tasks(new StampTask<P>[kRounds]);
  for (size_t i = 0; i < kRounds; ++i) {
    Pause(absl::Microseconds(200));
    const int64_t scheduled = Clock::Real()->Now().nanos();
    pool.Schedule(&tasks[i]);
    while (tasks[i].started.load() == 0) {
    }
    micros.push_back(static_cast<double>(tasks[i].started.load() - scheduled) /
                     1000);
  }
  pool.Drain();
  std::sort(micros.begin(), micros.end());
  return {micros[kRounds / 2]};
}

// ---------------------------------------------------------------------------
// Strands
// ---------------------------------------------------------------------------

template <typename P, size_t kStrands>
std::vector<double> Strands() {
  const std::unique_ptr<EmptyTask<P>[]> tasks(new EmptyTask<P>[kEmptyTasks]);
  P pool;
  std::vector<std::unique_ptr<typename P::Strand>> strands;
  for (size_t i = 0; i < kStrands; ++i) {
    strands.push_back(std::make_unique<typename P::Strand>(&pool));
  }
  LetThemSleep();
  return NanosPerPart(kEmptyTasks, [&] {
    for (size_t i = 0; i < kEmptyTasks; ++i) {
      strands[i % kStrands]->Schedule(&tasks[i]);
    }
    pool.Drain();
  });
}

// ---------------------------------------------------------------------------

const std::vector<std::string>& PerTask() {
  static const auto* const metrics = new std::vector<std::string>{
      "ns per task", "CPU ns per task, all threads"};
  return *metrics;
}

template <size_t kProducers>
ComparedCase EmptyTasksCase(std::string name) {
  return {std::move(name),
          PerTask(),
          {{"limit", &EmptyTasks<BarePool, kProducers>},
           {"Sluice", &EmptyTasks<SluicePool, kProducers>},
           {"Sluice, callables", &EmptyTasks<SluiceCallables, kProducers>},
           {"Boost.Asio", &EmptyTasks<AsioPool, kProducers>},
           {"TBB, task_group", &EmptyTasks<TbbGroup, kProducers>},
           {"TBB, task_arena", &EmptyTasks<TbbArena, kProducers>},
           {"std::deque", &EmptyTasks<DequePool, kProducers>}}};
}

template <bool kForkBoth>
ComparedCase FibCase(std::string name) {
  return {std::move(name),
          {"ns per call", "CPU ns per call, all threads"},
          {{"limit", &FibByTasks<BarePool, kForkBoth>},
           {"Sluice", &FibByTasks<SluicePool, kForkBoth>},
           {"Boost.Asio", &FibByTasks<AsioPool, kForkBoth>},
           {"TBB, task_group", &FibByTbb<kForkBoth>},
           {"std::deque", &FibByTasks<DequePool, kForkBoth>}}};
}

template <size_t kStrands>
ComparedCase StrandsCase(std::string name) {
  return {std::move(name),
          PerTask(),
          {{"limit", &Strands<BarePool, kStrands>},
           {"Sluice", &Strands<SluicePool, kStrands>},
           {"Boost.Asio", &Strands<AsioPool, kStrands>}}};
}

std::vector<ComparedCase> Cases() {
  return {
      EmptyTasksCase<1>("empty tasks from one thread"),
      EmptyTasksCase<4>("empty tasks from four threads"),
      FibCase<false>("fib(22), a task for one of two calls"),
      FibCase<true>("fib(22), a task for each call"),
      {"schedule to start, while all sleep",
       {"us, median"},
       {{"limit", &ScheduleToStart<BarePool>},
        {"Sluice", &ScheduleToStart<SluicePool>},
        {"Boost.Asio", &ScheduleToStart<AsioPool>},
        {"TBB, task_arena", &ScheduleToStart<TbbArena>},
        {"std::deque", &ScheduleToStart<DequePool>}}},
      StrandsCase<1>("empty tasks on one strand"),
      StrandsCase<64>("empty tasks on 64 strands by turns"),
  };
}

}  // namespace
}  // namespace sluice

int main(int argc, char* argv[]) {
  sluice::FillStandardDescriptors();
  return sluice::FinishStandardOutput(
      "//bench:pools", sluice::RunComparison(argc, argv,
                                             {"Pools",
                                              "//bench:pools",
                                              {"libboost-dev", "libtbb-dev"},
                                              sluice::Cases()}));
}
