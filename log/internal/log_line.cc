#include "sluice/log/internal/log_line.h"

#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace sluice {
namespace {

constexpr int64_t kNanosPerSecond = 1'000'000'000;

char SeverityLetter(LogSeverity severity) {
  constexpr absl::string_view kLetters = "DIWEF";
  const auto i = static_cast<size_t>(severity);
  return i < kLetters.size() ? kLetters[i] : '?';
}

absl::string_view BaseName(absl::string_view path) {
  // rfind() looks at one byte at a time.
  const void* const slash = memrchr(path.data(), '/', path.size());
  if (slash == nullptr) return path;
  const char* const begin = static_cast<const char*>(slash) + 1;
  return path.substr(static_cast<size_t>(begin - path.data()));
}

// ---------------------------------------------------------------------------
// Finding characters to escape
// ---------------------------------------------------------------------------

// Returns a word whose bytes are all `byte`.
constexpr uint64_t Each(uint8_t byte) {
  return byte * uint64_t{0x0101010101010101};
}

// Returns true if one of eight bytes may need an escape: if it is a control
// character, not ASCII, or, in JSON, a quotation mark or a backslash.
template <bool kJson>
bool MayNeedEscape(const char* eight) {
  uint64_t word;
  std::memcpy(&word, eight, sizeof(word));
  // Sets the highest bit of each byte that is less than 0x20, or equal to 0x7f.
  // For a byte that is not ASCII, one of the two terms sets it. By a borrow,
  // the bit may also be set in the bytes above such a byte.
  uint64_t found = (word - Each(0x20)) | ((word ^ Each(0x7f)) - Each(1));
  if (kJson) {
    found |= ((word ^ Each('"')) - Each(1)) | ((word ^ Each('\\')) - Each(1));
  }
  return (found & Each(0x80)) != 0;
}

template <bool kJson>
bool IsPlain(char c) {
  return c >= ' ' && c < 0x7f && (!kJson || (c != '"' && c != '\\'));
}

// Returns the number of bytes at the front that need no escape.
template <bool kJson>
size_t PlainFront(absl::string_view text) {
  size_t i = 0;
  while (i + 8 <= text.size() && !MayNeedEscape<kJson>(text.data() + i)) i += 8;
  while (i < text.size() && IsPlain<kJson>(text[i])) ++i;
  return i;
}

// A character of UTF-8. `size` is 0 if the bytes are not UTF-8.
struct CodePoint {
  size_t size = 0;
  uint32_t value = 0;
};

// Returns the character at the front of `text`, which must not be empty.
CodePoint FrontCodePoint(absl::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(0);
  if (first < 0x80) return {1, first};
  const size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < size) return {};
  uint32_t value = first & (0x7f >> size);
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    value = value << 6 | (byte(i) & 0x3f);
  }
  // Reject a longer encoding than necessary, a surrogate, and a value beyond
  // Unicode.
  constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  if (value < kLeast[size] || (value >= 0xd800 && value < 0xe000) ||
      value > 0x10ffff) {
    return {};
  }
  return {size, value};
}

// Returns true for control characters, line separators, and marks that override
// the direction of text.
bool IsForbidden(uint32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 ||
         (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

// ---------------------------------------------------------------------------
// Escapes
// ---------------------------------------------------------------------------

void AppendByteEscape(uint32_t byte, LogText& text) {
  text.Append(absl::StrCat("\\x", absl::Hex(byte, absl::kZeroPad2)));
}

template <bool kJson>
void AppendEscape(uint32_t c, LogText& text) {
  if (c == '\n' || c == '\r' || c == '\t') {
    text.Append(c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t");
  } else if (kJson) {
    text.Append(absl::StrCat("\\u", absl::Hex(c, absl::kZeroPad4)));
  } else if (c < 0x80) {
    AppendByteEscape(c, text);
  } else {
    text.Append(absl::StrCat("\\u{", absl::Hex(c), "}"));
  }
}

template <bool kJson>
void AppendEscaped(absl::string_view from, LogText& text) {
  while (true) {
    const size_t plain = PlainFront<kJson>(from);
    text.Append(from.substr(0, plain));
    from.remove_prefix(plain);
    if (from.empty()) return;
    const CodePoint c = FrontCodePoint(from);
    const char first = from[0];
    if (c.size == 0) {
      if (kJson) {
        text.Append("\xef\xbf\xbd");
      } else {
        AppendByteEscape(static_cast<uint8_t>(first), text);
      }
    } else if (IsForbidden(c.value)) {
      AppendEscape<kJson>(c.value, text);
    } else {
      if (kJson && (first == '"' || first == '\\')) text.AppendChar('\\');
      text.Append(from.substr(0, c.size));
    }
    from.remove_prefix(c.size == 0 ? 1 : c.size);
  }
}

}  // namespace

void LogLineFormatter::Begin(const LogLineHeader& header, LogText& text) {
  if (style_ == Style::kText) {
    AppendTime(header.unix_nanos, text);
    text.AppendChar(' ');
    text.AppendChar(SeverityLetter(header.severity));
    text.AppendChar(' ');
    begin_ = text.size();
    text.Append(header.thread);
    text.AppendChar(' ');
    text.Append(BaseName(header.file));
    text.AppendChar(':');
    text.AppendDecimal(header.line);
    text.Append("] ");
    return;
  }
  text.Append("{\"time\":\"");
  AppendTime(header.unix_nanos, text);
  text.Append("\",\"level\":\"");
  text.Append(LogSeverityName(header.severity));
  text.Append("\",\"thread\":\"");
  begin_ = text.size();
  text.Append(header.thread);
  Escape(begin_, text);
  text.Append("\",\"file\":\"");
  begin_ = text.size();
  text.Append(header.file);
  Escape(begin_, text);
  text.Append("\",\"line\":");
  text.AppendDecimal(header.line);
  text.Append(",\"message\":\"");
  begin_ = text.size();
}

void LogLineFormatter::End(LogText& text) {
  Escape(begin_, text);
  text.Append(style_ == Style::kText ? "\n" : "\"}\n");
}

void LogLineFormatter::AppendTime(int64_t unix_nanos, LogText& text) {
  int64_t second = unix_nanos / kNanosPerSecond;
  int64_t nanos = unix_nanos % kNanosPerSecond;
  if (nanos < 0) {
    --second;
    nanos += kNanosPerSecond;
  }
  if (second != second_) {
    // A year has four digits: nanoseconds in 64 bits reach from 1677 to 2262.
    const std::string formatted =
        absl::FormatTime("%Y-%m-%d%ET%H:%M:%S", absl::FromUnixSeconds(second),
                         absl::UTCTimeZone());
    std::memcpy(second_text_, formatted.data(), kSecondSize);
    second_ = second;
  }
  text.Append(absl::string_view(second_text_, kSecondSize));
  text.AppendChar('.');
  text.AppendPadded(static_cast<uint32_t>(nanos / 1000), 6);
  text.AppendChar('Z');
}

void LogLineFormatter::Escape(size_t begin, LogText& text) {
  const bool json = style_ == Style::kJson;
  const absl::string_view all = text.view().substr(begin);
  const size_t plain = json ? PlainFront<true>(all) : PlainFront<false>(all);
  if (plain == all.size()) return;
  escaped_.Clear();
  const absl::string_view rest = all.substr(plain);
  json ? AppendEscaped<true>(rest, escaped_)
       : AppendEscaped<false>(rest, escaped_);
  text.Truncate(begin + plain);
  text.Append(escaped_.view());
}

}  // namespace sluice
