#ifndef SLUICE_BENCH_REPORT_VIRTUAL_TIME_H_
#define SLUICE_BENCH_REPORT_VIRTUAL_TIME_H_

#include "absl/time/time.h"

// For measuring timers inside of event loops that read the clock and wait by
// themselves: what is left is what their timers cost. A program that depends on
// this has its own
//
//   clock_gettime(2): the virtual time, for all clocks, once it has been set
//   epoll_wait(2): with the virtual time, finds nothing, at once
//   timerfd_create(2): with the virtual time, there is none
//
// which also shared libraries get that it is linked with. Until the time is set
// they are the kernel's. For programs with one thread.
namespace sluice {

// `since_start` does not go back. The virtual clocks start at a day.
void SetVirtualTime(absl::Duration since_start);

}  // namespace sluice

#endif  // SLUICE_BENCH_REPORT_VIRTUAL_TIME_H_
