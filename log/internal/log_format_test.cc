#include "sluice/log/internal/log_format.h"

#include <cstddef>
#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gtest/gtest.h"

namespace sluice {

static void PrintTo(LogFormatError error, std::ostream* out) {
  *out << "LogFormatError " << static_cast<int>(error);
}

namespace {

using Error = LogFormatError;

constexpr LogKind kAllKinds[] = {
    LogKind::kBool,   LogKind::kChar,    LogKind::kInteger, LogKind::kFloat,
    LogKind::kString, LogKind::kPointer, LogKind::kOther};

struct Parsed {
  LogFormatResult result;
  std::vector<std::string> literals;
  std::vector<LogSpec> specs;
};

Parsed Parse(absl::string_view format, std::vector<LogKind> kinds) {
  // In heap memory of exactly its size, so that asan finds a read beyond it.
  const std::vector<char> copy(format.begin(), format.end());
  std::vector<char> literals(format.size());
  std::vector<size_t> ends(kinds.size() + 1);
  Parsed parsed;
  parsed.specs.resize(kinds.size());
  parsed.result =
      ParseLogFormat({copy.data(), copy.size()}, kinds, literals.data(),
                     absl::MakeSpan(ends), absl::MakeSpan(parsed.specs));
  if (parsed.result.error != Error::kNone) return parsed;
  size_t begin = 0;
  for (size_t end : ends) {
    parsed.literals.emplace_back(literals.data() + begin, end - begin);
    begin = end;
  }
  return parsed;
}

Error ErrorOf(absl::string_view format, std::vector<LogKind> kinds) {
  return Parse(format, kinds).result.error;
}

// Returns the spec of the only placeholder in `format`, if it is valid.
LogSpec SpecOf(absl::string_view format, LogKind kind) {
  const Parsed parsed = Parse(format, {kind});
  EXPECT_EQ(parsed.result.error, Error::kNone) << format;
  return parsed.specs[0];
}

TEST(LogFormat, IsParsedIntoTextAndPlaceholders) {
  const Parsed parsed =
      Parse("a {} b{}c", {LogKind::kInteger, LogKind::kString});
  EXPECT_EQ(parsed.result.error, Error::kNone);
  EXPECT_EQ(parsed.literals, (std::vector<std::string>{"a ", " b", "c"}));
  EXPECT_EQ(parsed.specs, (std::vector<LogSpec>{{}, {}}));
}

TEST(LogFormat, MayBeEmptyOrWithoutText) {
  EXPECT_EQ(Parse("", {}).literals, (std::vector<std::string>{""}));
  EXPECT_EQ(Parse("{}{}", {LogKind::kBool, LogKind::kBool}).literals,
            (std::vector<std::string>{"", "", ""}));
}

TEST(LogFormat, DoubledBracesPrintOne) {
  EXPECT_EQ(Parse("{{}}", {}).literals, (std::vector<std::string>{"{}"}));
  EXPECT_EQ(Parse("{{{}}}", {LogKind::kBool}).literals,
            (std::vector<std::string>{"{", "}"}));
}

TEST(LogFormat, ReadsEachPartOfASpec) {
  EXPECT_EQ(SpecOf("{:}", LogKind::kOther), LogSpec());
  EXPECT_EQ(
      SpecOf("{:#012x}", LogKind::kInteger),
      (LogSpec{.type = 'x', .alternate = true, .zero = true, .width = 12}));
  EXPECT_EQ(
      SpecOf("{:<#8X}", LogKind::kInteger),
      (LogSpec{.align = '<', .type = 'X', .alternate = true, .width = 8}));
  EXPECT_EQ(SpecOf("{:>8}", LogKind::kString),
            (LogSpec{.align = '>', .width = 8}));
  EXPECT_EQ(SpecOf("{:.255f}", LogKind::kFloat),
            (LogSpec{.type = 'f', .precision = 255}));
  EXPECT_EQ(SpecOf("{:255.0}", LogKind::kFloat),
            (LogSpec{.width = 255, .precision = 0}));
  EXPECT_EQ(SpecOf("{:0}", LogKind::kInteger), (LogSpec{.zero = true}));
}

TEST(LogFormat, RefusesUnpairedBraces) {
  for (const char* format : {"{", "a{", "{}{", "{:", "{:5", "{:>", "{:.3"}) {
    EXPECT_EQ(ErrorOf(format, {LogKind::kFloat, LogKind::kFloat}),
              Error::kUnpairedBrace)
        << format;
  }
  for (const char* format : {"}", "a}b", "{}}", "{}}}}"}) {
    EXPECT_EQ(ErrorOf(format, {LogKind::kInteger}), Error::kUnpairedBrace)
        << format;
  }
}

TEST(LogFormat, RefusesTheWrongNumberOfArguments) {
  EXPECT_EQ(ErrorOf("{}", {}), Error::kFewArguments);
  EXPECT_EQ(ErrorOf("{}{}", {LogKind::kBool}), Error::kFewArguments);
  EXPECT_EQ(ErrorOf("", {LogKind::kBool}), Error::kManyArguments);
  EXPECT_EQ(ErrorOf("{{}}", {LogKind::kBool}), Error::kManyArguments);
}

TEST(LogFormat, ReportsTheNumberOfTheArgument) {
  const std::vector<LogKind> kinds(2, LogKind::kInteger);
  EXPECT_EQ(Parse("{}", kinds).result.argument, 1u);
  EXPECT_EQ(Parse("{} {} {}", kinds).result.argument, 2u);
  EXPECT_EQ(Parse("{} {:s}", kinds).result.argument, 1u);
}

TEST(LogFormat, RefusesNumbersAndNamesOfArguments) {
  for (const char* format : {"{0}", "{name}", "{ }", "{ :5}"}) {
    EXPECT_EQ(ErrorOf(format, {LogKind::kInteger}), Error::kNotAPlaceholder)
        << format;
  }
}

TEST(LogFormat, RefusesTextThatIsNotASpec) {
  for (const char* format :
       {"{:q}", "{:5 }", "{:.}", "{:.x}", "{:5#}", "{:dd}", "{:{}}", "{:.{}}",
        "{:L}", "{:5<5<}", "{:\xc3\xa9<5}"}) {
    EXPECT_EQ(ErrorOf(format, {LogKind::kFloat}), Error::kBadSpec) << format;
  }
}

// std::format() has these specs.
TEST(LogFormat, RefusesFillsSignsAndOtherBases) {
  for (const char* format :
       {"{:*<9}", "{: >9}", "{:<<9}", "{:0<9}", "{:^9}", "{:*^9}", "{:+}",
        "{:-}", "{: }", "{:+d}", "{:<08}", "{:b}", "{:#b}", "{:B}", "{:o}",
        "{:a}", "{:F}", "{:E}", "{:G}"}) {
    for (LogKind kind : kAllKinds) {
      EXPECT_EQ(ErrorOf(format, {kind}), Error::kBadSpec) << format;
    }
  }
}

TEST(LogFormat, RefusesNumbersOutOfRange) {
  for (const char* format : {"{:256}", "{:99999999999999999999}", "{:.256}",
                             "{:00}", "{:.99999999999999999999}"}) {
    EXPECT_EQ(ErrorOf(format, {LogKind::kFloat}), Error::kBadSpec) << format;
  }
}

TEST(LogFormat, AcceptsOnlyTheTypesOfAnArgument) {
  const auto types = [](LogKind kind) {
    std::string fit;
    for (char type : std::string("dxXcsfegp")) {
      const Error error =
          ErrorOf(absl::StrCat("{:", std::string(1, type), "}"), {kind});
      if (error == Error::kNone) {
        fit += type;
      } else {
        EXPECT_EQ(error, Error::kMisfit);
      }
    }
    return fit;
  };
  EXPECT_EQ(types(LogKind::kBool), "s");
  EXPECT_EQ(types(LogKind::kChar), "c");
  EXPECT_EQ(types(LogKind::kInteger), "dxX");
  EXPECT_EQ(types(LogKind::kFloat), "feg");
  EXPECT_EQ(types(LogKind::kString), "s");
  EXPECT_EQ(types(LogKind::kPointer), "p");
  EXPECT_EQ(types(LogKind::kOther), "");
}

// Returns the kinds of argument, as indices, that accept `format`. Expects
// kMisfit for all others.
std::vector<int> Takers(absl::string_view format) {
  std::vector<int> takers;
  for (LogKind kind : kAllKinds) {
    const Error found = ErrorOf(format, {kind});
    if (found == Error::kNone) {
      takers.push_back(static_cast<int>(kind));
    } else {
      EXPECT_EQ(found, Error::kMisfit) << format;
    }
  }
  return takers;
}

std::vector<int> Kinds(std::vector<LogKind> kinds) {
  std::vector<int> numbers;
  for (LogKind kind : kinds) numbers.push_back(static_cast<int>(kind));
  return numbers;
}

TEST(LogFormat, AcceptsTheSpecsThatFitEachKind) {
  using K = LogKind;
  EXPECT_EQ(Takers("{:<9}"), Kinds({K::kBool, K::kChar, K::kInteger, K::kFloat,
                                    K::kString, K::kPointer}));
  for (const char* format : {"{:x}", "{:#x}", "{:#X}", "{:08d}", "{:#010x}"}) {
    EXPECT_EQ(Takers(format), Kinds({K::kInteger}));
  }
  for (const char* format : {"{:#}", "{:#d}", "{:#f}", "{:#s}", "{:08s}",
                             "{:08c}", "{:08p}", "{:.3d}", "{:.3c}"}) {
    EXPECT_EQ(Takers(format), Kinds({})) << format;
  }
  EXPECT_EQ(Takers("{:08}"), Kinds({K::kInteger, K::kFloat}));
  EXPECT_EQ(Takers("{:.3}"), Kinds({K::kFloat, K::kString}));
}

// SLUICE_LOG_SITE does the same.
TEST(LogFormat, IsParsedAtCompileTime) {
  constexpr LogKind kKinds[] = {LogKind::kInteger};
  constexpr auto kWidth = [&] {
    char literals[8] = {};
    size_t ends[2] = {};
    LogSpec specs[1];
    const LogFormatResult result =
        ParseLogFormat("{:7d}{{", kKinds, literals, ends, specs);
    return result.error == LogFormatError::kNone ? specs[0].width : 0;
  }();
  static_assert(kWidth == 7);
}

}  // namespace
}  // namespace sluice
