#ifndef SLUICE_EVENT_WITHOUT_MEMBARRIER_H_
#define SLUICE_EVENT_WITHOUT_MEMBARRIER_H_

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <thread>

#include "absl/functional/function_ref.h"
#include "gtest/gtest.h"

namespace sluice {

// For tests: runs `body` on a thread of its own, whose calls of membarrier(2)
// fail as they do on a kernel that has no such call.
inline void RunWithoutMembarrier(absl::FunctionRef<void()> body) {
  std::thread thread([body] {
    sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                 static_cast<uint32_t>(offsetof(seccomp_data, nr))),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog program = {std::size(filter), filter};
    ASSERT_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    ASSERT_EQ(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
    body();
  });
  thread.join();
}

}  // namespace sluice

#endif  // SLUICE_EVENT_WITHOUT_MEMBARRIER_H_
