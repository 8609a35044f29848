#ifndef SLUICE_LOG_LOG_SEVERITY_H_
#define SLUICE_LOG_LOG_SEVERITY_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sluice {

// g++ warns that a scoped enumerator shadows a name outside of the enum, such
// as kError of the pollers.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"

// How much a log line matters, in rising order.
enum class LogSeverity : uint8_t {
  kDebug,
  kInfo,
  kWarning,
  kError,
  // For the last line of a process. Logging such a line does not end the
  // process.
  kFatal,
};

#pragma GCC diagnostic pop

// Returns "debug", "info", "warning", "error" or "fatal"; or "unknown" if
// `severity` is not a LogSeverity.
absl::string_view LogSeverityName(LogSeverity severity);

// Returns the severity with this name. Use it for flags. If there is none,
// returns kInvalidArgument, whose message quotes `name` and lists the names.
absl::StatusOr<LogSeverity> ParseLogSeverity(absl::string_view name);

}  // namespace sluice

#endif  // SLUICE_LOG_LOG_SEVERITY_H_
