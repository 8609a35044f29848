#ifndef SLUICE_APPS_ECHO_TERMINATION_SIGNALS_H_
#define SLUICE_APPS_ECHO_TERMINATION_SIGNALS_H_

#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "sluice/apps/echo/loop_signal.h"
#include "sluice/event/event_loop.h"

namespace sluice {

// SIGTERM and SIGINT as an event of a loop, for main(): the first one is told,
// the second ends the process as if nobody cared. SIGPIPE is ignored.
// Loop-bound. Changes the signal mask of the calling thread; threads that are
// started later inherit it.
class TerminationSignals {
 public:
  // Calls `on_signal` on `loop`, once. Errors of
  // LoopSignal::Catch(). REQUIRES: no other thread has been started.
  static absl::StatusOr<std::unique_ptr<TerminationSignals>> Catch(
      EventLoop* loop, absl::AnyInvocable<void() &&> on_signal);
  TerminationSignals(const TerminationSignals&) = delete;
  TerminationSignals& operator=(const TerminationSignals&) = delete;

 private:
  explicit TerminationSignals(absl::AnyInvocable<void() &&> on_signal);

  void OnSignal();

  absl::AnyInvocable<void() &&> on_signal_;
  std::unique_ptr<LoopSignal> signals_;
};

}  // namespace sluice

#endif  // SLUICE_APPS_ECHO_TERMINATION_SIGNALS_H_
