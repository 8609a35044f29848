#ifndef SLUICE_BENCH_REPORT_ECHO_REPORT_H_
#define SLUICE_BENCH_REPORT_ECHO_REPORT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "sluice/bench/report/bar_chart.h"

// The arithmetic of //bench:echo, and the table made of it.
namespace sluice {

// What one server did in one round.
struct EchoSample {
  double messages_per_s = 0;
  double cpu_us_per_message = 0;  // of the server
};

// From the line of JSON that //apps/echo:client printed, and the CPU time that
// the server spent meanwhile. kInvalidArgument if it is not such a line, or
// tells of no messages.
absl::StatusOr<EchoSample> ParseEchoSample(absl::string_view json,
                                           absl::Duration server_cpu);

struct EchoContender {
  std::string name;
  std::vector<EchoSample> samples;  // one of each round
};

// The head of a Markdown table.
std::string EchoTableHead();
// Its rows for one case, a server each. The first server is what the others are
// compared to, round by round: what disturbs the machine for longer than a
// round disturbs both.
// REQUIRES: each has a sample of every round, and there is a round.
std::string EchoTableRows(absl::string_view case_name,
                          const std::vector<EchoContender>& contenders);

// A picture of the same, of the CPU time. The second server is Sluice's.
BarPanel EchoPanel(absl::string_view case_name,
                   const std::vector<EchoContender>& contenders);

}  // namespace sluice

#endif  // SLUICE_BENCH_REPORT_ECHO_REPORT_H_
