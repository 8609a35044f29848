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
//   [align][#][0][width][.precision][type]
//
//   align      < left, > right; by default numbers and pointers are on the
//              right, and other values on the left
//   #          prints 0x or 0X before the digits of types x and X
//   0          fills with zeros between sign and digits, without an align
//   width      the minimum number of characters, 1 to 255
//   precision  0 to 255. For strings: the maximum number of characters. For
//              floating point: the number of digits, after the point for f and
//              e, and in total otherwise
//   type       for integers d decimal, x X hexadecimal; for char c; for strings
//              and bool s; for floating point f fixed, e exponent, g the
//              shorter of the two; for pointers p
//
// Other specs of std::format() do not compile: fill characters, ^, signs, types
// b and o, and integer types for bool and char. Arguments have no numbers, and
// an argument cannot give a width or precision. A character is a code point of
// UTF-8; its width on a terminal is not considered.

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
  char align = 0;  // '<', '>', or 0 for the argument's default
  char type = 0;   // a type, or 0 for the argument's default
  bool alternate = false;
  bool zero = false;
  int16_t width = 0;
  int16_t precision = -1;  // -1 if not given

  friend bool operator==(const LogSpec& a, const LogSpec& b) = default;
};

enum class LogFormatError : uint8_t {
  kNone,
  kUnpairedBrace,    // a { without }, or a single } without {
  kFewArguments,     // fewer arguments than {}
  kManyArguments,    // more arguments than {}
  kNotAPlaceholder,  // a { that is not followed by } : or {
  kBadSpec,          // text that is not a spec
  kMisfit,           // a spec that the argument cannot have
};

struct LogFormatResult {
  LogFormatError error = LogFormatError::kNone;
  size_t argument = 0;  // number of the {} with the error, from 0
};

namespace log_internal {

constexpr bool IsOneOf(char c, absl::string_view set) {
  return set.find(c) != set.npos;
}

// Returns true if an argument of this kind can have this spec.
constexpr bool Fits(LogKind kind, const LogSpec& spec) {
  constexpr absl::string_view kTypes[] = {"s", "c", "dxX", "feg", "s", "p"};
  if (kind == LogKind::kOther) return spec == LogSpec{};
  const bool is_float = kind == LogKind::kFloat;
  const bool is_number = is_float || kind == LogKind::kInteger;
  const bool has_precision = is_float || kind == LogKind::kString;
  return (spec.type == 0 ||
          IsOneOf(spec.type, kTypes[static_cast<size_t>(kind)])) &&
         (!spec.alternate || IsOneOf(spec.type, "xX")) &&
         (!spec.zero || is_number) && (spec.precision < 0 || has_precision);
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
        return rest_.empty() ? LogFormatError::kUnpairedBrace
                             : LogFormatError::kNone;
      }
      if (c == '}' && !Consume('}')) return LogFormatError::kUnpairedBrace;
      *(*to)++ = c;
    }
    return LogFormatError::kNone;
  }

  // Reads the rest of the placeholder, including its "}".
  constexpr LogFormatError ReadSpec(LogSpec* spec) {
    if (Consume('}')) return LogFormatError::kNone;
    if (!Consume(':')) return LogFormatError::kNotAPlaceholder;
    if (IsNextOneOf("<>")) spec->align = Take();
    spec->alternate = Consume('#');
    spec->zero = spec->align == 0 && Consume('0');
    if (IsNextOneOf("123456789") && !ReadNumber(&spec->width)) {
      return LogFormatError::kBadSpec;
    }
    if (Consume('.') && !ReadNumber(&spec->precision)) {
      return LogFormatError::kBadSpec;
    }
    if (IsNextOneOf("dxXcsfegp")) spec->type = Take();
    if (rest_.empty()) return LogFormatError::kUnpairedBrace;
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
  // Returns false if there are no digits, or if the number is more than 255.
  constexpr bool ReadNumber(int16_t* number) {
    constexpr absl::string_view kDigits = "0123456789";
    if (!IsNextOneOf(kDigits)) return false;
    int value = 0;
    while (value <= 255 && IsNextOneOf(kDigits)) {
      value = value * 10 + (Take() - '0');
    }
    *number = static_cast<int16_t>(value);
    return value <= 255;
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
    if (error == LogFormatError::kNone &&
        !log_internal::Fits(kinds[i], specs[i])) {
      error = LogFormatError::kMisfit;
    }
    if (error != LogFormatError::kNone) return {error, i};
  }
}

}  // namespace sluice

#endif  // SLUICE_LOG_INTERNAL_LOG_FORMAT_H_
