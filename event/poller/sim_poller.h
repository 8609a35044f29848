#ifndef SLUICE_EVENT_POLLER_SIM_POLLER_H_
#define SLUICE_EVENT_POLLER_SIM_POLLER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "sluice/event/poller/poller.h"
#include "sluice/event/poller/poller_options.h"
#include "sluice/event/poller/sim_descriptors.h"
#include "sluice/timer/clock.h"
#include "sluice/timer/sim_clock.h"

namespace sluice {

// A Poller on simulated descriptors and simulated time, for tests (testonly).
// Wait() never blocks: where another poller would block, this one moves the
// clock. So each run of a test is the same. Wait() takes O(descriptors) time.
// Owns nothing; descriptors and clock outlive the poller. Thread-compatible,
// except for Wake().
//
// As in the kernel's pollers, Add() returns kFailedPrecondition if the
// descriptor is not open. If a descriptor was closed before its Remove(),
// Wait() CHECK-fails.
class SimPoller final : public Poller {
 public:
  // REQUIRES: max_events is not 0.
  SimPoller(const SimDescriptors* descriptors, SimClock* clock,
            PollerOptions options = {});

  absl::Status Add(int fd, IoEvents interest, uint64_t token,
                   AddHint hint) override;
  absl::Status Modify(int fd, IoEvents interest, uint64_t token) override;
  absl::Status Remove(int fd) override;
  // If nothing is ready and Wake() was not called, moves the clock by `timeout`
  // and returns no events. If `timeout` is infinite, returns no events at once,
  // because no other thread can change anything: so EventLoop::Run() on this
  // poller would spin.
  absl::StatusOr<absl::Span<const IoEvent>> Wait(
      absl::Duration timeout) override;
  bool has_more() const override { return has_more_; }
  void Wake() override { woken_.store(true); }
  absl::string_view name() const override { return "sim"; }

  // Returns an event for the n-th registration, by descriptor and from 0, with
  // its interest, whether or not those conditions hold. For simulators of stale
  // events, which pollers may report. Returns no event if the interest is 0 or
  // the registration was never reported: a poller never reports a socket as
  // connected before it is. The events are valid until the next Wait() or
  // ReportAgain(). Takes O(n) time. REQUIRES: n < size().
  absl::Span<const IoEvent> ReportAgain(size_t n);
  // Returns the number of descriptors that are watched.
  size_t size() const { return registrations_.size(); }

  // Sets the callable that acts while this poller is blocked. Each Wait() that
  // would block calls it once, with the time at which the Wait() would end, or
  // InfiniteFuture(). Wait() then looks again and returns the events that have
  // come. The callable may call Wake(), change which descriptors are ready, and
  // move the clock, to `deadline` at most. Null means that nothing happens.
  using Blocked = absl::AnyInvocable<void(MonotonicTime deadline)>;
  void WhileBlocked(Blocked blocked) { blocked_ = std::move(blocked); }

 private:
  struct Registration {
    IoEvents interest;
    bool reported;  // with interest 0: not again before Modify()
    uint64_t token;
    bool was_reported = false;  // at least once since Add()
  };

  // Takes the wake-up and the events. Returns true if there was any.
  bool Look();

  const SimDescriptors* const descriptors_;
  SimClock* const clock_;
  Blocked blocked_;
  std::atomic<bool> woken_{false};
  std::map<int, Registration> registrations_;
  int last_reported_ = -1;  // descriptor
  const size_t max_events_;
  std::vector<IoEvent> events_;
  bool has_more_ = false;
};

}  // namespace sluice

#endif  // SLUICE_EVENT_POLLER_SIM_POLLER_H_
