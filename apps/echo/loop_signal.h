#ifndef SLUICE_APPS_ECHO_LOOP_SIGNAL_H_
#define SLUICE_APPS_ECHO_LOOP_SIGNAL_H_

#include <signal.h>

#include <memory>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "sluice/event/event_loop.h"
#include "sluice/event/watch.h"

namespace sluice {

// Signals as events of a loop, by signalfd(2), for main(). Loop-bound. Blocks
// them in the calling thread, which leaves them blocked, and so in threads that
// it starts later.
class LoopSignal {
 public:
  // Calls `on_signal` on `loop` for each signal that has come; several of one
  // kind that come at once may be one. It may destroy this object. Errors of
  // signalfd(2) and EventLoop::Add(). REQUIRES: no other thread takes them.
  static absl::StatusOr<std::unique_ptr<LoopSignal>> Catch(
      EventLoop* loop, const std::vector<int>& signals,
      absl::AnyInvocable<void()> on_signal);
  ~LoopSignal();
  LoopSignal(const LoopSignal&) = delete;
  LoopSignal& operator=(const LoopSignal&) = delete;

 private:
  LoopSignal(int fd, absl::AnyInvocable<void()> on_signal);

  void OnReadable();

  const int fd_;
  absl::AnyInvocable<void()> on_signal_;
  std::unique_ptr<Watch> watch_;
};

// Those of the signals, as a set.
sigset_t SignalSet(const std::vector<int>& signals);

}  // namespace sluice

#endif  // SLUICE_APPS_ECHO_LOOP_SIGNAL_H_
