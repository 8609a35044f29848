#include "sluice/event/process_fence.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace sluice {
namespace {

// EPERM: not registered; ENOSYS, EINVAL: too old a kernel. None is EINTR.
bool Membarrier(int command) {
  const int saved_errno = errno;
  const bool done = syscall(SYS_membarrier, command, 0, 0) == 0;
  errno = saved_errno;
  return done;
}

}  // namespace

ProcessFence::ProcessFence() {
  // If it cannot be had, Execute() says so.
  Membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
}

bool ProcessFence::Execute() const {
  return Membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
}

}  // namespace sluice
