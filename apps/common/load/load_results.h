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

// How a connection of a load generator can fail: each fails once at most.
enum class LoadError : uint8_t {
  kConnectRefused,
  kConnectTimeout,
  kConnectFailed,  // for another reason
  kReset,          // by the peer
  kClosedEarly,    // the peer sent FIN, and we had not
  kIoError,
  kTimeout,       // messages were not answered
  kCloseTimeout,  // the peer did not answer our FIN with its own
  kWrongByte,
};
inline constexpr size_t kLoadErrors = 9;

// "connect_refused". Of static storage.
absl::string_view LoadErrorName(LoadError error);

// What a load generator has found out. 58 KiB. Thread-compatible.
struct LoadResults {
  struct ErrorCount {
    uint64_t connections = 0;
    std::string first;  // what was wrong with the first of them
  };

  void Count(LoadError error, absl::string_view what);
  bool ok() const;

  // Messages measured: sent, or due, after the warm-up, and answered.
  uint64_t messages() const { return latency.count(); }
  uint64_t bytes() const { return messages() * message_size; }
  double MessagesPerSecond() const;
  // One way: bytes that went there and came back count once.
  double MegabytesPerSecond() const;

  uint64_t connections = 0;  // that were open when the clock started
  uint64_t message_size = 0;
  uint64_t unanswered = 0;  // messages sent, or due, the warm-up's included
  // From the end of the warm-up until no message was due any more, or to the
  // last answer if that came later.
  absl::Duration elapsed = absl::ZeroDuration();
  LatencyHistogram latency;
  std::array<ErrorCount, kLoadErrors> errors;  // by LoadError
};

// A line for programs, ending in a newline: one JSON object (RFC 8259).
std::string ToJson(const LoadResults& results);
// A few lines for people: what was measured, and what went wrong, if anything.
std::string ToText(const LoadResults& results);
std::string ErrorsToText(const LoadResults& results);

}  // namespace sluice

#endif  // SLUICE_APPS_COMMON_LOAD_LOAD_RESULTS_H_
