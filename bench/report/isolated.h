#ifndef SLUICE_BENCH_REPORT_ISOLATED_H_
#define SLUICE_BENCH_REPORT_ISOLATED_H_

#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace sluice {

// What `measure` returns in a process of its own, forked from this one: its
// heap is fresh, and a crash or a hang there ends nothing but the measurement.
// What it writes to standard output goes to standard error. The process ends
// with this one.
//
// kAborted if it is killed by a signal, exits or throws before it has returned;
// kDeadlineExceeded, and killed, if that takes longer than `time_limit`; else
// what pipe(2) or fork(2) fails with.
// REQUIRES: this process has no other thread.
absl::StatusOr<std::vector<double>> MeasureIsolated(
    absl::FunctionRef<std::vector<double>()> measure,
    absl::Duration time_limit);

}  // namespace sluice

#endif  // SLUICE_BENCH_REPORT_ISOLATED_H_
