#ifndef SLUICE_BASE_CPU_COUNT_H_
#define SLUICE_BASE_CPU_COUNT_H_

namespace sluice {

// How many CPUs the calling thread may run on, and so the threads that it
// starts: what taskset(1) and cpusets leave of the machine's. A quota of CPU
// time (cgroups) is not looked at. At least 1. sched_getaffinity(2).
int CpuCount();

}  // namespace sluice

#endif  // SLUICE_BASE_CPU_COUNT_H_
