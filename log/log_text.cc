#include "sluice/log/log_text.h"

#include <algorithm>
#include <utility>

namespace sluice {

// Most numbers that programs print have few digits after the point. A
// multiplication and a division show whether `value` is a whole number of
// millionths. If it is, and has at most 15 digits, these digits are the
// shortest ones: no two decimal numbers of at most 15 digits are the same
// double.
void LogText::AppendDouble(double value) {
  const double magnitude = value < 0 ? -value : value;
  if (magnitude >= 1e-3 && magnitude < 1e9) {
    const auto millionths = static_cast<uint64_t>(magnitude * 1e6 + 0.5);
    // An exponent may be shorter if there are five zeros before the point, and
    // is shorter below 0.001.
    const bool no_exponent = millionths % 100'000'000'000 != 0;
    if (static_cast<double>(millionths) / 1e6 == magnitude && no_exponent) {
      if (value < 0) AppendChar('-');
      AppendDecimal(millionths / 1'000'000);
      const auto fraction = static_cast<uint32_t>(millionths % 1'000'000);
      if (fraction == 0) return;
      AppendChar('.');
      AppendPadded(fraction, 6);
      while (end_[-1] == '0') --end_;
      return;
    }
  }
  AppendNumber(value);
}

void LogText::Append(size_t count, char c) {
  // memset() refuses a null address, which a text without memory has.
  if (count == 0) return;
  std::memset(Reserve(count), c, count);
  end_ += count;
}

void LogText::Grow(size_t size) {
  constexpr size_t kFirst = 256;
  const size_t used = this->size();
  const size_t capacity = static_cast<size_t>(limit_ - begin_.get());
  const size_t larger = std::max({kFirst, 2 * capacity, used + size});
  // The memory is not cleared: nobody reads it before it is written.
  auto begin = std::unique_ptr<char[]>(new char[larger]);
  if (used > 0) std::memcpy(begin.get(), begin_.get(), used);
  begin_ = std::move(begin);
  end_ = begin_.get() + used;
  limit_ = begin_.get() + larger;
}

}  // namespace sluice
