#ifndef SLUICE_BASE_OWNER_PROCESS_H_
#define SLUICE_BASE_OWNER_PROCESS_H_

#include <sys/types.h>
#include <unistd.h>

namespace sluice {

// The process in which an object was constructed. In the child of a fork() the
// object is a copy; the threads, connections and files behind it belong to the
// parent: docs/architecture.md, "fork()". Value type, 4 bytes.
class OwnerProcess {
 public:
  OwnerProcess() : pid_(getpid()) {}

  // Returns false in the child of a fork(). Costs a system call, about 50 ns:
  // use it in destructors and other rare calls. Async-signal-safe.
  bool IsCurrent() const { return getpid() == pid_; }

 private:
  pid_t pid_;
};

}  // namespace sluice

#endif  // SLUICE_BASE_OWNER_PROCESS_H_
