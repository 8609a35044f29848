#ifndef SLUICE_BASE_OPEN_DESCRIPTORS_H_
#define SLUICE_BASE_OPEN_DESCRIPTORS_H_

#include <sys/types.h>
#include <unistd.h>

#include <vector>

#include "absl/status/statusor.h"

namespace sluice {

// Returns the descriptors that process `pid` has open, in no order. Opens a
// descriptor to find them out, which is not among them. If that or reading
// /proc fails, returns a Status with the errno. Thread-safe.
absl::StatusOr<std::vector<int>> OpenDescriptors(pid_t pid = getpid());

}  // namespace sluice

#endif  // SLUICE_BASE_OPEN_DESCRIPTORS_H_
