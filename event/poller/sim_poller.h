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
// Wait() never blocks: where another would, this one moves the clock. What a
// test does is repeated exactly. O(descriptors) per Wait(). Thread-compatible,
// save Wake(). Owns nothing; descriptors and clock outlive it.
//
// Kernel pollers check the number that Add() is given, and so does this one. A
// descriptor that was closed before its Remove() is a CHECK in Wait().
class SimPoller final : public Poller {
 public:
  // REQUIRES: max_events is not 0.
  SimPoller(const SimDescriptors* descriptors, SimClock* clock,
            PollerOptions options = {});

  absl::Status Add(int fd, IoEvents interest, uint64_t token,
                   AddHint hint) override;
  absl::Status Modify(int fd, IoEvents interest, uint64_t token) override;
  absl::Status Remove(int fd) override;
  // With nothing ready and no Wake(), moves the clock by `timeout` and returns
  // empty. With no timeout either (infinite) it returns empty at once, for
  // nobody else can bring anything about: EventLoop::Run() would spin.
  absl::StatusOr<absl::Span<const IoEvent>> Wait(
      absl::Duration timeout) override;
  bool has_more() const override { return has_more_; }
  void Wake() override { woken_.store(true); }
  absl::string_view name() const override { return "sim"; }

  // Reports the nth descriptor once more, for simulators of what pollers may
  // do: what it is watched for, whether or not it holds. Empty if it is watched
  // for nothing, or was never reported: a poller does not say of a socket that
  // it is connected before it is. O(n). REQUIRES: n < size().
  absl::Span<const IoEvent> ReportAgain(size_t n);
  // Descriptors that are watched.
  size_t size() const { return registrations_.size(); }

  // What happens while this poller is blocked. Called once in each Wait() that
  // would block, with the time when it would end; Wait() then looks again, and
  // returns what has come. May call Wake(), change what is ready, and move the
  // clock, to `deadline` at most. Null: nothing happens.
  using Blocked = absl::AnyInvocable<void(MonotonicTime deadline)>;
  void WhileBlocked(Blocked blocked) { blocked_ = std::move(blocked); }

 private:
  struct Registration {
    IoEvents interest;
    bool reported;  // and interest is 0: not again before Modify()
    uint64_t token;
    bool was_reported = false;  // since Add()
  };

  // Takes the wake-up and what is ready. Whether there was any.
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
