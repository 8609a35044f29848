#ifndef SLUICE_LOG_INTERNAL_LOG_LINE_H_
#define SLUICE_LOG_INTERNAL_LOG_LINE_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "sluice/log/log_severity.h"
#include "sluice/log/log_text.h"

namespace sluice {

// The parts of a log line except its message.
struct LogLineHeader {
  int64_t unix_nanos = 0;  // nanoseconds since 1970 in UTC; may be negative
  LogSeverity severity = LogSeverity::kInfo;
  absl::string_view thread = "";
  absl::string_view file = "";
  int line = 0;
};

// Formats log lines. A message of any bytes becomes exactly one line of valid
// UTF-8 and cannot control a terminal: control characters, line separators,
// marks that override the direction of text, and bytes that are not UTF-8 are
// escaped.
//
//   kText  2026-11-21T20:15:37.123456Z I echo/0 server.cc:42] accepted
//          Has the last part of the file's path. The escapes are \n, \t, \r,
//          \xNN for bytes, and \u{NNNN} for other characters. A backslash is
//          not escaped, since this text is for people: programs should read
//          kJson.
//   kJson  {"time":"2026-11-21T20:15:37.123456Z","level":"info",
//           "thread":"echo/0","file":"apps/echo/server.cc","line":42,
//           "message":"accepted"}
//          On one line, as RFC 8259 says. A byte that is not UTF-8 becomes
//          U+FFFD.
//
// A line is at most six times as long as its header and message.
// Thread-compatible.
class LogLineFormatter {
 public:
  enum class Style : uint8_t { kText, kJson };

  explicit LogLineFormatter(Style style) : style_(style) {}

  // Appends the part of the line before the message. The caller then appends
  // the message, unescaped, and calls End().
  void Begin(const LogLineHeader& header, LogText& text);
  // Escapes the message, which is the text appended since Begin(), in place,
  // and ends the line. REQUIRES: Begin() was called with `text`, and nothing
  // was removed from it since.
  void End(LogText& text);

 private:
  static constexpr size_t kSecondSize = 19;

  // Appends date and time with microseconds and "Z".
  void AppendTime(int64_t unix_nanos, LogText& text);
  // Escapes the text from `begin` to the end.
  void Escape(size_t begin, LogText& text);

  const Style style_;
  size_t begin_ = 0;            // beginning of the message
  int64_t second_ = INT64_MIN;  // time of second_text_; initially no valid time
  char second_text_[kSecondSize];
  LogText escaped_;
};

}  // namespace sluice

#endif  // SLUICE_LOG_INTERNAL_LOG_LINE_H_
