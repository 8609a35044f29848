#ifndef SLUICE_THREADPOOL_DELAY_PROBE_H_
#define SLUICE_THREADPOOL_DELAY_PROBE_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"
#include "sluice/base/task.h"
#include "sluice/timer/clock.h"

namespace sluice {

// A sampler of the time that tasks wait in a queue. Measures one task at a
// time, from before it is queued until it is taken, and only after the owner of
// the queue has called Want(). For all other tasks, each call costs a load and
// reads no clock. Keeps the last kSamples samples. Thread-safe.
class DelayProbe {
 public:
  static constexpr size_t kSamples = 256;

  // Measures the first task without a call of Want().
  explicit DelayProbe(const Clock* clock) : clock_(clock) {}
  DelayProbe(const DelayProbe&) = delete;
  DelayProbe& operator=(const DelayProbe&) = delete;

  // Asks for a measurement of the next task. Does nothing if a measurement is
  // under way.
  void Want() {
    uintptr_t none = kNone;
    if (mark_.load(std::memory_order_relaxed) == kNone) {
      mark_.compare_exchange_strong(none, kWanted, std::memory_order_relaxed);
    }
  }

  // Must be called before `task` is queued. Returns true if a measurement of
  // `task` begins.
  bool BeforeSchedule(const Task* task) {
    return mark_.load(std::memory_order_relaxed) == kWanted && Begin(task);
  }
  // Cancels the measurement that BeforeSchedule() began. Must be called if
  // BeforeSchedule() returned true and `task` was queued already. The next task
  // is measured instead.
  void NotScheduled(const Task* task);
  // Must be called after `task` was taken out of the queue.
  void AfterTake(const Task* task) {
    if (mark_.load(std::memory_order_relaxed) == MarkOf(task)) End(task);
  }

  struct Quantiles {
    absl::Duration p50, p99;  // zero before the first sample
  };
  // Returns quantiles of the samples that are kept. Allocates, and sorts the
  // samples.
  Quantiles quantiles() const;

 private:
  // Values of mark_ that are not the address of a task.
  static constexpr uintptr_t kNone = 0;    // no measurement
  static constexpr uintptr_t kWanted = 1;  // a measurement of the next task
  static constexpr uintptr_t kBusy = 2;    // a thread in Begin() or End()

  static uintptr_t MarkOf(const Task* task) {
    return reinterpret_cast<uintptr_t>(task);
  }
  bool Begin(const Task* task);
  void End(const Task* task);

  const Clock* const clock_;
  // The task that is measured, or one of the values above. The queue orders
  // Begin() before the AfterTake() of the same task. A thread that sets kBusy
  // acquires the writes that the last such thread released.
  std::atomic<uintptr_t> mark_{kWanted};
  MonotonicTime begin_;               // start of the measurement under way
  std::atomic<uint64_t> samples_{0};  // number of samples taken so far
  std::array<std::atomic<int64_t>, kSamples> nanos_{};
};

}  // namespace sluice

#endif  // SLUICE_THREADPOOL_DELAY_PROBE_H_
