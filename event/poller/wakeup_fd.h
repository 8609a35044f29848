#ifndef SLUICE_EVENT_POLLER_WAKEUP_FD_H_
#define SLUICE_EVENT_POLLER_WAKEUP_FD_H_

#include <atomic>
#include <memory>

#include "absl/status/statusor.h"
#include "sluice/base/fork_mark.h"

namespace sluice {

// A descriptor, an eventfd(2), that ends the wait of a poller: the poller
// watches it, and any thread makes it readable. Between two waits, only the
// first Wake() makes a system call. Owns its descriptor. Thread-compatible,
// except for Wake().
class WakeupFd {
 public:
  // Returns kResourceExhausted if descriptors or memory run out.
  static absl::StatusOr<std::unique_ptr<WakeupFd>> Create();
  ~WakeupFd();
  WakeupFd(const WakeupFd&) = delete;
  WakeupFd& operator=(const WakeupFd&) = delete;

  // Returns the descriptor, which is readable from a Wake() until the next
  // Take().
  int fd() const { return fd_; }

  // Any thread. Returns true in the child of a fork(), if the parent made the
  // eventfd. Costs one load.
  bool forked() const { return fork_mark_.InChild(); }

  // Makes fd() readable. Does nothing in the child of a fork(), which shares
  // the eventfd with its parent. Thread-safe and async-signal-safe.
  void Wake();
  // Consumes the Wake() calls made so far. Call it after a wait that found fd()
  // readable. Writes made before a Wake() that this call consumes are visible
  // after it returns.
  void Take();
  // Does the same as Take() for a poller that reports each Wake() only once
  // (EPOLLET), even if fd() was readable before. Makes no system call; fd()
  // stays readable.
  void TakeEdge();

 private:
  explicit WakeupFd(int fd) : fd_(fd) {}

  const ForkMark fork_mark_;
  const int fd_;
  // Set by the Wake() that wrote to fd_, cleared by Take() and TakeEdge().
  // While it is set, a further Wake() has nothing to do.
  std::atomic<bool> pending_{false};
};

}  // namespace sluice

#endif  // SLUICE_EVENT_POLLER_WAKEUP_FD_H_
