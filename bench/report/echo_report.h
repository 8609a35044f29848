#ifndef SLUICE_BENCH_REPORT_ECHO_REPORT_H_
#define SLUICE_BENCH_REPORT_ECHO_REPORT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "sluice/bench/report/bar_chart.h"

// The arithmetic of //bench:echo, and the table of its results.
namespace sluice {

// The result of one server in one round.
struct EchoSample {
  double messages_per_s = 0;
  double cpu_us_per_message = 0;  // CPU time of the server
};

// Makes a sample of the line of JSON that //apps/echo:client printed, and of
// the CPU time that the server spent meanwhile. Returns kInvalidArgument if
// `json` is not such a line, or counts no messages.
absl::StatusOr<EchoSample> ParseEchoSample(absl::string_view json,
                                           absl::Duration server_cpu);

struct EchoContender {
  std::string name;
  std::vector<EchoSample> samples;  // one for each round
};

// Returns the head of the Markdown table.
std::string EchoTableHead();
// Returns the rows of the table for one case, one row for each server. Compares
// the other servers with the first one, round by round: a disturbance of the
// machine that is longer than a round disturbs both servers.
// REQUIRES: there is a round, and each server has a sample of every round.
std::string EchoTableRows(absl::string_view case_name,
                          const std::vector<EchoContender>& contenders);

// Returns a panel with the CPU times of the same samples. The second server is
// Sluice's.
BarPanel EchoPanel(absl::string_view case_name,
                   const std::vector<EchoContender>& contenders);

}  // namespace sluice

#endif  // SLUICE_BENCH_REPORT_ECHO_REPORT_H_
