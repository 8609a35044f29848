#ifndef SLUICE_BASE_CPU_COUNT_H_
#define SLUICE_BASE_CPU_COUNT_H_

namespace sluice {

// Returns the number of CPUs on which the calling thread, and threads that it
// starts, may run: the CPUs of the machine without those that taskset(1) or a
// cpuset excludes. Ignores quotas of CPU time (cgroups). Returns at least 1.
// The number comes from sched_getaffinity(2).
int CpuCount();

}  // namespace sluice

#endif  // SLUICE_BASE_CPU_COUNT_H_
