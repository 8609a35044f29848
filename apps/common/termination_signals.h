#ifndef SLUICE_APPS_COMMON_TERMINATION_SIGNALS_H_
#define SLUICE_APPS_COMMON_TERMINATION_SIGNALS_H_

#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "sluice/event/event_loop.h"
#include "sluice/event/signal_watch.h"

namespace sluice {

// A handler of SIGTERM and SIGINT for main(): calls a callable on a loop at the
// first signal. From then on, both signals have their default action. So a
// second signal ends the process at once, even if the loop or another thread is
// blocked. Loop-bound.
class TerminationSignals {
 public:
  // Calls `on_signal` on `loop`, once. Catches the signals even if they were
  // ignored or blocked when this process was started. Ignores SIGPIPE from now
  // on. Returns the errors, and has the requirements, of SignalWatch::Create().
  static absl::StatusOr<std::unique_ptr<TerminationSignals>> Catch(
      EventLoop* loop, absl::AnyInvocable<void() &&> on_signal);
  // Gives both signals their default action.
  ~TerminationSignals() = default;
  TerminationSignals(const TerminationSignals&) = delete;
  TerminationSignals& operator=(const TerminationSignals&) = delete;

 private:
  explicit TerminationSignals(std::unique_ptr<SignalWatch> signals);

  const std::unique_ptr<SignalWatch> signals_;
};

}  // namespace sluice

#endif  // SLUICE_APPS_COMMON_TERMINATION_SIGNALS_H_
