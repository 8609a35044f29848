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

// A place in the source that logs: a constant of static storage, so that a
// record of the log need only hold its address, which tells what its bytes are.
struct LogSite {
  LogSeverity severity;
  int line;
  absl::string_view file;  // as the compiler has it
  // Appends the message that LogArgs::CopyTo() wrote at `args`, as it is: with
  // whatever bytes its strings have.
  void (*print)(const char* args, LogText& text);
};

// Declares `static constexpr LogSite name` in a block, for `format_literal`,
// whose syntax log_format.h tells, and these arguments, which are not
// evaluated. Does not compile if the arguments do not fit the format, or cannot
// be logged: the reason begins with "SLUICE_LOG:".
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

// One assertion for each reason: compilers print that of the one that fails,
// and with the names of these parameters, which argument it is, from 0.
template <LogFormatError error, size_t argument>
constexpr void CheckLogFormat() {
  using Error = LogFormatError;
  static_assert(error != Error::kOpenBrace,
                "SLUICE_LOG: a { in the format has no }; write {{ for a brace");
  static_assert(error != Error::kCloseBrace,
                "SLUICE_LOG: a } in the format has no {; write }} for a brace");
  static_assert(error != Error::kFewArguments,
                "SLUICE_LOG: the format has more {} than there are arguments");
  static_assert(error != Error::kManyArguments,
                "SLUICE_LOG: there are more arguments than {} in the format");
  static_assert(error != Error::kNotAPlaceholder,
                "SLUICE_LOG: after a { in the format stands neither } nor : ; "
                "arguments have no numbers; write {{ for a brace");
  static_assert(error != Error::kBadFill,
                "SLUICE_LOG: what fills up to a width is one printable ASCII "
                "character, no brace");
  static_assert(error != Error::kBadSpec,
                "SLUICE_LOG: what stands after the : in {:} is not "
                "[[fill]align][sign][#][0][width][.precision][type], with a "
                "type of d x X b o c s f e g p");
  static_assert(error != Error::kNumberTooLarge,
                "SLUICE_LOG: a width in the format is not 1 to 255, or a "
                "precision not 0 to 255");
  static_assert(error != Error::kSpecForOther,
                "SLUICE_LOG: an argument of this type is printed by {} alone");
  static_assert(error != Error::kTypeMisfit,
                "SLUICE_LOG: the type in {:} is not one of the argument's: "
                "integers d x X b o, char c d x X b o, bool s d x X b o, "
                "floating point f e g, strings s, pointers p");
  static_assert(error != Error::kSignMisfit,
                "SLUICE_LOG: only a number has a sign");
  static_assert(error != Error::kAlternateMisfit,
                "SLUICE_LOG: # is for types x, X, b and o");
  static_assert(error != Error::kZeroMisfit,
                "SLUICE_LOG: only a number is filled up with zeros");
  static_assert(error != Error::kPrecisionMisfit,
                "SLUICE_LOG: only strings and floating point have a precision");
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
    // One more than there are: no array is empty.
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
