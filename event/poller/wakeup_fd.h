#ifndef SLUICE_EVENT_POLLER_WAKEUP_FD_H_
#define SLUICE_EVENT_POLLER_WAKEUP_FD_H_

#include <atomic>
#include <memory>

#include "absl/status/statusor.h"
#include "sluice/base/fork_mark.h"

namespace sluice {

// What ends the wait of a poller on descriptors: one more descriptor, an
// eventfd(2), that any thread makes readable. Between two waits only the first
// Wake() is a system call. Thread-compatible, save Wake(). Owns its descriptor.
class WakeupFd {
 public:
  // kResourceExhausted (descriptors, memory).
  static absl::StatusOr<std::unique_ptr<WakeupFd>> Create();
  ~WakeupFd();
  WakeupFd(const WakeupFd&) = delete;
  WakeupFd& operator=(const WakeupFd&) = delete;

  // Readable from a Wake() until the Take() that follows.
  int fd() const { return fd_; }

  // Any thread. Whether this is the child of a fork(), and the eventfd its
  // parent's. Costs a load.
  bool forked() const { return fork_mark_.InChild(); }

  // Thread-safe and async-signal-safe. Does nothing in the child of a fork(),
  // whose parent has the same eventfd.
  void Wake();
  // What a Wake() that this call answers made known before is visible after it.
  // To be called by the wait that found fd() readable.
  void Take();
  // The same for a wait that is told of each Wake() once (EPOLLET), whether
  // fd() was readable before or not: it stays so. No system call.
  void TakeEdge();

 private:
  explicit WakeupFd(int fd) : fd_(fd) {}

  const ForkMark fork_mark_;
  const int fd_;
  // Set by the Wake() that wrote to fd_, cleared by the taking: in between,
  // further calls have nothing to add.
  std::atomic<bool> pending_{false};
};

}  // namespace sluice

#endif  // SLUICE_EVENT_POLLER_WAKEUP_FD_H_
