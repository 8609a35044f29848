#ifndef SLUICE_LOG_LOG_H_
#define SLUICE_LOG_LOG_H_

#include "sluice/log/async_logger.h"
#include "sluice/log/internal/log_site.h"
#include "sluice/log/log_severity.h"

// What programs log with:
//
//   SLUICE_LOG(logger, kInfo, "accepted {} after {}", peer, delay);
//
// `logger` is an AsyncLogger*, or nullptr: then nothing is logged. The severity
// is one of LogSeverity by its bare name. The format is a literal with a {} for
// each argument, as std::format has it ("{:x}", "{:.3f}", "{:>8}", "{{"); one
// that does not fit the arguments does not compile. log_format.h has all of it,
// log_value.h which types can be arguments, and how yours become some.
//
// Arguments are evaluated once if the line is logged, else not at all: a line
// that is off costs a load and a comparison. They are copied; strings with all
// their characters, so that views may end with the statement. The line is made
// and written later, by the logger's back end, with the time of this call.
// Thread-safe.
#define SLUICE_LOG(logger, severity, format, ...) \
  SLUICE_LOG_IF_INTERNAL(logger, severity, true,  \
                         format __VA_OPT__(, ) __VA_ARGS__)

// The first, the (n+1)st, the (2n+1)st, ... of the lines of this statement that
// are not off, per logger. Costs some nanoseconds more.
#define SLUICE_LOG_EVERY_N(logger, severity, n, format, ...)     \
  SLUICE_LOG_IF_INTERNAL(logger, severity,                       \
                         sluice_logger->IsNth(sluice_site, (n)), \
                         format __VA_OPT__(, ) __VA_ARGS__)

// A line of this statement, and no other until `interval`, an absl::Duration,
// has passed by the logger's clock. For what a hostile peer can cause.
#define SLUICE_LOG_EVERY(logger, severity, interval, format, ...)       \
  SLUICE_LOG_IF_INTERNAL(logger, severity,                              \
                         sluice_logger->IsDue(sluice_site, (interval)), \
                         format __VA_OPT__(, ) __VA_ARGS__)

#define SLUICE_LOG_IF_INTERNAL(logger, severity, condition, format, ...)       \
  do {                                                                         \
    SLUICE_LOG_SITE(sluice_site, severity, format __VA_OPT__(, ) __VA_ARGS__); \
    ::sluice::AsyncLogger* const sluice_logger = (logger);                     \
    if (sluice_logger != nullptr && sluice_logger->enabled(sluice_site) &&     \
        (condition)) {                                                         \
      sluice_logger->Log(sluice_site __VA_OPT__(, ) __VA_ARGS__);              \
    }                                                                          \
  } while (false)

#endif  // SLUICE_LOG_LOG_H_
