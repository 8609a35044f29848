#ifndef SLUICE_BASE_FORK_MARK_H_
#define SLUICE_BASE_FORK_MARK_H_

#include "sluice/base/owner_process.h"

namespace sluice {

// Finds out whether the current process is the child of a fork(), as
// OwnerProcess does, for code that asks often: a call costs a load in place of
// a system call. Each object has a page of memory, which the kernel clears in
// the child. If the kernel cannot clear it (before Linux 4.14), or there is no
// memory, the object uses OwnerProcess. Thread-safe.
class ForkMark {
 public:
  ForkMark();
  ForkMark(const ForkMark&) = delete;
  ForkMark& operator=(const ForkMark&) = delete;
  ~ForkMark();

  // Returns true in the child of a fork() that was made after the object was
  // constructed, and in the children of that child. Async-signal-safe.
  bool InChild() const {
    return page_ == nullptr ? !owner_.IsCurrent() : *page_ == 0;
  }

 private:
  const OwnerProcess owner_;
  const volatile char* page_ = nullptr;  // points to 1, in a child to 0
};

}  // namespace sluice

#endif  // SLUICE_BASE_FORK_MARK_H_
