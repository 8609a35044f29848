#ifndef SLUICE_APPS_ECHO_TERMINATION_SIGNALS_H_
#define SLUICE_APPS_ECHO_TERMINATION_SIGNALS_H_

#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "sluice/event/event_loop.h"
#include "sluice/event/watch.h"

namespace sluice {

// SIGTERM and SIGINT as an event of a loop, by signalfd(2), for main(): the
// first one is told, the second ends the process as if nobody cared. SIGPIPE is
// ignored. Loop-bound. Changes the signal mask of the calling thread; threads
// that are started later inherit it.
class TerminationSignals {
 public:
  // Calls `on_signal` on `loop`, once. Errors of signalfd(2) and
  // EventLoop::Add(). REQUIRES: no other thread has been started.
  static absl::StatusOr<std::unique_ptr<TerminationSignals>> Catch(
      EventLoop* loop, absl::AnyInvocable<void() &&> on_signal);
  ~TerminationSignals();
  TerminationSignals(const TerminationSignals&) = delete;
  TerminationSignals& operator=(const TerminationSignals&) = delete;

 private:
  TerminationSignals(int fd, absl::AnyInvocable<void() &&> on_signal);

  void OnReadable();

  const int fd_;
  absl::AnyInvocable<void() &&> on_signal_;
  std::unique_ptr<Watch> watch_;
};

}  // namespace sluice

#endif  // SLUICE_APPS_ECHO_TERMINATION_SIGNALS_H_
