#ifndef SLUICE_LOG_LOG_SEVERITY_H_
#define SLUICE_LOG_LOG_SEVERITY_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sluice {

// g++ takes a scoped enumerator for something that hides what has its name
// outside, as kError of the pollers.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"

// How much a line of the log matters, in rising order.
enum class LogSeverity : uint8_t {
  kDebug,
  kInfo,
  kWarning,
  kError,
  // For the last line of a process. Logging it ends nothing.
  kFatal,
};

#pragma GCC diagnostic pop

// "debug", "info", "warning", "error" or "fatal"; "unknown" for a number that
// is none of them.
absl::string_view LogSeverityName(LogSeverity severity);

// The severity of that name, as from a flag. kInvalidArgument quotes `name`
// and says which there are.
absl::StatusOr<LogSeverity> ParseLogSeverity(absl::string_view name);

}  // namespace sluice

#endif  // SLUICE_LOG_LOG_SEVERITY_H_
