#ifndef SLUICE_LOG_INTERNAL_LOG_LINE_H_
#define SLUICE_LOG_INTERNAL_LOG_LINE_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "sluice/log/log_severity.h"
#include "sluice/log/log_text.h"

namespace sluice {

// What a line of the log tells besides its message.
struct LogLineHeader {
  int64_t unix_nanos = 0;  // since 1970 in UTC, before that negative
  LogSeverity severity = LogSeverity::kInfo;
  absl::string_view thread = "";
  absl::string_view file = "";
  int line = 0;
};

// Makes lines of a log out of messages. No message, whatever its bytes, makes
// another line, or a line that is not valid UTF-8, or drives a terminal:
// control characters, line separators, marks that override the direction of
// text, and bytes that are no UTF-8 are written as escapes.
//
//   kText  2026-11-21T20:15:37.123456Z I echo/0 server.cc:42] accepted
//          with the file's last name. The escapes are \n, \t, \r, \xNN for
//          bytes, and \u{NNNN} for other characters. A backslash stands as it
//          is: the text is for people. What takes messages apart reads kJson.
//   kJson  {"time":"2026-11-21T20:15:37.123456Z","level":"info",
//           "thread":"echo/0","file":"apps/echo/server.cc","line":42,
//           "message":"accepted"}
//          in one line, by RFC 8259. A byte that is no UTF-8 is U+FFFD.
//
// A line is at most six times as long as what it is made of. Thread-compatible.
class LogLineFormatter {
 public:
  enum class Style : uint8_t { kText, kJson };

  explicit LogLineFormatter(Style style) : style_(style) {}

  // Appends what stands before the message, which is then appended as it is.
  void Begin(const LogLineHeader& header, LogText& text);
  // Escapes what was appended since Begin(), in place, and ends the line.
  // REQUIRES: Begin() with the same text, of which nothing was removed.
  void End(LogText& text);

 private:
  static constexpr size_t kSecondSize = 19;

  // Appends date and time with microseconds and "Z".
  void AppendTime(int64_t unix_nanos, LogText& text);
  // Escapes what stands from `begin` on.
  void Escape(size_t begin, LogText& text);

  const Style style_;
  size_t begin_ = 0;            // of what End() escapes
  int64_t second_ = INT64_MIN;  // whose text that is; no time has this one
  char second_text_[kSecondSize];
  LogText escaped_;
};

}  // namespace sluice

#endif  // SLUICE_LOG_INTERNAL_LOG_LINE_H_
