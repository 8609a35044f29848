#ifndef SLUICE_BASE_FORK_MARK_H_
#define SLUICE_BASE_FORK_MARK_H_

#include "sluice/base/owner_process.h"

namespace sluice {

// A page of memory that the kernel clears in the child of a fork(). Tells code
// that asks often whether the current process is such a child: a call costs a
// load, where a call of OwnerProcess costs a system call. If the kernel cannot
// clear the page (before Linux 4.14), or there is no memory, the object uses
// OwnerProcess. Thread-safe.
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
