#ifndef SLUICE_APPS_COMMON_DESCRIPTOR_LIMIT_H_
#define SLUICE_APPS_COMMON_DESCRIPTOR_LIMIT_H_

#include <cstdint>

namespace sluice {

// Raises the limit on descriptors of this process, RLIMIT_NOFILE of
// getrlimit(2), as far as the kernel allows. Returns the new limit, or
// INT64_MAX if there is none.
int64_t RaiseDescriptorLimit();

// Returns how many descriptors this process has open, or 16 where /proc is not
// mounted.
int64_t OpenDescriptors();

}  // namespace sluice

#endif  // SLUICE_APPS_COMMON_DESCRIPTOR_LIMIT_H_
