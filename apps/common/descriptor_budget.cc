#include "sluice/apps/common/descriptor_budget.h"

#include <sys/resource.h>

#include <algorithm>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "sluice/base/open_descriptors.h"

namespace sluice {
namespace {

// Returns the limit on descriptors after it is raised as far as the kernel
// allows; INT64_MAX if there is none.
int64_t RaiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return INT64_MAX;
  const rlimit raised = {limit.rlim_max, limit.rlim_max};
  if (setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  return limit.rlim_cur == RLIM_INFINITY ? INT64_MAX
                                         : static_cast<int64_t>(limit.rlim_cur);
}

}  // namespace

DescriptorBudget::DescriptorBudget(PollerKind poller)
    : poller_(poller), process_limit_(RaiseDescriptorLimit()) {}

int64_t DescriptorBudget::limit() const {
  return std::min<int64_t>(process_limit_, DescriptorLimit(poller_));
}

std::string DescriptorBudget::LimitText() const {
  return limit() < process_limit_
             ? absl::StrCat("--poller=", PollerKindName(poller_),
                            " takes descriptors below ", limit())
             : absl::StrCat("the limit on descriptors (RLIMIT_NOFILE) is ",
                            limit());
}

int64_t DescriptorBudget::Open() {
  const absl::StatusOr<std::vector<int>> open = OpenDescriptors();
  return open.ok() ? static_cast<int64_t>(open->size()) : 16;
}

int64_t DescriptorBudget::RoomForConnections(int64_t reserved) const {
  return std::max<int64_t>(limit() - Open() - reserved, 0);
}

}  // namespace sluice
