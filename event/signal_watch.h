#ifndef SLUICE_EVENT_SIGNAL_WATCH_H_
#define SLUICE_EVENT_SIGNAL_WATCH_H_

#include <memory>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "sluice/event/event_loop.h"
#include "sluice/event/watch.h"

namespace sluice {

// A registration of signals with a loop that calls a callable when a signal
// comes. For main(): a signal belongs to the whole process, so libraries should
// leave signals to the program. Loop-bound. The kernel may deliver the signals
// to any thread of the process. Owns one descriptor.
//
// While a SignalWatch exists, its signals do not have their default action:
// SIGTERM and SIGHUP, for example, do not end the process. The SignalWatch
// installs a signal handler with sigaction(2), which writes to an eventfd(2)
// that the loop watches. Signals are not blocked, unlike with signalfd(2), so
// child processes do not inherit a signal mask. Interrupted system calls are
// restarted (SA_RESTART).
//
// In a child process of a fork() that has not called exec(2), the signals have
// the actions that they had before Create().
class SignalWatch {
 public:
  enum class Mode {
    // Catches every signal, until the SignalWatch is destroyed.
    kEach,
    // Catches one signal. The signal handler itself then restores the earlier
    // actions of all signals of this object. So a second SIGTERM ends the
    // process even if the loop is blocked.
    kFirst,
  };

  // Calls `on_signal` on `loop`, in a later iteration, after one of `signals`
  // has come. If several signals come before the loop has called `on_signal`,
  // `on_signal` may be called once for all of them. `on_signal` may destroy the
  // SignalWatch. Unblocks `signals` in the calling thread. Threads of
  // base/thread.h block all signals, so none of these threads is interrupted.
  //
  // Returns kInvalidArgument if `signals` has a number that is not a signal, or
  // a signal that cannot be caught, such as SIGKILL; the message names the
  // signal. Otherwise returns the errors of eventfd(2) and EventLoop::Add().
  // After an error, no action has changed.
  //
  // REQUIRES: no other SignalWatch of this process has one of `signals`, and
  // `signals` names each signal once. A second SignalWatch for the same signal
  // would take the signal from the first, so Create() CHECKs both.
  static absl::StatusOr<std::unique_ptr<SignalWatch>> Create(
      EventLoop* loop, const std::vector<int>& signals, Mode mode,
      absl::AnyInvocable<void()> on_signal);
  // Restores the actions that the signals had before Create(), except for a
  // signal whose action the program has changed since. A signal that `loop` has
  // not dispatched yet is dropped.
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

 private:
  SignalWatch(int fd, const std::vector<int>& signals)
      : fd_(fd), signals_(signals) {}

  void Install(Mode mode);

  const int fd_;
  const std::vector<int> signals_;
  std::unique_ptr<Watch> watch_;
};

}  // namespace sluice

#endif  // SLUICE_EVENT_SIGNAL_WATCH_H_
