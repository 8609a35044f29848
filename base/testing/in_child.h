#ifndef SLUICE_BASE_TESTING_IN_CHILD_H_
#define SLUICE_BASE_TESTING_IN_CHILD_H_

#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/functional/function_ref.h"
#include "sluice/base/check.h"

namespace sluice {

// Runs `body` in a child of fork(), which then ends by _exit(0) (testonly).
// Returns the child's exit code, or 1000 and the number of the signal that
// ended the child: 1000 + SIGALRM after twenty seconds.
inline int InChild(absl::FunctionRef<void()> body) {
  const pid_t child = fork();
  SLUICE_CHECK(child >= 0);
  if (child == 0) {
    alarm(20);
    body();
    _exit(0);
  }
  int status = 0;
  SLUICE_CHECK(waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

}  // namespace sluice

#endif  // SLUICE_BASE_TESTING_IN_CHILD_H_
