#ifndef SLUICE_LOG_INTERNAL_LOG_FORMAT_H_
#define SLUICE_LOG_INTERNAL_LOG_FORMAT_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace sluice {

// The formats of SLUICE_LOG, with the meaning they have for std::format(). Each
// {} stands for the next argument; {{ and }} are braces. Between the braces may
// stand, after a colon:
//
//   [[fill]align][sign][#][0][width][.precision][type]
//
//   fill       a printable ASCII character other than braces; else a blank
//   align      < left, > right, ^ in the middle; else numbers and pointers
//              stand right, other things left
//   sign       + also before positive numbers, a blank in its place, or -
//   #          0x, 0b or 0 before the digits of types x, X, b and o
//   0          zeros between sign and digits, if there is no align
//   width      1 to 255 characters at least
//   precision  of a string, 0 to 255 characters at most; of floating point,
//              0 to 255 digits: after the point for f and e, else in all
//   type       d decimal, x X hexadecimal, b binary, o octal: integers, char
//              and bool; c: char; s: strings and bool; f fixed, e with an
//              exponent, g of the two what suits: floating point; p: pointers
//
// There are no argument numbers, and no width or precision from an argument.
// Characters are code points of UTF-8, however wide a terminal shows them.

// What an argument is, as far as the format may depend on it.
enum class LogKind : uint8_t {
  kBool,
  kChar,
  kInteger,
  kFloat,
  kString,
  kPointer,
  kOther,  // takes {} only
};

// What stands between braces.
struct LogSpec {
  char fill = ' ';
  char align = 0;  // '<', '>', '^', or 0 for the argument's own
  char sign = 0;   // '+', '-', ' ', or 0 for none given
  char type = 0;   // or 0 for the argument's own
  bool alternate = false;
  bool zero = false;
  uint8_t width = 0;
  int16_t precision = -1;  // or -1 for none

  friend bool operator==(const LogSpec& a, const LogSpec& b) = default;
};

enum class LogFormatError : uint8_t {
  kNone,
  kOpenBrace,        // { without its }
  kCloseBrace,       // } that is neither doubled nor closes
  kFewArguments,     // more {} than arguments
  kManyArguments,    // fewer
  kNotAPlaceholder,  // { is followed by something other than } : {
  kBadFill,          // other than printable ASCII
  kBadSpec,          // something that is no part of a spec, or out of order
  kNumberTooLarge,   // a width or precision above 255, or a width of 0
  kSpecForOther,     // an argument that takes {} only
  kTypeMisfit,       // a type that is not one of the argument's
  kSignMisfit,       // a sign where there is no number
  kAlternateMisfit,  // # where the type is not x, X, b or o
  kZeroMisfit,       // 0 where there is no number
  kPrecisionMisfit,  // for neither string nor floating point
};

struct LogFormatResult {
  LogFormatError error = LogFormatError::kNone;
  size_t argument = 0;  // the number, from 0, of the {} in question
};

namespace log_internal {

constexpr bool IsOneOf(char c, absl::string_view set) {
  for (char other : set) {
    if (c == other) return true;
  }
  return false;
}

constexpr bool IsDigit(char c) { return '0' <= c && c <= '9'; }

// Whether the spec makes digits of an argument of that kind.
constexpr bool IsNumeric(LogKind kind, char type) {
  return kind == LogKind::kInteger || kind == LogKind::kFloat ||
         ((kind == LogKind::kBool || kind == LogKind::kChar) &&
          IsOneOf(type, "dxXbo"));
}

constexpr absl::string_view TypesOf(LogKind kind) {
  switch (kind) {
    case LogKind::kBool:
      return "sdxXbo";
    case LogKind::kChar:
      return "cdxXbo";
    case LogKind::kInteger:
      return "dxXbo";
    case LogKind::kFloat:
      return "feg";
    case LogKind::kString:
      return "s";
    case LogKind::kPointer:
      return "p";
    case LogKind::kOther:
      break;
  }
  return "";
}

constexpr LogFormatError CheckSpec(LogKind kind, const LogSpec& spec) {
  if (kind == LogKind::kOther) {
    return spec == LogSpec{} ? LogFormatError::kNone
                             : LogFormatError::kSpecForOther;
  }
  if (spec.type != 0 && !IsOneOf(spec.type, TypesOf(kind))) {
    return LogFormatError::kTypeMisfit;
  }
  const bool numeric = IsNumeric(kind, spec.type);
  if (spec.sign != 0 && !numeric) return LogFormatError::kSignMisfit;
  if (spec.alternate && !IsOneOf(spec.type, "xXbo")) {
    return LogFormatError::kAlternateMisfit;
  }
  if (spec.zero && !numeric) return LogFormatError::kZeroMisfit;
  if (spec.precision >= 0 && kind != LogKind::kFloat &&
      kind != LogKind::kString) {
    return LogFormatError::kPrecisionMisfit;
  }
  return LogFormatError::kNone;
}

// Reads a format from its front.
class LogFormatParser {
 public:
  constexpr explicit LogFormatParser(absl::string_view format)
      : rest_(format) {}

