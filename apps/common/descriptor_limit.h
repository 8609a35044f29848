#ifndef SLUICE_APPS_COMMON_DESCRIPTOR_LIMIT_H_
#define SLUICE_APPS_COMMON_DESCRIPTOR_LIMIT_H_

#include <cstdint>

namespace sluice {

// Raises the limit on descriptors of this process, RLIMIT_NOFILE of
// getrlimit(2), as far as it goes; returns it. INT64_MAX if there is none.
int64_t RaiseDescriptorLimit();

// How many descriptors this process has open; a guess without /proc.
int64_t OpenDescriptors();

}  // namespace sluice

#endif  // SLUICE_APPS_COMMON_DESCRIPTOR_LIMIT_H_
