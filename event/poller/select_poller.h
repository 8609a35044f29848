#ifndef SLUICE_EVENT_POLLER_SELECT_POLLER_H_
#define SLUICE_EVENT_POLLER_SELECT_POLLER_H_

#include <poll.h>
#include <sys/select.h>

#include <array>
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

// A Poller on select(2), the oldest of them and of a fixed size: descriptors
// below FD_SETSIZE (1024), 16 KiB. Wait() is O(highest descriptor), all else
// O(1), but Add() asks the kernel once. Waits to the nanosecond.
// Thread-compatible, save Wake(). Owns one descriptor.
//
// select(2) says which descriptors are ready; poll(2), without waiting, then
// says for what. With interest 0, unread input hides an error or a hang-up from
// select(2): while there is such a descriptor, each Wait() ends after
// kProbeInterval at the latest, and asks poll(2).
//
// Descriptors that epoll(7) refuses, such as regular files, are watched, and
// always ready. One that was closed before its Remove() is a CHECK in Wait().
class SelectPoller final : public Poller {
 public:
  static constexpr absl::Duration kProbeInterval = absl::Milliseconds(100);

  // kInvalidArgument; kResourceExhausted: out of descriptors, out of memory, or
  // no descriptor below FD_SETSIZE is free.
  static absl::StatusOr<std::unique_ptr<SelectPoller>> Create(
      PollerOptions options = kOptionsForCostlyWaits);

  // kResourceExhausted: `fd` is not below FD_SETSIZE.
  absl::Status Add(int fd, IoEvents interest, uint64_t token,
                   AddHint hint) override;
  absl::Status Modify(int fd, IoEvents interest, uint64_t token) override;
  absl::Status Remove(int fd) override;
  absl::StatusOr<absl::Span<const IoEvent>> Wait(
      absl::Duration timeout) override;
  bool has_more() const override { return has_more_; }
  void Wake() override { wakeup_->Wake(); }
  absl::string_view name() const override { return "select"; }

 private:
  SelectPoller(std::unique_ptr<WakeupFd> wakeup, size_t max_events);

  bool IsWatched(int fd) const;
  void Watch(int fd, IoEvents interest, uint64_t token);
  void Unwatch(int fd);
  // With interest 0: not in read_ any more, in unread_ if `unread`.
  void StopReading(int fd, bool unread);
  // Asks poll(2) what holds for the descriptors of either set and of unread_.
  // 0 or -errno.
  int Probe(const fd_set& readable, const fd_set& writable);
  absl::Span<const IoEvent> Report();

  const std::unique_ptr<WakeupFd> wakeup_;
  fd_set watched_;  // the registrations; not wakeup_
  // What select(2) is given. To it, an error makes a descriptor readable and
  // writable, a hang-up makes it readable. So with interest 0 a descriptor is
  // in read_, until it is reported, or found to have input and nothing else:
  // then it moves to unread_.
  fd_set read_;
  fd_set write_;
  fd_set unread_;
  int unread_count_ = 0;
  int end_;       // above all descriptors that were ever in a set
  int next_ = 0;  // the descriptor that reports begin with
  // By descriptor: `events` is the interest, `fd` is set for each poll(2).
  std::array<pollfd, FD_SETSIZE> polled_;
  std::array<uint64_t, FD_SETSIZE> tokens_;
  std::vector<IoEvent> events_;
  bool has_more_ = false;
};

}  // namespace sluice

#endif  // SLUICE_EVENT_POLLER_SELECT_POLLER_H_
