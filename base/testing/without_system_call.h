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

// Calls `body` on a new thread, on which the system call `number`, such as
// SYS_statx, fails with `error` (testonly). The call fails on threads that
// `body` starts, too. With ENOSYS, the thread behaves as on a kernel that does
// not have the call; with ENOSYS or EPERM, as under the filter of a container
// that does not list the call. Blocks until `body` has returned. If the kernel
// accepts no filter, skips the test and does not call `body`.
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
