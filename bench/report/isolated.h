#ifndef SLUICE_BENCH_REPORT_ISOLATED_H_
#define SLUICE_BENCH_REPORT_ISOLATED_H_

#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace sluice {

// Calls `measure` in a process of its own, forked from this one, and returns
// its values. The heap of the new process is fresh, and a crash or a hang there
// ends only the measurement. Output of `measure` to standard output goes to
// standard error. The new process ends with this one.
//
// Returns kAborted if a signal kills the new process, or if the process exits
// or throws before `measure` has returned. If the measurement takes longer than
// `time_limit`, kills the process and returns kDeadlineExceeded. Otherwise
// returns the error of pipe(2) or fork(2) if one of these fails.
// REQUIRES: this process has no other thread.
absl::StatusOr<std::vector<double>> MeasureIsolated(
    absl::FunctionRef<std::vector<double>()> measure,
    absl::Duration time_limit);

}  // namespace sluice

#endif  // SLUICE_BENCH_REPORT_ISOLATED_H_
