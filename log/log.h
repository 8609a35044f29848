#ifndef SLUICE_LOG_LOG_H_
#define SLUICE_LOG_LOG_H_

#include "sluice/log/async_logger.h"
#include "sluice/log/internal/log_site.h"
#include "sluice/log/log_severity.h"

// Logs one line:
//
//   SLUICE_LOG(logger, kInfo, "accepted {} after {}", peer, delay);
//
// `logger` is an AsyncLogger*. If it is nullptr, nothing is logged. The
// severity is the bare name of a LogSeverity. The format is a string literal
// with one {} for each argument. Formats have the common specs of
// std::format(): "{:x}", "{:#010x}", "{:.3f}", "{:08}", "{:>8}", "{:.10}";
// "{{" prints a brace. A format that does not fit the arguments does not
// compile. log_format.h describes formats; log_value.h lists the types of
// arguments, and says how to add your own.
//
// If the line is logged, each argument is evaluated once; otherwise none is. A
// line that is switched off costs a load and a comparison. The call copies the
// arguments, and all characters of strings: a view may end with the statement.
// The logger's back end formats and writes the line later, with the time of
// this call. Thread-safe.
#define SLUICE_LOG(logger, severity, format, ...) \
  SLUICE_LOG_IF_INTERNAL(logger, severity, true,  \
                         format __VA_OPT__(, ) __VA_ARGS__)

// Logs a line the first, the (n+1)st, the (2n+1)st, ... time that a thread
// comes to this statement, counted for each logger. While the line is switched
// off, it is not counted. Costs a few nanoseconds more than SLUICE_LOG.
// REQUIRES: n > 0.
#define SLUICE_LOG_EVERY_N(logger, severity, n, format, ...)     \
  SLUICE_LOG_IF_INTERNAL(logger, severity,                       \
                         sluice_logger->IsNth(sluice_site, (n)), \
                         format __VA_OPT__(, ) __VA_ARGS__)

// Logs a line, and then no other line of this statement to the same logger, on
// any thread, until `interval`, an absl::Duration, has passed on the logger's
// clock. Use it for lines that a hostile peer can cause.
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
