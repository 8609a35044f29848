#include "sluice/log/log_severity.h"

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace sluice {

absl::string_view LogSeverityName(LogSeverity severity) {
  switch (severity) {
    case LogSeverity::kDebug:
      return "debug";
    case LogSeverity::kInfo:
      return "info";
    case LogSeverity::kWarning:
      return "warning";
    case LogSeverity::kError:
      return "error";
    case LogSeverity::kFatal:
      return "fatal";
  }
  return "unknown";
}

absl::StatusOr<LogSeverity> ParseLogSeverity(absl::string_view name) {
  for (LogSeverity severity :
       {LogSeverity::kDebug, LogSeverity::kInfo, LogSeverity::kWarning,
        LogSeverity::kError, LogSeverity::kFatal}) {
    if (name == LogSeverityName(severity)) return severity;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("severity \"", absl::CHexEscape(name),
                   "\" must be debug, info, warning, error or fatal"));
}

}  // namespace sluice
