#include "sluice/apps/common/termination_signals.h"

#include <signal.h>

#include <utility>

#include "absl/memory/memory.h"

namespace sluice {

absl::StatusOr<std::unique_ptr<TerminationSignals>> TerminationSignals::Catch(
    EventLoop* loop, absl::AnyInvocable<void() &&> on_signal) {
  signal(SIGPIPE, SIG_IGN);
  // The action that SignalWatch restores. Shells start background commands with
  // SIGINT ignored.
  for (const int one : {SIGTERM, SIGINT}) signal(one, SIG_DFL);
  // If two threads take one signal each, SignalWatch may still call twice.
  auto once = [on_signal = std::move(on_signal)]() mutable {
    if (on_signal) std::exchange(on_signal, nullptr)();
  };
  auto signals = SignalWatch::Create(
      loop, {SIGTERM, SIGINT}, SignalWatch::Mode::kFirst, std::move(once));
  if (!signals.ok()) return signals.status();
  return absl::WrapUnique(new TerminationSignals(*std::move(signals)));
}

TerminationSignals::TerminationSignals(std::unique_ptr<SignalWatch> signals)
    : signals_(std::move(signals)) {}

}  // namespace sluice
