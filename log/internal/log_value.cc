#include "sluice/log/internal/log_value.h"

#include <charconv>
#include <cmath>

#include "absl/time/time.h"

namespace sluice::log_internal {
namespace {

bool IsContinuation(char c) { return (c & 0xC0) == 0x80; }

size_t CodePoints(absl::string_view text) {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return !IsContinuation(c); }));
}

// Returns the first `count` code points.
absl::string_view Front(absl::string_view text, size_t count) {
  if (count == 0) return "";
  size_t size = 0;
  while (size < text.size() && (count > 0 || IsContinuation(text[size]))) {
    if (!IsContinuation(text[size++])) --count;
  }
  return text.substr(0, size);
}

// The text of a value, in the order in which it is printed.
struct Parts {
  absl::string_view sign;
  absl::string_view body;
  absl::string_view mark;
};

// Appends the parts, and fills them up to the width. Fills between sign and
// body if the spec asks for zeros and `zeros` allows them, else around the
// parts.
void AppendAligned(const LogSpec& spec, char own_align, bool zeros,
                   const Parts& parts, LogText& text) {
  const size_t size =
      parts.sign.size() + CodePoints(parts.body) + parts.mark.size();
  const size_t fill = spec.width > size ? spec.width - size : 0;
  const bool inside = zeros && spec.zero && spec.align == 0;
  const char align = spec.align != 0 ? spec.align : own_align;
  size_t before = align == '>' ? fill : align == '^' ? fill / 2 : 0;
  if (inside) before = 0;
  text.Append(before, spec.fill);
  text.Append(parts.sign);
  if (inside) text.Append(fill, '0');
  text.Append(parts.body);
  text.Append(parts.mark);
  if (!inside) text.Append(fill - before, spec.fill);
}

// The sign of a number and the prefix of its base.
class Sign {
 public:
  void Add(absl::string_view piece) {
    std::memcpy(bytes_ + size_, piece.data(), piece.size());
    size_ += piece.size();
  }
  void AddSign(const LogSpec& spec, bool negative) {
    if (negative) {
      Add("-");
    } else if (spec.sign == '+') {
      Add("+");
    } else if (spec.sign == ' ') {
      Add(" ");
    }
  }
  absl::string_view view() const { return {bytes_, size_}; }

 private:
  char bytes_[4];
  size_t size_ = 0;
};

void AppendInteger(const LogSpec& spec, uint64_t magnitude, bool negative,
                   LogText& text) {
  const int base = spec.type == 'b'                       ? 2
                   : spec.type == 'o'                     ? 8
                   : spec.type == 'x' || spec.type == 'X' ? 16
                                                          : 10;
  char digits[64];
  char* const end = std::to_chars(digits, digits + 64, magnitude, base).ptr;
  if (spec.type == 'X') {
    std::for_each(digits, end, [](char& c) {
      if (c >= 'a') c = static_cast<char>(c - 'a' + 'A');
    });
  }
  Sign sign;
  sign.AddSign(spec, negative);
  if (spec.alternate) {
    if (base == 2) sign.Add("0b");
    if (base == 8 && magnitude != 0) sign.Add("0");
    if (base == 16) sign.Add(spec.type == 'X' ? "0X" : "0x");
  }
  AppendAligned(
      spec, '>', true,
      {sign.view(),
       absl::string_view(digits, static_cast<size_t>(end - digits)), ""},
      text);
}

template <typename Float>
void AppendFloat(const LogSpec& spec, Float value, LogText& text) {
  // The longest number has 309 digits before the point and 255 after it.
  char digits[640];
  char* const limit = digits + sizeof(digits);
  const bool negative = std::signbit(value);
  const Float magnitude = negative ? -value : value;
  const std::chars_format format = spec.type == 'f' ? std::chars_format::fixed
                                   : spec.type == 'e'
                                       ? std::chars_format::scientific
                                       : std::chars_format::general;
  char* end;
  if (spec.precision >= 0) {
    end = std::to_chars(digits, limit, magnitude, format, spec.precision).ptr;
  } else if (spec.type != 0) {
    end = std::to_chars(digits, limit, magnitude, format, 6).ptr;
  } else {
    end = std::to_chars(digits, limit, magnitude).ptr;
  }
  Sign sign;
  sign.AddSign(spec, negative);
  AppendAligned(
      spec, '>', std::isfinite(value),
      {sign.view(),
       absl::string_view(digits, static_cast<size_t>(end - digits)), ""},
      text);
}

bool IsIntegerType(char type) {
  return type != 0 && type != 's' && type != 'c';
}

}  // namespace

void AppendWithSpec(const LogSpec& spec, int64_t value, LogText& text) {
  const uint64_t bits = static_cast<uint64_t>(value);
  AppendInteger(spec, value < 0 ? 0 - bits : bits, value < 0, text);
}

void AppendWithSpec(const LogSpec& spec, uint64_t value, LogText& text) {
  AppendInteger(spec, value, false, text);
}

void AppendWithSpec(const LogSpec& spec, bool value, LogText& text) {
  if (IsIntegerType(spec.type)) {
    AppendInteger(spec, value ? 1 : 0, false, text);
  } else {
    AppendAligned(spec, '<', false, {"", value ? "true" : "false", ""}, text);
  }
}

void AppendWithSpec(const LogSpec& spec, char value, LogText& text) {
  if (IsIntegerType(spec.type)) {
    AppendInteger(spec, static_cast<unsigned char>(value), false, text);
  } else {
    AppendAligned(spec, '<', false, {"", absl::string_view(&value, 1), ""},
                  text);
  }
}

void AppendWithSpec(const LogSpec& spec, float value, LogText& text) {
  AppendFloat(spec, value, text);
}

void AppendWithSpec(const LogSpec& spec, double value, LogText& text) {
  AppendFloat(spec, value, text);
}

void AppendWithSpec(const LogSpec& spec, const void* value, LogText& text) {
  LogSpec hex = spec;
  hex.type = 'x';
  hex.alternate = true;
  AppendInteger(hex, reinterpret_cast<uintptr_t>(value), false, text);
}

void AppendWithSpec(const LogSpec& spec, absl::string_view value,
                    bool truncated, LogText& text) {
  if (spec.precision >= 0) {
    const auto precision = static_cast<size_t>(spec.precision);
    value = Front(value, precision);
    // If the precision ends the string, the removed bytes would not have been
    // printed anyway.
    if (CodePoints(value) >= precision) truncated = false;
  }
  AppendAligned(spec, '<', false, {"", value, truncated ? kTruncatedMark : ""},
                text);
}

void AppendPlain(absl::StatusCode value, LogText& text) {
  text.Append(absl::StatusCodeToString(value));
}

void AppendPlain(absl::Duration value, LogText& text) {
  text.Append(absl::FormatDuration(value));
}

void AppendPlain(absl::Time value, LogText& text) {
  text.Append(
      absl::FormatTime("%Y-%m-%d%ET%H:%M:%E*SZ", value, absl::UTCTimeZone()));
}

void LogString::Truncate(size_t max) {
  if (length() <= max) return;
  size_t size = max;
  // A UTF-8 sequence has at most three continuation bytes. If there are more,
  // the string is not UTF-8, and is truncated at `max`.
  for (int i = 0; i < 3 && size > 0 && IsContinuation(data_[size]); ++i) --size;
  if (IsContinuation(data_[size])) size = max;
  length_ = static_cast<uint32_t>(size << 1 | 1);
}

}  // namespace sluice::log_internal
