#include "sluice/apps/common/descriptor_limit.h"

#include <dirent.h>
#include <sys/resource.h>

namespace sluice {

int64_t RaiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return INT64_MAX;
  const rlimit raised = {limit.rlim_max, limit.rlim_max};
  if (setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  return limit.rlim_cur == RLIM_INFINITY ? INT64_MAX
                                         : static_cast<int64_t>(limit.rlim_cur);
}

int64_t OpenDescriptors() {
  constexpr int64_t kGuess = 16;
  DIR* const dir = opendir("/proc/self/fd");
  if (dir == nullptr) return kGuess;
  int64_t count = 0;
  while (readdir(dir) != nullptr) ++count;
  closedir(dir);
  return count - 3;  // ".", ".." and the directory itself
}

}  // namespace sluice
