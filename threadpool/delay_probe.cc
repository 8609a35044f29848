#include "sluice/threadpool/delay_probe.h"

#include <algorithm>
#include <vector>

namespace sluice {

bool DelayProbe::Begin(const Task* task) {
  uintptr_t wanted = kWanted;
  if (!mark_.compare_exchange_strong(wanted, kBusy,
                                     std::memory_order_acquire)) {
    return false;  // another thread was first
  }
  begin_ = clock_->Now();
  mark_.store(MarkOf(task), std::memory_order_release);
  return true;
}

void DelayProbe::NotScheduled(const Task* task) {
  uintptr_t mark = MarkOf(task);
  mark_.compare_exchange_strong(mark, kWanted, std::memory_order_release,
                                std::memory_order_relaxed);
}

void DelayProbe::End(const Task* task) {
  uintptr_t mark = MarkOf(task);
  if (!mark_.compare_exchange_strong(mark, kBusy, std::memory_order_acquire)) {
    return;  // NotScheduled() was first
  }
  const absl::Duration delay = clock_->Now() - begin_;
  const uint64_t sample = samples_.load(std::memory_order_relaxed);
  nanos_[sample % kSamples].store(absl::ToInt64Nanoseconds(delay),
                                  std::memory_order_relaxed);
  // Release: a thread that reads the number sees the samples.
  samples_.store(sample + 1, std::memory_order_release);
  mark_.store(kNone, std::memory_order_release);
}

DelayProbe::Quantiles DelayProbe::quantiles() const {
  const auto count = static_cast<size_t>(
      std::min<uint64_t>(samples_.load(std::memory_order_acquire), kSamples));
  if (count == 0) return {};
  std::vector<int64_t> sorted;
  for (size_t i = 0; i < count; ++i) {
    sorted.push_back(nanos_[i].load(std::memory_order_relaxed));
  }
  std::sort(sorted.begin(), sorted.end());
  const auto quantile = [&](size_t percent) {
    return absl::Nanoseconds(sorted[(count * percent + 99) / 100 - 1]);
  };
  return {.p50 = quantile(50), .p99 = quantile(99)};
}

}  // namespace sluice
