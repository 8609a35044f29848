#ifndef SLUICE_BENCH_REPORT_VIRTUAL_TIME_H_
#define SLUICE_BENCH_REPORT_VIRTUAL_TIME_H_

#include "absl/time/time.h"

// Virtual time for measuring the timers of event loops that read the clock and
// wait by themselves: only the cost of the timers is left. A program that
// depends on this file has its own
//
//   clock_gettime(2): the virtual time, for all clocks, once it has been set
//   epoll_wait(2): with the virtual time, finds nothing, at once
//   timerfd_create(2): with the virtual time, fails with ENOSYS
//
// The shared libraries that are linked with the program use these functions
// too. Until the time is set, the functions behave like the kernel's. REQUIRES:
// the program has one thread.
namespace sluice {

// Sets the virtual clocks to a day plus `since_start`. REQUIRES: `since_start`
// is not less than in an earlier call.
void SetVirtualTime(absl::Duration since_start);

}  // namespace sluice

#endif  // SLUICE_BENCH_REPORT_VIRTUAL_TIME_H_
