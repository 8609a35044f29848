#ifndef SLUICE_APPS_COMMON_DESCRIPTOR_BUDGET_H_
#define SLUICE_APPS_COMMON_DESCRIPTOR_BUDGET_H_

#include <cstdint>
#include <string>

#include "sluice/event/poller/poller_kind.h"

namespace sluice {

// How many connections fit into this process: each connection needs a
// descriptor, and both the kernel and the poller limit descriptors.
// Thread-compatible.
class DescriptorBudget {
 public:
  // Raises the limit on descriptors of this process, RLIMIT_NOFILE, as far as
  // the kernel allows.
  explicit DescriptorBudget(PollerKind poller);

  // Returns the number below which the process can open descriptors.
  int64_t limit() const;
  // Returns the name and value of that limit for an error message: "the limit
  // on descriptors (RLIMIT_NOFILE) is 1024" or "--poller=select takes
  // descriptors below 1024".
  std::string LimitText() const;
  // Returns how many descriptors the process has open, or 16 if that cannot be
  // found out.
  static int64_t Open();
  // Returns how many connections the process can open now, if it keeps
  // `reserved` descriptors for other needs. At least 0.
  int64_t RoomForConnections(int64_t reserved) const;

 private:
  const PollerKind poller_;
  const int64_t process_limit_;
};

}  // namespace sluice

#endif  // SLUICE_APPS_COMMON_DESCRIPTOR_BUDGET_H_
