#include "sluice/apps/common/termination_signals.h"

#include <signal.h>

#include <utility>

namespace sluice {

absl::StatusOr<std::unique_ptr<SignalWatch>> CatchTerminationSignals(
    EventLoop* loop, absl::AnyInvocable<void() &&> on_signal) {
  signal(SIGPIPE, SIG_IGN);
  // The action that SignalWatch restores. Shells start background commands with
  // SIGINT ignored.
  for (const int one : {SIGTERM, SIGINT}) signal(one, SIG_DFL);
  // If two threads take one signal each, SignalWatch may still call twice.
  auto once = [on_signal = std::move(on_signal)]() mutable {
    if (on_signal) std::exchange(on_signal, nullptr)();
  };
  return SignalWatch::Create(loop, {SIGTERM, SIGINT}, SignalWatch::Mode::kFirst,
                             std::move(once));
}

}  // namespace sluice
