#ifndef SLUICE_BASE_THREAD_H_
#define SLUICE_BASE_THREAD_H_

#include <pthread.h>

#include <optional>
#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "sluice/base/owner_process.h"

namespace sluice {

// A thread with a name, which its owner joins. For code that runs loops and
// workers; other code schedules tasks on these. The library does not use
// std::thread, which throws where Start() returns a Status. Move-only.
// Thread-compatible.
//
// The thread receives no signal that is sent to the process, whatever the
// signal mask of its creator is: such signals go to the threads that main() has
// made. The thread does receive SIGPROF, and the signals that it causes itself,
// such as SIGSEGV.
//
// In the child of a fork() the thread does not exist: Join() returns at once,
// and the destructor requires nothing.
class Thread {
 public:
  // Starts a thread that calls `body` and then destroys it. `name` is truncated
  // to 15 bytes, the limit of pthread_setname_np(3). If pthread_create(3)
  // fails, returns its error, which contains `name`, and destroys `body`.
  static absl::StatusOr<Thread> Start(std::string name,
                                      absl::AnyInvocable<void() &&> body);

  Thread(Thread&& other) noexcept
      : owner_(other.owner_),
        thread_(std::exchange(other.thread_, std::nullopt)) {}
  Thread& operator=(Thread&& other) = delete;
  // REQUIRES: the thread is joined or moved from.
  ~Thread();

  // Blocks until `body` has returned and is destroyed. CHECKs that the caller
  // is on no loop, strand or worker. REQUIRES: the thread is neither joined nor
  // moved from.
  void Join();

 private:
  explicit Thread(pthread_t thread) : thread_(thread) {}

  const OwnerProcess owner_;
  std::optional<pthread_t> thread_;
};

}  // namespace sluice

#endif  // SLUICE_BASE_THREAD_H_
