#ifndef SLUICE_APPS_COMMON_LOAD_LATENCY_HISTOGRAM_H_
#define SLUICE_APPS_COMMON_LOAD_LATENCY_HISTOGRAM_H_

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace sluice {

// A histogram of latencies, in nanoseconds. Below 256 ns each latency has a
// bucket of its own; above, a bucket is a 256th to a 128th of its values wide,
// so Quantile() is wrong by less than 0.4 %. Record() is O(1) and does not
// allocate. Takes 57 KiB. Thread-compatible.
class LatencyHistogram {
 public:
  // Counts a negative latency as 0.
  void Record(int64_t nanos) {
    const uint64_t value = nanos < 0 ? 0 : static_cast<uint64_t>(nanos);
    ++buckets_[BucketOf(value)];
    ++count_;
    if (value > max_) max_ = value;
  }

  uint64_t count() const { return count_; }
  // Returns the largest latency, exactly; 0 without records.
  int64_t max() const { return static_cast<int64_t>(max_); }
  // Returns the smallest latency that a `fraction` of the records do not
  // exceed, such as 0.99; max() for 1; 0 without records.
  // REQUIRES: 0 <= fraction <= 1.
  int64_t Quantile(double fraction) const;

 private:
  // Each power of two from kLinear on is divided into kLinear buckets.
  static constexpr int kLinearBits = 7;
  static constexpr uint64_t kLinear = uint64_t{1} << kLinearBits;

  static constexpr int ShiftOf(uint64_t value) {
    return value < kLinear ? 0 : std::bit_width(value) - kLinearBits - 1;
  }
  static constexpr size_t BucketOf(uint64_t value) {
    const int shift = ShiftOf(value);
    return static_cast<size_t>(shift) * kLinear + (value >> shift);
  }
  // Values have 63 bits.
  static constexpr size_t kBuckets = (63 - kLinearBits + 1) * kLinear;

  std::array<uint64_t, kBuckets> buckets_{};
  uint64_t count_ = 0;
  uint64_t max_ = 0;
};

}  // namespace sluice

#endif  // SLUICE_APPS_COMMON_LOAD_LATENCY_HISTOGRAM_H_
