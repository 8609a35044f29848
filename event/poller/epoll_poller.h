#ifndef SLUICE_EVENT_POLLER_EPOLL_POLLER_H_
#define SLUICE_EVENT_POLLER_EPOLL_POLLER_H_

#include <sys/epoll.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "sluice/event/poller/poller.h"
#include "sluice/event/poller/poller_options.h"
#include "sluice/event/poller/wakeup_fd.h"

namespace sluice {

// A Poller on epoll(7). It sets no limit on the number of descriptors, takes
// O(ready) time per Wait(), and keeps no memory per descriptor in user space.
// Timeouts have a resolution of one nanosecond from Linux 5.11 on, and of one
// millisecond before. Owns two descriptors. Thread-compatible, except for
// Wake().
//
// For descriptors that epoll(7) refuses, such as regular files, Add() returns
// kPermissionDenied.
//
// A fork() does not copy an epoll instance. In the child, Remove() does
// nothing, and Add() and Modify() return kFailedPrecondition. The child must
// not call Wait(), which would take events from the parent.
class EpollPoller final : public Poller {
 public:
  // Returns kInvalidArgument if an option is out of bounds, kResourceExhausted
  // if descriptors or memory run out, and the error of epoll_create1(2) if the
  // kernel (ENOSYS: kUnimplemented) or a seccomp filter (EPERM:
  // kPermissionDenied) refuses the call.
  static absl::StatusOr<std::unique_ptr<EpollPoller>> Create(
      PollerOptions options = {});
  ~EpollPoller() override;

  absl::Status Add(int fd, IoEvents interest, uint64_t token,
                   AddHint hint) override;
  absl::Status Modify(int fd, IoEvents interest, uint64_t token) override;
  absl::Status Remove(int fd) override;
  absl::StatusOr<absl::Span<const IoEvent>> Wait(
      absl::Duration timeout) override;
  bool has_more() const override { return has_more_; }
  void Wake() override { wakeup_->Wake(); }
  absl::string_view name() const override { return "epoll"; }

 private:
  EpollPoller(std::unique_ptr<WakeupFd> wakeup, int epoll_fd,
              size_t max_events);

  absl::Status Control(int operation, int fd, uint32_t events, uint64_t token);
  // Calls epoll_wait(2) or epoll_pwait2(2). Returns a count or -errno.
  int EpollWait(absl::Duration timeout);

  const std::unique_ptr<WakeupFd> wakeup_;
  const int epoll_fd_;
  bool has_pwait2_ = true;
  std::vector<epoll_event> ready_;
  std::vector<IoEvent> events_;
  bool has_more_ = false;
};

}  // namespace sluice

#endif  // SLUICE_EVENT_POLLER_EPOLL_POLLER_H_
