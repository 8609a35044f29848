#ifndef SLUICE_BENCH_REPORT_LOGGED_LINES_H_
#define SLUICE_BENCH_REPORT_LOGGED_LINES_H_

#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

// What //bench:loggers has every logger write: lines that end with the message
//
//   request 17 took 34.624 ms for /v1/sessions
//
// whose three values differ from one message to the next.
namespace sluice {

struct LoggedValues {
  int number;
  double millis;           // less than 100, of three decimals at most
  absl::string_view path;  // of 12 characters, with static storage
};

// Of message `number`. REQUIRES: number >= 0.
inline LoggedValues LoggedValuesOf(int number) {
  constexpr absl::string_view kPaths[] = {"/v1/accounts", "/v1/sessions",
                                          "/v1/invoices", "/static/logo"};
  // 7,919 is prime: the decimals have no pattern that a branch could learn.
  const auto micros = (static_cast<unsigned>(number) * 7'919u + 1) % 100'000u;
  return {number, micros / 1000.0, kPaths[number % 4]};
}

// The text of the message. Returns its end. REQUIRES: there is room for
// kLoggedMessageSize bytes.
constexpr size_t kLoggedMessageSize = 80;
char* PutLoggedMessage(const LoggedValues& values, char* to);

// For a file that `producers` threads have logged to, thread i the messages
// from i * each to (i + 1) * each - 1. kDataLoss, with what is wrong, unless it
// has all of them, once, each at the end of a line, those of a thread in their
// order, and no other line. Some loggers have a head, of a few lines without
// messages: that may be. REQUIRES: each >= 1.
absl::Status CheckLoggedLines(absl::string_view file, int producers, int each);

}  // namespace sluice

#endif  // SLUICE_BENCH_REPORT_LOGGED_LINES_H_