  // Writes to `*to`, which it advances, the text up to the next placeholder,
  // which it reads as far as the "{", or to the end.
  constexpr LogFormatError ReadLiteral(char** to, bool* at_placeholder) {
    *at_placeholder = false;
    while (!rest_.empty()) {
      const char c = Take();
      if (c == '{' && !Consume('{')) {
        *at_placeholder = true;
        return rest_.empty() ? LogFormatError::kOpenBrace
                             : LogFormatError::kNone;
      }
      if (c == '}' && !Consume('}')) return LogFormatError::kCloseBrace;
      *(*to)++ = c;
    }
    return LogFormatError::kNone;
  }

  // Reads the placeholder after its "{", and its "}".
  constexpr LogFormatError ReadSpec(LogSpec* spec) {
    if (Consume('}')) return LogFormatError::kNone;
    if (!Consume(':')) return LogFormatError::kNotAPlaceholder;
    if (rest_.size() > 1 && IsOneOf(rest_[1], "<>^")) {
      spec->fill = Take();
      if (spec->fill < ' ' || spec->fill > '~' || IsOneOf(spec->fill, "{}")) {
        return LogFormatError::kBadFill;
      }
    }
    if (IsNextOneOf("<>^")) spec->align = Take();
    if (IsNextOneOf("+- ")) spec->sign = Take();
    spec->alternate = Consume('#');
    spec->zero = Consume('0');
    int width = 0;
    if (IsNextOneOf("0123456789") && (!ReadNumber(&width) || width == 0)) {
      return LogFormatError::kNumberTooLarge;
    }
    spec->width = static_cast<uint8_t>(width);
    int precision = -1;
    if (Consume('.')) {
      if (!IsNextOneOf("0123456789")) return LogFormatError::kBadSpec;
      if (!ReadNumber(&precision)) return LogFormatError::kNumberTooLarge;
    }
    spec->precision = static_cast<int16_t>(precision);
    if (IsNextOneOf("dxXbocsfegp")) spec->type = Take();
    if (rest_.empty()) return LogFormatError::kOpenBrace;
    return Consume('}') ? LogFormatError::kNone : LogFormatError::kBadSpec;
  }

 private:
  constexpr char Take() {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }
  constexpr bool IsNextOneOf(absl::string_view set) const {
    return !rest_.empty() && IsOneOf(rest_.front(), set);
  }
  constexpr bool Consume(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  // False if it is more than 255.
  constexpr bool ReadNumber(int* value) {
    *value = 0;
    while (!rest_.empty() && IsDigit(rest_.front())) {
      *value = *value * 10 + (Take() - '0');
      if (*value > 255) return false;
    }
    return true;
  }

  absl::string_view rest_;
};

}  // namespace log_internal

// Takes a format apart for arguments of those kinds. Writes to `literals`,
// which has room for format.size() characters, the text around the
// placeholders, and to `ends`, for each placeholder and for the end, where its
// text ends there. REQUIRES: specs.size() == kinds.size() and
// ends.size() == kinds.size() + 1.
constexpr LogFormatResult ParseLogFormat(absl::string_view format,
                                         absl::Span<const LogKind> kinds,
                                         char* literals,
                                         absl::Span<size_t> ends,
                                         absl::Span<LogSpec> specs) {
  log_internal::LogFormatParser parser(format);
  char* to = literals;
  for (size_t i = 0;; ++i) {
    bool at_placeholder = false;
    LogFormatError error = parser.ReadLiteral(&to, &at_placeholder);
    if (error != LogFormatError::kNone) return {error, i};
    if (i == kinds.size() && at_placeholder) {
      return {LogFormatError::kFewArguments, i};
    }
    ends[i] = static_cast<size_t>(to - literals);
    if (!at_placeholder) {
      if (i < kinds.size()) return {LogFormatError::kManyArguments, i};
      return {};
    }
    error = parser.ReadSpec(&specs[i]);
    if (error == LogFormatError::kNone) {
      error = log_internal::CheckSpec(kinds[i], specs[i]);
    }
    if (error != LogFormatError::kNone) return {error, i};
  }
}

}  // namespace sluice

#endif  // SLUICE_LOG_INTERNAL_LOG_FORMAT_H_
