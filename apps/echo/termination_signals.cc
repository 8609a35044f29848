#include "sluice/apps/echo/termination_signals.h"

#include <pthread.h>
#include <signal.h>

#include <utility>
#include <vector>

#include "absl/memory/memory.h"

namespace sluice {
namespace {

std::vector<int> Signals() { return {SIGTERM, SIGINT}; }

}  // namespace

absl::StatusOr<std::unique_ptr<TerminationSignals>> TerminationSignals::Catch(
    EventLoop* loop, absl::AnyInvocable<void() &&> on_signal) {
  signal(SIGPIPE, SIG_IGN);
  auto self = absl::WrapUnique(new TerminationSignals(std::move(on_signal)));
  auto signals = LoopSignal::Catch(loop, Signals(),
                                   [self = self.get()] { self->OnSignal(); });
  if (!signals.ok()) return signals.status();
  self->signals_ = *std::move(signals);
  return self;
}

TerminationSignals::TerminationSignals(absl::AnyInvocable<void() &&> on_signal)
    : on_signal_(std::move(on_signal)) {}

void TerminationSignals::OnSignal() {
  signals_.reset();
  // The second signal has its default effect, whatever the loop is doing, and
  // even if this process was started with signals ignored.
  for (const int one : Signals()) signal(one, SIG_DFL);
  const sigset_t set = SignalSet(Signals());
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  std::move(on_signal_)();
}

}  // namespace sluice
