#ifndef SLUICE_LOG_INTERNAL_LOG_SITE_H_
#define SLUICE_LOG_INTERNAL_LOG_SITE_H_

#include <array>
#include <cstddef>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "sluice/log/internal/log_format.h"
#include "sluice/log/internal/log_value.h"
#include "sluice/log/log_severity.h"
#include "sluice/log/log_text.h"

namespace sluice {

// A statement that logs. It is a constant of static storage, so that a record
// needs only its address to describe its bytes.
struct LogSite {
  LogSeverity severity;
  int line;
  absl::string_view file;  // __FILE__
  // Appends the message for the arguments that LogArgs::CopyTo() wrote at
  // `args`. Does not check or escape the bytes of strings.
  void (*print)(const char* args, LogText& text);
};

// Declares `static constexpr LogSite name` in a block, for `format_literal`,
// whose syntax is in log_format.h, and these arguments, which are not
// evaluated. If the arguments do not fit the format or cannot be logged, this
// does not compile, with an error that begins with "SLUICE_LOG:".
#define SLUICE_LOG_SITE(name, severity_name, format_literal, ...)          \
  struct name##_format {                                                   \
    static constexpr ::absl::string_view text() { return format_literal; } \
  };                                                                       \
  static constexpr ::sluice::LogSite name =                                \
      ::sluice::log_internal::LogPrinterFor<name##_format>(                \
          decltype(::sluice::log_internal::LogTypesOf(__VA_ARGS__)){})     \
          .Site(::sluice::LogSeverity::severity_name, __LINE__, __FILE__)

namespace log_internal {

template <typename... Args>
struct LogTypes {};

template <typename... Args>
LogTypes<Args...> LogTypesOf(const Args&...);

template <size_t kArgs, size_t kChars>
struct LogFormatParts {
  LogFormatResult result;
  std::array<char, kChars + 1> literals{};
  std::array<size_t, kArgs + 1> ends{};
  std::array<LogSpec, kArgs + 1> specs{};

  constexpr absl::string_view literal(size_t i) const {
    const size_t begin = i == 0 ? 0 : ends[i - 1];
    return {literals.data() + begin, ends[i] - begin};
  }
};

// Has one assertion for each error. For the one that fails, compilers print its
// message and these template parameters, which give the number of the argument,
// from 0.
template <LogFormatError error, size_t argument>
constexpr void CheckLogFormat() {
  using Error = LogFormatError;
  static_assert(error != Error::kUnpairedBrace,
                "SLUICE_LOG: a brace in the format is unpaired; write {{ or }} "
                "for a brace");
  static_assert(error != Error::kFewArguments,
                "SLUICE_LOG: the format has more {} than there are arguments");
  static_assert(error != Error::kManyArguments,
                "SLUICE_LOG: there are more arguments than {} in the format");
  static_assert(error != Error::kNotAPlaceholder,
                "SLUICE_LOG: a { in the format is not followed by } or : ; "
                "arguments have no numbers; write {{ for a brace");
  static_assert(error != Error::kBadSpec,
                "SLUICE_LOG: the spec after the : in {:} is not "
                "[< or >][#][0][width][.precision][type], with a width of 1 to "
                "255, a precision of 0 to 255, and a type of d x X c s f e g "
                "p; < and > exclude 0");
  static_assert(error != Error::kMisfit,
                "SLUICE_LOG: the argument cannot have the spec in {:}. Types: "
                "integers d x X, char c, bool and strings s, floating point "
                "f e g, pointers p. # is for x and X, 0 for numbers, and a "
                "precision for strings and floating point. Durations, times, "
                "status codes and copied objects have only {}");
}

template <typename Format, typename... Args>
class LogPrinter {
 public:
  static constexpr LogSite Site(LogSeverity severity, int line,
                                absl::string_view file) {
    CheckLogFormat<kParts.result.error, kParts.result.argument>();
    return {severity, line, file, &Print};
  }

 private:
  static constexpr size_t kCount = sizeof...(Args);

  static constexpr auto Parse() {
    LogFormatParts<kCount, Format::text().size()> parts;
    // Has one element more, since an array cannot be empty.
    constexpr LogKind kKinds[] = {LogValue<Args>::kKind..., LogKind::kOther};
    parts.result =
        ParseLogFormat(Format::text(), absl::MakeConstSpan(kKinds, kCount),
                       parts.literals.data(), absl::MakeSpan(parts.ends),
                       absl::MakeSpan(parts.specs.data(), kCount));
    return parts;
  }
  static constexpr auto kParts = Parse();

  static void Print(const char* args, LogText& text) {
    PrintAll(args, text, std::index_sequence_for<Args...>());
  }

  template <size_t... kIndices>
  static void PrintAll([[maybe_unused]] const char* args, LogText& text,
                       std::index_sequence<kIndices...>) {
    ((args = PrintOne<kIndices, Args>(args, text)), ...);
    AppendLiteral<kCount>(text);
  }

  template <size_t kIndex, typename T>
  static const char* PrintOne(const char* args, LogText& text) {
    AppendLiteral<kIndex>(text);
    static constexpr LogSpec kSpec = kParts.specs[kIndex];
    return LogValue<T>::Print(args, kSpec, text);
  }

  template <size_t kIndex>
  static void AppendLiteral(LogText& text) {
    constexpr absl::string_view kLiteral = kParts.literal(kIndex);
    if constexpr (!kLiteral.empty()) text.Append(kLiteral);
  }
};

template <typename Format, typename... Args>
constexpr LogPrinter<Format, Args...> LogPrinterFor(LogTypes<Args...>) {
  return {};
}

}  // namespace log_internal
}  // namespace sluice

#endif  // SLUICE_LOG_INTERNAL_LOG_SITE_H_
