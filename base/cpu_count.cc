#include "sluice/base/cpu_count.h"

#include <sched.h>

#include <cerrno>
#include <vector>

namespace sluice {

int CpuCount() {
  // The kernel returns EINVAL if it has more CPUs than the set has room for.
  constexpr size_t kMaxSets = 64;
  for (size_t sets = 1; sets <= kMaxSets; sets *= 2) {
    std::vector<cpu_set_t> cpus(sets);
    const size_t size = sets * sizeof(cpu_set_t);
    if (sched_getaffinity(0, size, cpus.data()) == 0) {
      return CPU_COUNT_S(size, cpus.data());
    }
    if (errno != EINVAL) break;
  }
  return 1;
}

}  // namespace sluice
