#ifndef SLUICE_BENCH_REPORT_CPU_TIME_H_
#define SLUICE_BENCH_REPORT_CPU_TIME_H_

#include "absl/time/time.h"

// The CPU time that was spent so far. Other programs that share the machine do
// not add to it. Each function makes a system call, which costs about 0.2 us,
// even if a program has a clock_gettime() of its own. For wall time, use
// Clock::Real().
namespace sluice {

absl::Duration ThreadCpuTime();   // CPU time of the calling thread
absl::Duration ProcessCpuTime();  // CPU time of all threads, even ended ones

}  // namespace sluice

#endif  // SLUICE_BENCH_REPORT_CPU_TIME_H_
