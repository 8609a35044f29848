#include "sluice/log/internal/log_site.h"

#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "sluice/log/internal/log_args.h"
#include "sluice/log/log_severity.h"
#include "sluice/log/log_text.h"

namespace other {

struct Point {
  int x;
  int y;
};

template <typename Sink>
void AbslStringify(Sink& sink, const Point& point) {
  sink.Append(absl::StrCat(point.x, ",", point.y));
}

}  // namespace other

namespace sluice {
namespace {

// Returns the message of a call with these arguments.
template <typename... Args>
std::string Message(const LogSite& site, const Args&... arguments) {
  const LogArgs<Args...> args(arguments...);
  const auto bytes = std::make_unique<char[]>(args.size());
  args.CopyTo(bytes.get());
  LogText text;
  site.print(bytes.get(), text);
  return std::string(text.view());
}

// Does what SLUICE_LOG does.
#define MESSAGE(format, ...)                                         \
  [&] {                                                              \
    SLUICE_LOG_SITE(site, kInfo, format __VA_OPT__(, ) __VA_ARGS__); \
    return Message(site __VA_OPT__(, ) __VA_ARGS__);                 \
  }()

TEST(LogSite, PutsTheArgumentsWhereTheFormatSays) {
  const std::string peer = "127.0.0.1:80";
  EXPECT_EQ(MESSAGE("request {} took {} ms for {}", 1, 2.5, peer),
            "request 1 took 2.5 ms for 127.0.0.1:80");
  EXPECT_EQ(MESSAGE("{}{}", 'a', "b"), "ab");
  EXPECT_EQ(MESSAGE("{}", peer), peer);
}

TEST(LogSite, MayHaveNoArgumentsAndNoText) {
  EXPECT_EQ(MESSAGE("started"), "started");
  EXPECT_EQ(MESSAGE(""), "");
}

TEST(LogSite, PrintsBracesThatAreDoubled) {
  EXPECT_EQ(MESSAGE("{{}} {{{}}}", 1), "{} {1}");
}

TEST(LogSite, AppliesTheSpecsOfItsFormat) {
  EXPECT_EQ(MESSAGE("[{:<6}|{:06.2f}|{:#x}|{:>5.1}]", 42, 3.14159, 255, "ab"),
            "[42    |003.14|0xff|    a]");
}

TEST(LogSite, AcceptsTypesOfOtherNamespaces) {
  EXPECT_EQ(MESSAGE("at {} after {}", (other::Point{1, 2}), absl::Seconds(3)),
            "at 1,2 after 3s");
}

TEST(LogSite, PrintsBytesAsTheyAre) {
  EXPECT_EQ(MESSAGE("\n{}", std::string("\0\xff", 2)),
            std::string("\n\0\xff", 3));
}

TEST(LogSite, KeepsANulInItsFormat) {
  SLUICE_LOG_SITE(site, kInfo, absl::string_view("a\0b", 3));
  EXPECT_EQ(Message(site), std::string("a\0b", 3));
}

TEST(LogSite, ShowsWhereAStringWasTruncated) {
  SLUICE_LOG_SITE(site, kInfo, "<{}> {}", "", 0);
  LogArgs args("abcdef", 7);
  args.Truncate(4 + 3 + 4);
  const auto bytes = std::make_unique<char[]>(args.size());
  args.CopyTo(bytes.get());
  LogText text;
  site.print(bytes.get(), text);
  EXPECT_EQ(text.view(), "<abc[truncated]> 7");
}

TEST(LogSite, HasItsFileAndLine) {
  SLUICE_LOG_SITE(site, kWarning, "{}", 1);
  EXPECT_EQ(site.severity, LogSeverity::kWarning);
  EXPECT_EQ(site.line, __LINE__ - 2);
  EXPECT_TRUE(absl::EndsWith(site.file, "log/internal/log_site_test.cc"));
}

const LogSite* SomeSite() {
  SLUICE_LOG_SITE(site, kInfo, "some");
  return &site;
}

TEST(LogSite, IsOneAndConstant) {
  EXPECT_EQ(SomeSite(), SomeSite());
  EXPECT_EQ(Message(*SomeSite()), "some");
  SLUICE_LOG_SITE(site, kInfo, "{}", 1);
  static_assert(site.severity == LogSeverity::kInfo);
}

TEST(LogSite, EvaluatesNoArgument) {
  int evaluated = 0;
  const auto count = [&] { return ++evaluated; };
  SLUICE_LOG_SITE(site, kInfo, "{}", count());
  EXPECT_EQ(evaluated, 0);
  EXPECT_EQ(Message(site, count()), "1");
}

template <typename T>
std::string InTemplate(const T& value) {
  SLUICE_LOG_SITE(site, kInfo, "<{}>", value);
  return Message(site, value);
}

TEST(LogSite, WorksInTemplates) {
  EXPECT_EQ(InTemplate(1), "<1>");
  EXPECT_EQ(InTemplate("one"), "<one>");
  EXPECT_EQ(InTemplate(1.5), "<1.5>");
}

TEST(LogSite, MayStandTwiceInALine) {
  EXPECT_EQ(MESSAGE("{}", 1) + MESSAGE("{}", "2"), "12");
}

struct BitField {
  unsigned low : 3;
};

TEST(LogSite, AcceptsBitFieldsAndTemporaries) {
  const BitField bits{5};
  EXPECT_EQ(MESSAGE(
                "{} {} {}", bits.low, [] { return 1; }(), nullptr),
            "5 1 0x0");
}

}  // namespace
}  // namespace sluice
