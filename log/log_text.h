#ifndef SLUICE_LOG_LOG_TEXT_H_
#define SLUICE_LOG_LOG_TEXT_H_

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

#include "absl/base/optimization.h"
#include "absl/strings/string_view.h"

namespace sluice {

// Text that is made by appending, as lines of a log are. Holds its characters
// on the heap; when they do not fit, takes twice the memory, and keeps it until
// destroyed: who appends bounds it. Checks nothing of what is appended and ends
// with no NUL. Thread-compatible.
class LogText {
 public:
  LogText() = default;
  LogText(const LogText&) = delete;
  LogText& operator=(const LogText&) = delete;

  size_t size() const { return static_cast<size_t>(end_ - begin_.get()); }
  // Valid until the next call that is not const.
  absl::string_view view() const { return {begin_.get(), size()}; }

  // REQUIRES: `piece` is no part of this text.
  void Append(absl::string_view piece) {
    char* const to = Reserve(piece.size());
    // An empty view may have no address, which memcpy() does not take.
    if (!piece.empty()) std::memcpy(to, piece.data(), piece.size());
    end_ += piece.size();
  }
  void AppendChar(char c) {
    *Reserve(1) = c;
    ++end_;
  }
  void AppendFill(size_t count, char c);

  // Decimal digits, after a sign if the number is negative.
  void AppendDecimal(int64_t value) { AppendNumber(value); }
  void AppendDecimal(uint64_t value) { AppendNumber(value); }
  void AppendDecimal(int32_t value) { AppendNumber(value); }
  void AppendDecimal(uint32_t value) { AppendNumber(value); }
  // The last digits of a number, zeros in front. REQUIRES: digits >= 0.
  void AppendPadded(uint32_t value, int digits) {
    char* const to = Reserve(static_cast<size_t>(digits));
    for (int i = digits - 1; i >= 0; --i, value /= 10) {
      to[i] = static_cast<char>('0' + value % 10);
    }
    end_ += digits;
  }
  // Lower-case hexadecimal digits without a prefix.
  void AppendHex(uint64_t value) {
    char* const to = Reserve(kNumberSize);
    end_ = std::to_chars(to, to + kNumberSize, value, 16).ptr;
  }
  // The shortest digits that read back as the same number, with an exponent
  // where that is shorter; "inf", "-inf", "nan" or "-nan".
  void AppendDouble(double value);
  void AppendFloat(float value) { AppendNumber(value); }

  // Room for `size` characters behind those there are, to be written straight
  // and then taken over by AdvanceTo(). Valid until the next call.
  char* Reserve(size_t size) {
    if (ABSL_PREDICT_FALSE(size > static_cast<size_t>(limit_ - end_))) {
      Grow(size);
    }
    return end_;
  }
  // REQUIRES: `end` is in or at the end of what the last Reserve() gave.
  void AdvanceTo(char* end) { end_ = end; }

  // REQUIRES: size <= size().
  void Truncate(size_t size) { end_ = begin_.get() + size; }
  void Clear() { Truncate(0); }

 private:
  // Of the longest number: "-2.2250738585072014e-308" has 24 characters.
  static constexpr size_t kNumberSize = 32;

  template <typename Number>
  void AppendNumber(Number value) {
    char* const to = Reserve(kNumberSize);
    end_ = std::to_chars(to, to + kNumberSize, value).ptr;
  }

  void Grow(size_t size);

  std::unique_ptr<char[]> begin_;
  char* end_ = nullptr;
  char* limit_ = nullptr;
};

}  // namespace sluice

#endif  // SLUICE_LOG_LOG_TEXT_H_
