#ifndef SLUICE_APPS_COMMON_TERMINATION_SIGNALS_H_
#define SLUICE_APPS_COMMON_TERMINATION_SIGNALS_H_

#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "sluice/event/event_loop.h"
#include "sluice/event/signal_watch.h"

namespace sluice {

// SIGTERM and SIGINT as an event of a loop, for main(). The first signal is an
// event. From that moment on both signals have their default action, so that
// the second one ends the process at once, even if the loop or another thread
// is blocked. Loop-bound.
class TerminationSignals {
 public:
  // Calls `on_signal` on `loop`, once. Catches signals that were ignored or
  // blocked when this process was started. Ignores SIGPIPE from now on. Errors
  // of SignalWatch::Create(), whose requirements hold here too.
  static absl::StatusOr<std::unique_ptr<TerminationSignals>> Catch(
      EventLoop* loop, absl::AnyInvocable<void() &&> on_signal);
  // From now on both signals have their default action.
  ~TerminationSignals() = default;
  TerminationSignals(const TerminationSignals&) = delete;
  TerminationSignals& operator=(const TerminationSignals&) = delete;

 private:
  explicit TerminationSignals(std::unique_ptr<SignalWatch> signals);

  const std::unique_ptr<SignalWatch> signals_;
};

}  // namespace sluice

#endif  // SLUICE_APPS_COMMON_TERMINATION_SIGNALS_H_
