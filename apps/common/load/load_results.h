#ifndef SLUICE_APPS_COMMON_LOAD_LOAD_RESULTS_H_
#define SLUICE_APPS_COMMON_LOAD_LOAD_RESULTS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "sluice/apps/common/load/latency_histogram.h"

namespace sluice {

// How a connection of a load generator can fail. A connection fails at most
// once.
enum class LoadError : uint8_t {
  kConnectRefused,
  kConnectTimeout,
  kConnectFailed,  // for another reason
  kReset,          // by the peer
  kClosedEarly,    // the peer sent FIN before the client did
  kIoError,
  kTimeout,       // messages were not answered
  kCloseTimeout,  // the peer did not answer the client's FIN with its own
  kWrongByte,
};
inline constexpr size_t kLoadErrors = 9;

// Returns the name, such as "connect_refused". It has static storage.
absl::string_view LoadErrorName(LoadError error);

// The results of a load generator. Takes 57 KiB. Thread-compatible.
struct LoadResults {
  struct ErrorCount {
    uint64_t connections = 0;
    std::string first;  // the reason of the first one
  };

  // Counts a connection that has failed, for the reason `what`.
  void Count(LoadError error, absl::string_view what);
  // Returns true if no connection has failed and every message was answered.
  bool ok() const;

  // Returns the number of measured messages. They were sent, or due, after the
  // warm-up, and answered.
  uint64_t messages() const { return latency.count(); }
  uint64_t bytes() const { return messages() * message_size; }
  double MessagesPerSecond() const;
  // Counts a byte once that is sent and comes back. A megabyte is 10^6 bytes.
  double MegabytesPerSecond() const;

  uint64_t connections = 0;  // connections open when the clock started
  uint64_t message_size = 0;
  uint64_t unanswered = 0;  // messages sent, or due, in the warm-up too
  // The time from the end of the warm-up until no message was due any more, or
  // until the last answer if that came later.
  absl::Duration elapsed = absl::ZeroDuration();
  LatencyHistogram latency;
  std::array<ErrorCount, kLoadErrors> errors;  // by LoadError
};

// Returns a line for programs, with its newline: one JSON object (RFC 8259).
// Latencies are in microseconds. "errors" has only the kinds that occurred.
std::string ToJson(const LoadResults& results);
// Returns a few lines for people: the measurements without the errors.
std::string ToText(const LoadResults& results);
// Returns a line for each kind of error, and one for messages without answer;
// empty if ok().
std::string ErrorsToText(const LoadResults& results);

}  // namespace sluice

#endif  // SLUICE_APPS_COMMON_LOAD_LOAD_RESULTS_H_
