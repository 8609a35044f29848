#include "sluice/log/internal/log_line.h"

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/base/testing/test_seed.h"
#include "sluice/log/internal/log_line_model.h"
#include "sluice/log/log_severity.h"
#include "sluice/log/log_text.h"

namespace sluice {
namespace {

using Style = LogLineFormatter::Style;

constexpr int64_t kNanosPerSecond = 1'000'000'000;

int64_t UnixNanos(absl::CivilSecond second) {
  return absl::ToUnixNanos(absl::FromCivil(second, absl::UTCTimeZone()));
}

LogLineHeader Header() {
  return {UnixNanos(absl::CivilSecond(2026, 11, 21, 20, 15, 37)) + 123456789,
          LogSeverity::kInfo, "echo/0", "apps/echo/server.cc", 42};
}

std::string Line(Style style, const LogLineHeader& header,
                 absl::string_view message) {
  LogLineFormatter formatter(style);
  LogText text;
  formatter.Begin(header, text);
  text.Append(message);
  formatter.End(text);
  return std::string(text.view());
}

// Returns the formatted message.
std::string Escaped(Style style, absl::string_view message) {
  std::string line = Line(style, {}, message);
  const std::string empty = Line(style, {}, "");
  const absl::string_view end = style == Style::kText ? "\n" : "\"}\n";
  const size_t begin = empty.size() - end.size();
  EXPECT_EQ(line.substr(0, begin), empty.substr(0, begin));
  EXPECT_TRUE(absl::EndsWith(line, end));
  return line.substr(begin, line.size() - begin - end.size());
}

TEST(LogLine, BeginsWithTimeSeverityThreadAndPlace) {
  EXPECT_EQ(Line(Style::kText, Header(), "accepted"),
            "2026-11-21T20:15:37.123456Z I echo/0 server.cc:42] accepted\n");
}

TEST(LogLine, IsAJsonObject) {
  EXPECT_EQ(Line(Style::kJson, Header(), "accepted"),
            "{\"time\":\"2026-11-21T20:15:37.123456Z\",\"level\":\"info\","
            "\"thread\":\"echo/0\",\"file\":\"apps/echo/server.cc\","
            "\"line\":42,\"message\":\"accepted\"}\n");
}

TEST(LogLine, HasALetterOrANameForEachSeverity) {
  const LogSeverity severities[] = {
      LogSeverity::kDebug, LogSeverity::kInfo,  LogSeverity::kWarning,
      LogSeverity::kError, LogSeverity::kFatal, static_cast<LogSeverity>(200)};
  std::string letters;
  for (LogSeverity severity : severities) {
    LogLineHeader header = Header();
    header.severity = severity;
    letters += Line(Style::kText, header, "")[28];
    const auto members = ParseJsonLine(Line(Style::kJson, header, ""));
    SLUICE_ASSERT_OK(members);
    EXPECT_EQ(members->at("level"), LogSeverityName(severity));
  }
  EXPECT_EQ(letters, "DIWEF?");
}

TEST(LogLine, AcceptsAFileWithoutFolders) {
  for (const char* file : {"a.cc", "/a.cc", "b/c/a.cc"}) {
    LogLineHeader header = Header();
    header.file = file;
    EXPECT_TRUE(
        absl::StrContains(Line(Style::kText, header, "x"), "echo/0 a.cc:42] x"))
        << file;
  }
  EXPECT_EQ(Line(Style::kText, {}, "x"),
            "1970-01-01T00:00:00.000000Z I  :0] x\n");
}

std::string Time(int64_t nanos) {
  return Line(Style::kText, {.unix_nanos = nanos}, "").substr(0, 27);
}

TEST(LogLine, PrintsTimesBefore1970AndAfter2100) {
  EXPECT_EQ(Time(0), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(Time(-1), "1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(Time(-kNanosPerSecond), "1969-12-31T23:59:59.000000Z");
  EXPECT_EQ(Time(-kNanosPerSecond - 1000), "1969-12-31T23:59:58.999999Z");
  EXPECT_EQ(Time(UnixNanos(absl::CivilSecond(2024, 2, 29))),
            "2024-02-29T00:00:00.000000Z");
  EXPECT_EQ(Time(UnixNanos(absl::CivilSecond(2100, 2, 28)) +
                 24 * 3600 * kNanosPerSecond),
            "2100-03-01T00:00:00.000000Z");
  EXPECT_EQ(Time(INT64_MAX), "2262-04-11T23:47:16.854775Z");
  EXPECT_EQ(Time(INT64_MIN), "1677-09-21T00:12:43.145224Z");
}

TEST(LogLine, PrintsTheTimeOfEachLine) {
  LogLineFormatter formatter(Style::kText);
  LogText text;
  const int64_t half = kNanosPerSecond / 2;
  // Time goes forward, stays within a second, and goes back.
  for (int64_t nanos : {int64_t{0}, half, 2 * half, 3 * half, half, -half}) {
    formatter.Begin({.unix_nanos = nanos}, text);
    formatter.End(text);
  }
  EXPECT_EQ(text.view(),
            "1970-01-01T00:00:00.000000Z I  :0] \n"
            "1970-01-01T00:00:00.500000Z I  :0] \n"
            "1970-01-01T00:00:01.000000Z I  :0] \n"
            "1970-01-01T00:00:01.500000Z I  :0] \n"
            "1970-01-01T00:00:00.500000Z I  :0] \n"
            "1969-12-31T23:59:59.500000Z I  :0] \n");
}

TEST(LogLine, DoesNotEscapeEarlierLines) {
  LogLineFormatter formatter(Style::kText);
  LogText text;
  text.Append("before\n");
  formatter.Begin({}, text);
  text.Append("a\nb");
  formatter.End(text);
  EXPECT_EQ(text.view(), "before\n1970-01-01T00:00:00.000000Z I  :0] a\\nb\n");
}

TEST(LogLine, EscapesControlCharacters) {
  EXPECT_EQ(Escaped(Style::kText, "a\nb\r\t\x1b[31m\x7f"),
            "a\\nb\\r\\t\\x1b[31m\\x7f");
  EXPECT_EQ(Escaped(Style::kText, absl::string_view("\0\x01", 2)),
            "\\x00\\x01");
  EXPECT_EQ(Escaped(Style::kJson, "a\nb\r\t\x1b[31m\x7f"),
            "a\\nb\\r\\t\\u001b[31m\\u007f");
}

TEST(LogLine, EscapesCharactersThatControlTerminalsAndEditors) {
  // The control CSI, a line separator, a right-to-left override, an isolate.
  const char* const controls = "\xc2\x9b\xe2\x80\xa8\xe2\x80\xae\xe2\x81\xa6";
  EXPECT_EQ(Escaped(Style::kText, controls),
            "\\u{9b}\\u{2028}\\u{202e}\\u{2066}");
  EXPECT_EQ(Escaped(Style::kJson, controls), "\\u009b\\u2028\\u202e\\u2066");
}

TEST(LogLine, LeavesOtherUtf8AsItIs) {
  // Characters of two, three and four bytes, and neighbours of escaped ones.
  for (const char* text :
       {"\xc3\xa9", "\xe6\xbc\xa2", "\xf0\x9f\x98\x80", "\xc2\xa0",
        "\xe2\x80\xa7", "\xe2\x80\xaf", "\xe2\x81\xaa", "\xef\xbf\xbd",
        "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf", "\xee\x80\x80", "~ "}) {
    EXPECT_EQ(Escaped(Style::kText, text), text);
    EXPECT_EQ(Escaped(Style::kJson, text), text);
  }
}

TEST(LogLine, EscapesBytesThatAreNotUtf8) {
  // Overlong, a surrogate, beyond Unicode, a lone byte, and truncated.
  EXPECT_EQ(Escaped(Style::kText, "\xc0\xaf"), "\\xc0\\xaf");
  EXPECT_EQ(Escaped(Style::kText, "\xe0\x80\xaf"), "\\xe0\\x80\\xaf");
  EXPECT_EQ(Escaped(Style::kText, "\xed\xa0\x80"), "\\xed\\xa0\\x80");
  EXPECT_EQ(Escaped(Style::kText, "\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
  EXPECT_EQ(Escaped(Style::kText, "\xff z \x80"), "\\xff z \\x80");
  EXPECT_EQ(Escaped(Style::kText, "\xe6\xbc"), "\\xe6\\xbc");
  EXPECT_EQ(Escaped(Style::kJson, "\xe6\xbc!"), "\xef\xbf\xbd\xef\xbf\xbd!");
}

TEST(LogLine, EscapesABackslashInJsonOnly) {
  EXPECT_EQ(Escaped(Style::kText, "C:\\new \"x\""), "C:\\new \"x\"");
  EXPECT_EQ(Escaped(Style::kJson, "C:\\new \"x\""), "C:\\\\new \\\"x\\\"");
}

TEST(LogLine, EscapesThreadAndFileToo) {
  LogLineHeader header = Header();
  header.thread = "a\nb\"";
  header.file = "c\\d\n/e\x80";
  EXPECT_EQ(Line(Style::kText, header, "x"),
            "2026-11-21T20:15:37.123456Z I a\\nb\" e\\x80:42] x\n");
  const auto members = ParseJsonLine(Line(Style::kJson, header, "x"));
  SLUICE_ASSERT_OK(members);
  EXPECT_EQ(members->at("thread"), header.thread);
  EXPECT_EQ(members->at("file"), "c\\d\n/e\xef\xbf\xbd");
}

// Tries each byte at each position of words of eight bytes.
TEST(LogLine, FindsEachByteAtEachPosition) {
  for (int byte = 0; byte < 256; ++byte) {
    for (size_t at = 0; at < 19; ++at) {
      std::string message(19, 'x');
      message[at] = static_cast<char>(byte);
      ASSERT_EQ(Escaped(Style::kText, message), ModelTextEscapes(message));
      const auto members = ParseJsonLine(Line(Style::kJson, {}, message));
      SLUICE_ASSERT_OK(members);
      ASSERT_EQ(members->at("message"), ModelJsonText(message));
    }
  }
}

TEST(LogLine, AgreesWithTheModelForAnyBytes) {
  const uint64_t seed = TestSeed();
  SCOPED_TRACE(absl::StrCat("SLUICE_SEED=", seed));
  std::mt19937_64 random(seed);
  // Mostly bytes that form valid or almost valid sequences.
  constexpr absl::string_view kBytes =
      "ab\"\\\n\x7f\x80\x85\x90\x9f\xa0\xa6\xa8\xaa\xae\xbf\xc0\xc2\xe0\xe2\xed"
      "\xef\xf0\xf4\xf5\xff";
  for (int i = 0; i < 2'000; ++i) {
    std::string message(random() % 40, '\0');
    for (char& c : message) {
      c = random() % 8 == 0 ? static_cast<char>(random())
                            : kBytes[random() % kBytes.size()];
    }
    ASSERT_EQ(Escaped(Style::kText, message), ModelTextEscapes(message));
    SLUICE_ASSERT_OK(CheckLogLine(Line(Style::kText, {}, message)));
    const auto members = ParseJsonLine(Line(Style::kJson, {}, message));
    SLUICE_ASSERT_OK(members);
    ASSERT_EQ(members->at("message"), ModelJsonText(message));
  }
}

TEST(LogLine, IsAtMostSixTimesAsLongAsItsParts) {
  const std::string message(1000, '\x7f');
  EXPECT_EQ(Escaped(Style::kText, message).size(), 4000u);
  EXPECT_EQ(Escaped(Style::kJson, message).size(), 6000u);
}

}  // namespace
}  // namespace sluice
