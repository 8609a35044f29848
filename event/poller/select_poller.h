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

// A Poller on select(2), the oldest of the three system calls. It takes
// descriptors below FD_SETSIZE (1024) and 16 KiB of memory. Wait() takes
// O(highest descriptor) time and the other calls O(1); Add() also makes one
// system call. Timeouts have a resolution of one nanosecond. Owns one
// descriptor. Thread-compatible, except for Wake().
//
// select(2) says which descriptors are ready; poll(2), without waiting, then
// says for what. If a descriptor with interest 0 has unread input, the input
// hides an error or a hang-up from select(2). While there is such a descriptor,
// each Wait() ends after kProbeInterval at the latest, and asks poll(2).
//
// Descriptors that epoll(7) refuses, such as regular files, can be watched, and
// are always ready. If a descriptor was closed before its Remove(), Wait()
// CHECK-fails.
class SelectPoller final : public Poller {
 public:
  static constexpr absl::Duration kProbeInterval = absl::Milliseconds(100);

  // Returns kInvalidArgument if an option is out of bounds, and
  // kResourceExhausted if descriptors or memory run out or no descriptor below
  // FD_SETSIZE is free.
  static absl::StatusOr<std::unique_ptr<SelectPoller>> Create(
      PollerOptions options = kOptionsForCostlyWaits);

  // Returns kAlreadyExists if `fd` is watched, kFailedPrecondition if it is not
  // open, and kResourceExhausted if it is not below FD_SETSIZE; no other error.
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
  // Removes a descriptor with interest 0 from read_, and adds it to unread_ if
  // `unread` is true.
  void StopReading(int fd, bool unread);
  // Asks poll(2) for the conditions of the descriptors in either set and in
  // unread_. Returns 0 or -errno.
  int Probe(const fd_set& readable, const fd_set& writable);
  absl::Span<const IoEvent> Report();

  const std::unique_ptr<WakeupFd> wakeup_;
  fd_set watched_;  // the registrations, without wakeup_
  // The sets for select(2), which reports an error as readable and writable,
  // and a hang-up as readable. So a descriptor with interest 0 is in read_
  // until it is reported, or until it is found to have input and neither error
  // nor hang-up: then it moves to unread_.
  fd_set read_;
  fd_set write_;
  fd_set unread_;
  int unread_count_ = 0;
  int end_;       // above all descriptors that were ever in a set
  int next_ = 0;  // descriptor at which the next report begins
  // Indexed by descriptor. `events` is the interest; `fd` is set before each
  // poll(2).
  std::array<pollfd, FD_SETSIZE> polled_;
  std::array<uint64_t, FD_SETSIZE> tokens_;
  std::vector<IoEvent> events_;
  bool has_more_ = false;
};

}  // namespace sluice

#endif  // SLUICE_EVENT_POLLER_SELECT_POLLER_H_
