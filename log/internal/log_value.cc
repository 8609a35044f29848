#include "sluice/log/internal/log_value.h"

#include <charconv>
#include <cmath>
#include <iterator>

#include "absl/strings/ascii.h"
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

// Appends `front` and `back`. If they are shorter than the width, fills it:
// with zeros between them if the spec asks for zeros, else with spaces. If the
// spec has no alignment, `align` is it.
void AppendFilled(const LogSpec& spec, char align, absl::string_view front,
                  absl::string_view back, LogText& text) {
  const size_t width = static_cast<size_t>(spec.width);
  const size_t size = CodePoints(front) + back.size();
  const size_t fill = width > size ? width - size : 0;
  if (spec.align != 0) align = spec.align;
  if (align == '>' && !spec.zero) text.Append(fill, ' ');
  text.Append(front);
  if (spec.zero) text.Append(fill, '0');
  text.Append(back);
  if (align == '<') text.Append(fill, ' ');
}

// Appends the number from `begin` to `end`, which may have a "-".
void AppendNumber(const LogSpec& spec, char* begin, char* end, LogText& text) {
  if (spec.type == 'X') std::transform(begin, end, begin, absl::ascii_toupper);
  std::string front;
  if (*begin == '-') front += *begin++;
  if (spec.alternate) front.append({'0', spec.type});
  AppendFilled(spec, '>', front, {begin, static_cast<size_t>(end - begin)},
               text);
}

}  // namespace

template <std::integral Integer>
void AppendWithSpec(const LogSpec& spec, Integer value, LogText& text) {
  char digits[24] = {};
  const int base = spec.type == 'x' || spec.type == 'X' ? 16 : 10;
  AppendNumber(spec, digits,
               std::to_chars(digits, std::end(digits), value, base).ptr, text);
}

template void AppendWithSpec(const LogSpec&, int64_t, LogText&);
template void AppendWithSpec(const LogSpec&, uint64_t, LogText&);

template <std::floating_point Float>
void AppendWithSpec(LogSpec spec, Float value, LogText& text) {
  // The longest number has 309 digits before the point and 255 after it.
  char digits[640];
  char* end;
  if (spec.type == 0 && spec.precision < 0) {
    end = std::to_chars(digits, std::end(digits), value).ptr;
  } else {
    const auto format = spec.type == 'f'   ? std::chars_format::fixed
                        : spec.type == 'e' ? std::chars_format::scientific
                                           : std::chars_format::general;
    const int precision = spec.precision < 0 ? 6 : spec.precision;
    end = std::to_chars(digits, std::end(digits), value, format, precision).ptr;
  }
  if (!std::isfinite(value)) spec.zero = false;
  AppendNumber(spec, digits, end, text);
}

template void AppendWithSpec(LogSpec, float, LogText&);
template void AppendWithSpec(LogSpec, double, LogText&);

void AppendWithSpec(const LogSpec& spec, bool value, LogText& text) {
  AppendFilled(spec, '<', value ? "true" : "false", "", text);
}

void AppendWithSpec(const LogSpec& spec, char value, LogText& text) {
  AppendFilled(spec, '<', {&value, 1}, "", text);
}

void AppendWithSpec(const LogSpec& spec, const void* value, LogText& text) {
  LogSpec hex = spec;
  hex.type = 'x';
  hex.alternate = true;
  AppendWithSpec(hex, uint64_t{reinterpret_cast<uintptr_t>(value)}, text);
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
  AppendFilled(spec, '<', value, truncated ? kTruncatedMark : "", text);
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
