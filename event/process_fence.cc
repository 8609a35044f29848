#include "sluice/event/process_fence.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace sluice {
namespace {

// Fails with EPERM if the process is not registered, and with ENOSYS or EINVAL
// if the kernel is too old. Never fails with EINTR.
bool Membarrier(int command) {
  const int saved_errno = errno;
  const bool done = syscall(SYS_membarrier, command, 0, 0) == 0;
  errno = saved_errno;
  return done;
}

}  // namespace

ProcessFence::ProcessFence() {
  // If this fails, Execute() returns false.
  Membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
}

bool ProcessFence::Execute() const {
  return Membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
}

}  // namespace sluice
