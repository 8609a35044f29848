#include "sluice/bench/report/cpus.h"

#include <sched.h>

#include "sluice/base/check.h"

namespace sluice {

Cpus::Cpus(size_t count) {
  cpu_set_t allowed;
  SLUICE_CHECK(sched_getaffinity(0, sizeof(allowed), &allowed) == 0);
  for (int cpu = 0; cpu < CPU_SETSIZE && cpus_.size() < count; ++cpu) {
    if (CPU_ISSET(cpu, &allowed)) cpus_.push_back(cpu);
  }
}

void Cpus::Pin(size_t i) const {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(cpus_[i % cpus_.size()], &one);
  SLUICE_CHECK(sched_setaffinity(0, sizeof(one), &one) == 0);
}

}  // namespace sluice
