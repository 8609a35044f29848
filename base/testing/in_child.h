#ifndef SLUICE_BASE_TESTING_IN_CHILD_H_
#define SLUICE_BASE_TESTING_IN_CHILD_H_

#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/functional/function_ref.h"
#include "sluice/base/check.h"

namespace sluice {

// Calls `body` in a child of fork(), which ends by _exit(0) when `body` returns
// (testonly). Blocks until the child has ended, and returns its exit code. If a
// signal ended the child, returns 1000 + the number of the signal: 1000 +
// SIGALRM if the child ran for 20 s. An EXPECT_ that fails in the child does
// not fail the test: `body` calls _exit() with another code in its place.
inline int InChild(absl::FunctionRef<void()> body) {
  const pid_t child = fork();
  SLUICE_CHECK_GE(child, 0, "fork() failed");
  if (child == 0) {
    alarm(20);
    body();
    _exit(0);
  }
  int status = 0;
  SLUICE_CHECK_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

}  // namespace sluice

#endif  // SLUICE_BASE_TESTING_IN_CHILD_H_
