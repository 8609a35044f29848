#include "sluice/apps/common/descriptor_budget.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "sluice/apps/common/descriptor_limit.h"

namespace sluice {

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

int64_t DescriptorBudget::RoomForConnections(int64_t reserved) const {
  return std::max<int64_t>(limit() - OpenDescriptors() - reserved, 0);
}

}  // namespace sluice
