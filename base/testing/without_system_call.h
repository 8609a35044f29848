#ifndef SLUICE_BASE_TESTING_WITHOUT_SYSTEM_CALL_H_
#define SLUICE_BASE_TESTING_WITHOUT_SYSTEM_CALL_H_

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <thread>

#include "absl/functional/function_ref.h"
#include "gtest/gtest.h"

namespace sluice {

// For tests: runs `body` on a thread of its own, on which the system call of
// that number (SYS_statx and the like) fails with `error`: with ENOSYS as on a
// kernel that does not have it, with ENOSYS or EPERM as under a container's
// filter that does not know it. So it does on threads that `body` starts. Skips
// the test, without `body`, where no filter can be had.
inline void WithoutSystemCall(int number, int error,
                              absl::FunctionRef<void()> body) {
  std::thread thread([number, error, body] {
    sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                 static_cast<uint32_t>(offsetof(seccomp_data, nr))),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(number), 0,
                 1),
        BPF_STMT(BPF_RET | BPF_K,
                 SECCOMP_RET_ERRNO | static_cast<uint32_t>(error)),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog program = {std::size(filter), filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
      GTEST_SKIP() << "no seccomp(2) here";
    }
    body();
  });
  thread.join();
}

}  // namespace sluice

#endif  // SLUICE_BASE_TESTING_WITHOUT_SYSTEM_CALL_H_
