#ifndef SLUICE_EVENT_POLLER_POLL_POLLER_H_
#define SLUICE_EVENT_POLLER_POLL_POLLER_H_

#include <poll.h>

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

// A Poller on poll(2), for systems and containers without epoll. No limit on
// descriptors of its own. Wait() is O(descriptors), Modify() O(log), Add() and
// Remove() too plus what has a higher number, and Add() asks the kernel once.
// Waits to the nanosecond. Thread-compatible, save Wake(). Owns one descriptor.
//
// Descriptors that epoll(7) refuses, such as regular files, are watched, and
// always ready. One that was closed before its Remove() is a CHECK in Wait().
class PollPoller final : public Poller {
 public:
  // kInvalidArgument, kResourceExhausted (descriptors, memory).
  static absl::StatusOr<std::unique_ptr<PollPoller>> Create(
      PollerOptions options = kOptionsForCostlyWaits);

  // Besides kAlreadyExists only: `fd` is not open.
  absl::Status Add(int fd, IoEvents interest, uint64_t token,
                   AddHint hint) override;
  absl::Status Modify(int fd, IoEvents interest, uint64_t token) override;
  absl::Status Remove(int fd) override;
  // An error too: more descriptors than RLIMIT_NOFILE, if that was lowered.
  absl::StatusOr<absl::Span<const IoEvent>> Wait(
      absl::Duration timeout) override;
  bool has_more() const override { return has_more_; }
  void Wake() override { wakeup_->Wake(); }
  absl::string_view name() const override { return "poll"; }

 private:
  PollPoller(std::unique_ptr<WakeupFd> wakeup, size_t max_events);

  // The first registration whose descriptor is not below `fd`.
  size_t LowerBound(int fd) const;
  bool IsAt(size_t index, int fd) const;
  // Of `ready` registrations that poll(2) found ready.
  absl::Span<const IoEvent> Report(size_t ready);

  const std::unique_ptr<WakeupFd> wakeup_;
  // The registrations, by rising descriptor, from index 1 on; at 0 is wakeup_.
  // One with interest 0 that was reported has ~fd for its descriptor, which
  // poll(2) passes over as negative, until Modify().
  std::vector<pollfd> polled_;
  std::vector<uint64_t> tokens_;  // parallel
  int last_reported_ = -1;        // descriptor
  std::vector<IoEvent> events_;
  bool has_more_ = false;
};

}  // namespace sluice

#endif  // SLUICE_EVENT_POLLER_POLL_POLLER_H_
