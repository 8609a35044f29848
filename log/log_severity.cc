#include "sluice/log/log_severity.h"

#include <cstddef>
#include <iterator>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace sluice {
namespace {

constexpr absl::string_view kNames[] = {"debug", "info", "warning", "error",
                                        "fatal"};

}  // namespace

absl::string_view LogSeverityName(LogSeverity severity) {
  const auto i = static_cast<size_t>(severity);
  return i < std::size(kNames) ? kNames[i] : "unknown";
}

absl::StatusOr<LogSeverity> ParseLogSeverity(absl::string_view name) {
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if (name == kNames[i]) return static_cast<LogSeverity>(i);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("severity \"", absl::CHexEscape(name),
                   "\" must be debug, info, warning, error or fatal"));
}

}  // namespace sluice
