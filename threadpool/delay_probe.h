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

// How long tasks wait in a queue, by samples: one task at a time is measured,
// from before it is queued until it is taken, and only when the queue's owner
// has asked for another. All other tasks cost a load on either side and read no
// clock. Keeps the last kSamples samples. Thread-safe.
class DelayProbe {
 public:
  static constexpr size_t kSamples = 256;

  // The first submission is measured.
  explicit DelayProbe(const Clock* clock) : clock_(clock) {}
  DelayProbe(const DelayProbe&) = delete;
  DelayProbe& operator=(const DelayProbe&) = delete;

  // The next submission is measured, unless one is under way.
  void Want() {
    uintptr_t none = kNone;
    if (mark_.load(std::memory_order_relaxed) == kNone) {
      mark_.compare_exchange_strong(none, kWanted, std::memory_order_relaxed);
    }
  }

  // Before `task` is queued. Whether its measurement begins.
  bool BeforeSubmit(const Task* task) {
    return mark_.load(std::memory_order_relaxed) == kWanted && Begin(task);
  }
  // `task` was queued already: gives up the measurement that began.
  void NotScheduled(const Task* task);
  // After `task` left the queue.
  void AfterTake(const Task* task) {
    if (mark_.load(std::memory_order_relaxed) == MarkOf(task)) End(task);
  }

  struct Quantiles {
    absl::Duration p50, p99;  // zero before the first sample
  };
  Quantiles quantiles() const;

 private:
  // Values of mark_ that are the address of no task.
  static constexpr uintptr_t kNone = 0;    // nobody asked
  static constexpr uintptr_t kWanted = 1;  // the next submission
  static constexpr uintptr_t kBusy = 2;    // one thread is in Begin() or End()

  static uintptr_t MarkOf(const Task* task) {
    return reinterpret_cast<uintptr_t>(task);
  }
  bool Begin(const Task* task);
  void End(const Task* task);

  const Clock* const clock_;
  // What is measured. The queue itself orders Begin() before the AfterTake() of
  // the same task; who leaves kBusy releases what he wrote, and who enters it
  // acquires that.
  std::atomic<uintptr_t> mark_{kWanted};
  MonotonicTime begin_;               // belongs to the measurement under way
  std::atomic<uint64_t> samples_{0};  // ever taken
  std::array<std::atomic<int64_t>, kSamples> nanos_{};
};

}  // namespace sluice

#endif  // SLUICE_THREADPOOL_DELAY_PROBE_H_
