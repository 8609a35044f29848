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

// A Poller on poll(2), for systems and containers without epoll. It sets no
// limit on the number of descriptors. Wait() takes O(descriptors) time,
// Modify() O(log descriptors). Add() and Remove() take as long as Modify(),
// plus time for each descriptor with a higher number; Add() also makes one
// system call. Timeouts have a resolution of one nanosecond. Owns one
// descriptor. Thread-compatible, except for Wake().
//
// Descriptors that epoll(7) refuses, such as regular files, can be watched, and
// are always ready. If a descriptor was closed before its Remove(), Wait()
// CHECK-fails.
class PollPoller final : public Poller {
 public:
  // Returns kInvalidArgument if an option is out of bounds, and
  // kResourceExhausted if descriptors or memory run out.
  static absl::StatusOr<std::unique_ptr<PollPoller>> Create(
      PollerOptions options = kOptionsForCostlyWaits);

  // Returns kAlreadyExists if `fd` is watched and kFailedPrecondition if it is
  // not open; no other error.
  absl::Status Add(int fd, IoEvents interest, uint64_t token,
                   AddHint hint) override;
  absl::Status Modify(int fd, IoEvents interest, uint64_t token) override;
  absl::Status Remove(int fd) override;
  // Returns kInvalidArgument also if RLIMIT_NOFILE was lowered below the number
  // of descriptors.
  absl::StatusOr<absl::Span<const IoEvent>> Wait(
      absl::Duration timeout) override;
  bool has_more() const override { return has_more_; }
  void Wake() override { wakeup_->Wake(); }
  absl::string_view name() const override { return "poll"; }

 private:
  PollPoller(std::unique_ptr<WakeupFd> wakeup, size_t max_events);

  // Returns the index of the first registration whose descriptor is not below
  // `fd`.
  size_t LowerBound(int fd) const;
  bool IsAt(size_t index, int fd) const;
  // Returns the events of the `ready` registrations that poll(2) found ready.
  absl::Span<const IoEvent> Report(size_t ready);

  const std::unique_ptr<WakeupFd> wakeup_;
  // Index 0 holds wakeup_. The registrations follow from index 1 on, by rising
  // descriptor. After a registration with interest 0 was reported, its
  // descriptor is stored as ~fd until Modify(): poll(2) skips it because it is
  // negative.
  std::vector<pollfd> polled_;
  std::vector<uint64_t> tokens_;  // parallel to polled_
  int last_reported_ = -1;        // descriptor
  std::vector<IoEvent> events_;
  bool has_more_ = false;
};

}  // namespace sluice

#endif  // SLUICE_EVENT_POLLER_POLL_POLLER_H_
