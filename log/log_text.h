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

// A text that grows by appending. The logger makes its lines in one. It is also
// a sink for AbslStringify() and absl::Format().
//
// Does not check what is appended, and does not end the text with a NUL. The
// characters are on the heap. When they do not fit, the text doubles its memory
// and keeps it until it is destroyed: the caller bounds the size.
// Thread-compatible.
class LogText {
 public:
  LogText() = default;
  LogText(const LogText&) = delete;
  LogText& operator=(const LogText&) = delete;

  size_t size() const { return static_cast<size_t>(end_ - begin_.get()); }
  // The returned view is valid until the next call that is not const.
  absl::string_view view() const { return {begin_.get(), size()}; }

  // REQUIRES: `piece` is not part of this text.
  void Append(absl::string_view piece) {
    char* const to = Reserve(piece.size());
    // memcpy() refuses a null address, which an empty view may have.
    if (!piece.empty()) std::memcpy(to, piece.data(), piece.size());
    end_ += piece.size();
  }
  void AppendChar(char c) {
    *Reserve(1) = c;
    ++end_;
  }
  // Appends `c`, `count` times.
  void Append(size_t count, char c);

  // Appends decimal digits, with "-" before them if the number is negative.
  void AppendDecimal(int64_t value) { AppendNumber(value); }
  void AppendDecimal(uint64_t value) { AppendNumber(value); }
  void AppendDecimal(int32_t value) { AppendNumber(value); }
  // Appends the last `digits` decimal digits of a number, with leading zeros.
  // REQUIRES: digits >= 0.
  void AppendPadded(uint32_t value, int digits) {
    char* const to = Reserve(static_cast<size_t>(digits));
    for (int i = digits - 1; i >= 0; --i, value /= 10) {
      to[i] = static_cast<char>('0' + value % 10);
    }
    end_ += digits;
  }
  // Appends lower-case hexadecimal digits without a prefix.
  void AppendHex(uint64_t value) { AppendNumber(value, /*base=*/16); }
  // Appends the shortest digits from which the same number can be read back,
  // with an exponent if that is shorter; or "inf", "-inf", "nan" or "-nan".
  void AppendDouble(double value);
  void AppendFloat(float value) { AppendNumber(value); }

  // Removes all characters after the first `size`. REQUIRES: size <= size().
  void Truncate(size_t size) { end_ = begin_.get() + size; }
  void Clear() { Truncate(0); }

  // Makes absl::Format(&text, ...) append here.
  friend void AbslFormatFlush(LogText* text, absl::string_view piece) {
    text->Append(piece);
  }

 private:
  // Room for the longest number: "-2.2250738585072014e-308" has 24 characters.
  static constexpr size_t kNumberSize = 32;

  // `base` is 10 if it is not given.
  template <typename Number, typename... Base>
  void AppendNumber(Number value, Base... base) {
    char* const to = Reserve(kNumberSize);
    end_ = std::to_chars(to, to + kNumberSize, value, base...).ptr;
  }

  // Returns memory for `size` characters after the end of the text.
  char* Reserve(size_t size) {
    if (ABSL_PREDICT_FALSE(size > static_cast<size_t>(limit_ - end_))) {
      Grow(size);
    }
    return end_;
  }
  void Grow(size_t size);

  std::unique_ptr<char[]> begin_;
  char* end_ = nullptr;
  char* limit_ = nullptr;
};

}  // namespace sluice

#endif  // SLUICE_LOG_LOG_TEXT_H_
