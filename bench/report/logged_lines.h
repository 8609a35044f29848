#ifndef SLUICE_BENCH_REPORT_LOGGED_LINES_H_
#define SLUICE_BENCH_REPORT_LOGGED_LINES_H_

#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

// The lines that //bench:loggers has every logger write. Each line ends with
// the message
//
//   request 17 took 34.624 ms for /v1/sessions
//
// with three values that differ from one message to the next.
namespace sluice {

struct LoggedValues {
  int number;
  double millis;           // less than 100, with at most three decimals
  absl::string_view path;  // 12 characters, with static storage
};

// Returns the values of message `number`. REQUIRES: number >= 0.
inline LoggedValues LoggedValuesOf(int number) {
  constexpr absl::string_view kPaths[] = {"/v1/accounts", "/v1/sessions",
                                          "/v1/invoices", "/static/logo"};
  // Because 7,919 is prime, the decimals have no pattern that a branch
  // predictor could learn.
  const auto micros = (static_cast<unsigned>(number) * 7'919u + 1) % 100'000u;
  return {number, micros / 1000.0, kPaths[number % 4]};
}

// Writes the text of the message to `to`, and returns its end. REQUIRES: there
// is room for kLoggedMessageSize bytes.
constexpr size_t kLoggedMessageSize = 80;
char* PutLoggedMessage(const LoggedValues& values, char* to);

// Checks a file to which `producers` threads have logged. Thread i has logged
// the messages from i * each to (i + 1) * each - 1. Returns kDataLoss, with a
// description of the error, unless the file has each message exactly once, each
// message at the end of a line, the messages of a thread in their order, and no
// other line. A head of a few lines without messages is allowed, because some
// loggers write one. REQUIRES: each >= 1.
absl::Status CheckLoggedLines(absl::string_view file, int producers, int each);

}  // namespace sluice

#endif  // SLUICE_BENCH_REPORT_LOGGED_LINES_H_
