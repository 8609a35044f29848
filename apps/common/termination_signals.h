#ifndef SLUICE_APPS_COMMON_TERMINATION_SIGNALS_H_
#define SLUICE_APPS_COMMON_TERMINATION_SIGNALS_H_

#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "sluice/event/event_loop.h"
#include "sluice/event/signal_watch.h"

namespace sluice {

// Catches SIGTERM and SIGINT for main(). Calls `on_signal` on `loop`, once, in
// an iteration after the first signal. From that signal on, both signals have
// their default action: a second signal ends the process at once, even if the
// loop or another thread is blocked. Destroying the result gives both signals
// their default action as well.
//
// Catches the signals even if they were ignored or blocked when this process
// was started. Ignores SIGPIPE from now on. Returns the errors, and has the
// requirements, of SignalWatch::Create().
absl::StatusOr<std::unique_ptr<SignalWatch>> CatchTerminationSignals(
    EventLoop* loop, absl::AnyInvocable<void() &&> on_signal);

}  // namespace sluice

#endif  // SLUICE_APPS_COMMON_TERMINATION_SIGNALS_H_
