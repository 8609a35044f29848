#ifndef SLUICE_BENCH_REPORT_CPU_TIME_H_
#define SLUICE_BENCH_REPORT_CPU_TIME_H_

#include "absl/time/time.h"

// What has been computed so far; others that share the machine do not add to
// it. A system call each, some 0.2 us, even where a program has a
// clock_gettime() of its own. Wall time is Clock::Real()'s.
namespace sluice {

absl::Duration ThreadCpuTime();   // by the calling thread
absl::Duration ProcessCpuTime();  // by all threads, ended ones included

}  // namespace sluice

#endif  // SLUICE_BENCH_REPORT_CPU_TIME_H_
