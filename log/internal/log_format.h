#ifndef SLUICE_LOG_INTERNAL_LOG_FORMAT_H_
#define SLUICE_LOG_INTERNAL_LOG_FORMAT_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace sluice {

// The formats of SLUICE_LOG. They mean the same as for std::format(). Each {}
// stands for the next argument; {{ and }} print braces. After a colon the
// braces may contain
//
//   [[fill]align][sign][#][0][width][.precision][type]
//
//   fill       a printable ASCII character except braces; by default a space
//   align      < left, > right, ^ center; by default numbers and pointers are
//              on the right, and other values on the left
//   sign       + prints a sign also for positive numbers, a space prints a
//              space for them; - is the default
//   #          prints 0x, 0b or 0 before the digits of types x, X, b and o
//   0          fills with zeros between sign and digits if there is no align
//   width      the minimum number of characters, 1 to 255
//   precision  0 to 255. For strings: the maximum number of characters. For
//              floating point: the number of digits, after the point for f and
//              e, and in total otherwise
//   type       for integers, char and bool: d decimal, x X hexadecimal,
//              b binary, o octal; for char also c; for strings and bool s; for
//              floating point f fixed, e exponent, g the shorter of the two;
//              for pointers p
//
// Arguments have no numbers, and an argument cannot give a width or precision.
// A character is a code point of UTF-8; its width on a terminal is not
// considered.

// The kind of an argument: it decides which specs a format may have.
enum class LogKind : uint8_t {
  kBool,
  kChar,
  kInteger,
  kFloat,
  kString,
  kPointer,
  kOther,  // only {}, without a spec
};

// The text between two braces, parsed.
struct LogSpec {
  char fill = ' ';
  char align = 0;  // '<', '>', '^', or 0 for the argument's default
  char sign = 0;   // '+', '-', ' ', or 0 if not given
  char type = 0;   // a type, or 0 for the argument's default
  bool alternate = false;
  bool zero = false;
  uint8_t width = 0;
  int16_t precision = -1;  // -1 if not given

  friend bool operator==(const LogSpec& a, const LogSpec& b) = default;
};

enum class LogFormatError : uint8_t {
  kNone,
  kOpenBrace,        // a { without }
  kCloseBrace,       // a single } without {
  kFewArguments,     // fewer arguments than {}
  kManyArguments,    // more arguments than {}
  kNotAPlaceholder,  // a { that is not followed by } : or {
  kBadFill,          // a fill that is not printable ASCII, or is a brace
  kBadSpec,          // text that is not a spec
  kNumberTooLarge,   // a width or precision above 255, or a width of 0
  kSpecForOther,     // a spec for an argument that has only {}
  kTypeMisfit,       // a type that the argument does not have
  kSignMisfit,       // a sign for something other than a number
  kAlternateMisfit,  // a # for a type other than x, X, b and o
  kZeroMisfit,       // a 0 for something other than a number
  kPrecisionMisfit,  // a precision for neither string nor floating point
};

struct LogFormatResult {
  LogFormatError error = LogFormatError::kNone;
  size_t argument = 0;  // number of the {} with the error, from 0
};

namespace log_internal {

constexpr bool IsOneOf(char c, absl::string_view set) {
  for (char other : set) {
    if (c == other) return true;
  }
  return false;
}

constexpr bool IsDigit(char c) { return '0' <= c && c <= '9'; }

// Returns true if an argument of this kind is printed as a number.
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

// Reads a format from front to end.
class LogFormatParser {
 public:
  constexpr explicit LogFormatParser(absl::string_view format)
      : rest_(format) {}

  // Reads the text up to and including the "{" of the next placeholder, or to
  // the end. Writes the text before the placeholder to `*to`, and advances it.
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

  // Reads the rest of the placeholder, including its "}".
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
  // Returns false if the number is more than 255.
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

// Parses a format for arguments of these kinds. Writes the text around the
// placeholders to `literals`. For each placeholder, writes the end of the text
// before it, as an index into `literals`, to `ends`, and its spec to `specs`;
// the last element of `ends` is the end of all text. REQUIRES: `literals` has
// room for format.size() characters; specs.size() == kinds.size(); ends.size()
// == kinds.size() + 1.
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
