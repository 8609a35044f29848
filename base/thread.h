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

// A thread with a name, to be joined by its owner. For those who run loops and
// workers: everybody else submits tasks to these. In place of std::thread,
// which throws where a Status is what a caller can use. Move-only;
// thread-compatible.
//
// Of the signals of the process it takes none, whatever its creator's mask is:
// those go to the threads that main() has made. What the thread itself causes
// (SIGSEGV and the like) and SIGPROF come all the same.
//
// In the child of a fork() there is no such thread: Join() returns at once, and
// destruction requires nothing.
class Thread {
 public:
  // `name` is cut to 15 bytes, which is what pthread_setname_np(3) takes. The
  // error of pthread_create(3) names the thread; `body` is destroyed then.
  static absl::StatusOr<Thread> Start(std::string name,
                                      absl::AnyInvocable<void() &&> body);

  Thread(Thread&& other) noexcept
      : owner_(other.owner_),
        thread_(std::exchange(other.thread_, std::nullopt)) {}
  Thread& operator=(Thread&& other) = delete;
  // REQUIRES: joined, or moved from.
  ~Thread();

  // Blocks until the body has returned and is destroyed. CHECKs that it is on
  // no loop, strand or worker. REQUIRES: called once.
  void Join();

 private:
  explicit Thread(pthread_t thread) : thread_(thread) {}

  const OwnerProcess owner_;
  std::optional<pthread_t> thread_;
};

}  // namespace sluice

#endif  // SLUICE_BASE_THREAD_H_
