#ifndef SLUICE_EVENT_SIGNAL_WATCH_H_
#define SLUICE_EVENT_SIGNAL_WATCH_H_

#include <signal.h>

#include <memory>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "sluice/event/event_loop.h"
#include "sluice/event/watch.h"

namespace sluice {

// Signals as events of a loop, for main(). A signal handler wakes the loop
// through an eventfd(2); no signal is blocked, so that child processes inherit
// no signal mask from here. Loop-bound.
//
// The state of a signal handler belongs to the whole process: this class is the
// one in this package that has global state.
class LoopSignal {
 public:
  enum class Mode {
    kEach,  // catches every signal
    // Catches one signal. The handler itself restores the actions that there
    // were before, for all signals of this object, whatever the loop does.
    kFirst,
  };

  // Calls `on_signal` on `loop` after a signal; several signals that come at
  // once may give one call. Unblocks the signals in the calling thread; threads
  // of base/thread.h take none, so that none of them is interrupted. A child
  // process that has not called exec(2) treats the signals as this process did
  // before. Errors of eventfd(2), sigaction(2) and EventLoop::Add(). REQUIRES:
  // no other object of this process catches one of the signals; `on_signal`
  // does not destroy this object.
  static absl::StatusOr<std::unique_ptr<LoopSignal>> Catch(
      EventLoop* loop, const std::vector<int>& signals, Mode mode,
      absl::AnyInvocable<void()> on_signal);
  // Restores the actions that there were before.
  ~LoopSignal();
  LoopSignal(const LoopSignal&) = delete;
  LoopSignal& operator=(const LoopSignal&) = delete;

 private:
  LoopSignal(int fd, const std::vector<int>& signals,
             absl::AnyInvocable<void()> on_signal)
      : fd_(fd), signals_(signals), on_signal_(std::move(on_signal)) {}

  absl::Status Install(Mode mode);
  void OnReadable();

  const int fd_;
  const std::vector<int> signals_;
  absl::AnyInvocable<void()> on_signal_;
  std::unique_ptr<Watch> watch_;
};

}  // namespace sluice

#endif  // SLUICE_EVENT_SIGNAL_WATCH_H_
