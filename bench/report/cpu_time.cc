#include "sluice/bench/report/cpu_time.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "sluice/base/check.h"

namespace sluice {
namespace {

absl::Duration CpuTime(clockid_t clock) {
  timespec time;
  SLUICE_CHECK(syscall(SYS_clock_gettime, clock, &time) == 0);
  return absl::DurationFromTimespec(time);
}

}  // namespace

absl::Duration ThreadCpuTime() { return CpuTime(CLOCK_THREAD_CPUTIME_ID); }

absl::Duration ProcessCpuTime() { return CpuTime(CLOCK_PROCESS_CPUTIME_ID); }

}  // namespace sluice
