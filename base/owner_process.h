#ifndef SLUICE_BASE_OWNER_PROCESS_H_
#define SLUICE_BASE_OWNER_PROCESS_H_

#include <sys/types.h>
#include <unistd.h>

namespace sluice {

// The process in which an object was made. In the child of a fork() the object
// is a copy, and what is behind it, such as threads, connections and files,
// belongs to the parent: docs/architecture.md, "fork()". Value type, 4 bytes.
class OwnerProcess {
 public:
  OwnerProcess() : pid_(getpid()) {}

  // False in the child of a fork(). A system call, some 50 ns:
  // for destructors and other rare calls. Async-signal-safe.
  bool IsCurrent() const { return getpid() == pid_; }

 private:
  pid_t pid_;
};

}  // namespace sluice

#endif  // SLUICE_BASE_OWNER_PROCESS_H_
