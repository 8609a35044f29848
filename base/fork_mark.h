#ifndef SLUICE_BASE_FORK_MARK_H_
#define SLUICE_BASE_FORK_MARK_H_

#include "sluice/base/owner_process.h"

namespace sluice {

// What OwnerProcess says, for calls that are made often: costs a load in place
// of a system call, and a page of memory, which the kernel wipes in the child
// of a fork(). Where the kernel does not do that (before Linux 4.14), or there
// is no memory, asks OwnerProcess. Thread-safe.
class ForkMark {
 public:
  ForkMark();
  ForkMark(const ForkMark&) = delete;
  ForkMark& operator=(const ForkMark&) = delete;
  ~ForkMark();

  // Whether this is the child of a fork() that was made after the object.
  // Async-signal-safe.
  bool InChild() const {
    return page_ == nullptr ? !owner_.IsCurrent() : *page_ == 0;
  }

 private:
  const OwnerProcess owner_;
  const volatile char* page_ = nullptr;  // 1, and 0 in a child
};

}  // namespace sluice

#endif  // SLUICE_BASE_FORK_MARK_H_
