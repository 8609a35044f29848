#include "sluice/log/log_text.h"

#include <algorithm>
#include <utility>

namespace sluice {
// Of the decimal numbers with at most 15 digits no two are the same double, so
// that one which reads back as `value` is the shortest. Most numbers that
// programs print have few digits behind the point: whether they are such a
// number of millionths, takes a multiplication and a division to know.
void LogText::AppendDouble(double value) {
  const double magnitude = value < 0 ? -value : value;
  if (magnitude >= 1e-3 && magnitude < 1e9) {
    const auto millionths = static_cast<uint64_t>(magnitude * 1e6 + 0.5);
    // With five zeros before the point an exponent may be shorter, as it is
    // below 0.001.
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

void LogText::AppendFill(size_t count, char c) {
  // Without memory there is no address, which memset() does not take.
  if (count == 0) return;
  std::memset(Reserve(count), c, count);
  end_ += count;
}

void LogText::Grow(size_t size) {
  constexpr size_t kFirst = 256;
  const size_t used = this->size();
  const size_t capacity = static_cast<size_t>(limit_ - begin_.get());
  const size_t larger = std::max({kFirst, 2 * capacity, used + size});
  // Not cleared: what is not yet written is not read.
  auto begin = std::unique_ptr<char[]>(new char[larger]);
  if (used > 0) std::memcpy(begin.get(), begin_.get(), used);
  begin_ = std::move(begin);
  end_ = begin_.get() + used;
  limit_ = begin_.get() + larger;
}

}  // namespace sluice
