#ifndef SLUICE_LOG_LOG_CRASH_HANDLER_H_
#define SLUICE_LOG_LOG_CRASH_HANDLER_H_

#include <pthread.h>
#include <signal.h>
#include <sys/types.h>

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "sluice/log/async_logger.h"
#include "sluice/timer/clock.h"

namespace sluice {

// Writes the lines that wait in the logger's rings when the process ends by
//
//   exit(), on any thread, or
//   a signal that dumps core by default: SIGABRT (abort(), a failed
//   SLUICE_CHECK, std::terminate()), SIGBUS, SIGFPE, SIGILL, SIGQUIT, SIGSEGV,
//   SIGSYS, SIGTRAP, SIGXCPU, SIGXFSZ. The last line of the log then names the
//   signal, with severity kFatal:
//     ... F worker log_crash_handler.cc:57] ended by signal 11 (SIGSEGV) at
//     address 0x10
//
// Make it in main(), after the logger and its LoggerThread. It is the only
// class of the library that changes the state of the whole process, because
// signals have no other state. It installs handlers for these signals, one
// atexit(3) handler, and an alternate signal stack for the thread that makes
// it.
//
// On a signal: the crashed thread requests a flush from LoggerThread and waits
// for it, at most `timeout`, so that the process ends even if the writer hangs.
// Then it restores the previous signal handlers and sends itself the same
// signal again. So exit status and core dump are the same as without this
// class, and sanitizers and crash reporters see the same thread at the same
// instruction. Other threads continue to run meanwhile. If they crash too, they
// wait, at most twice the timeout. The flush includes all lines logged in calls
// that had returned, on the crashed thread, and on other threads as far as the
// crashed thread could know of them.
//
// If no LoggerThread runs, or if it is not in RunOnce() or has not finished
// after half of the timeout, the crashed thread itself does what RunOnce()
// does. This allocates memory, and may block if the crash was inside the
// allocator; it is ended after `timeout`, too.
//
// No more lines are written if
//   - the crash is inside RunOnce(), such as in a LogWriter or an
//     AbslStringify(): the process then ends at once;
//   - the writer fails, or hangs for `timeout`;
//   - a stack overflows, except the stack of the thread that made this object
//     and of threads with a sigaltstack(2) of their own;
//   - the process ends by SIGKILL, _exit(), quick_exit() or another signal,
//     such as SIGTERM: a program should handle SIGTERM and return from main().
// In the child of a fork() the handler does nothing for the parent's logger and
// does not wait. A child that makes a logger may install a handler for it.
//
// Signals that are ignored stay ignored. If the program has its own handler of
// SIGQUIT, SIGXCPU or SIGXFSZ, that handler stays. A handler that recovers from
// SIGSEGV or the like, as in virtual machines, must be installed after this one
// and must not call this one: after this class has handled a signal, the log
// has ended.
//
// At exit() the calling thread waits for a flush in the same way. If no
// LoggerThread runs, it writes the lines itself, as long as that takes. This
// happens after the destructors of static objects that were made later than
// this object, and before those of static objects that were made earlier: lines
// that the latter log are written only if LoggerThread still gets to them. On
// return from main() this object is destroyed first; ~LoggerThread() and
// ~AsyncLogger() write what is logged after that.
//
// Thread-compatible.
class LogCrashHandler {
 public:
  // Installs the handlers. If `timeout` is not positive, no thread waits, and
  // lines that LoggerThread does not write in time are lost. If `timeout` is
  // infinite, the process ends only when the writer has returned. Returns the
  // error of sigaltstack(2), or kResourceExhausted if atexit(3) has no memory.
  // REQUIRES: `logger` was made in this process and outlives this object; the
  // process has no other LogCrashHandler.
  static absl::StatusOr<std::unique_ptr<LogCrashHandler>> Install(
      AsyncLogger* logger, absl::Duration timeout = absl::Seconds(5));
  LogCrashHandler(const LogCrashHandler&) = delete;
  LogCrashHandler& operator=(const LogCrashHandler&) = delete;
  // Restores the previous handlers, except where the program has installed
  // others since. Afterwards exit() no longer waits for a flush, and another
  // LogCrashHandler may be made. If another thread is ending the process, waits
  // for that, at most twice the timeout. REQUIRES: on the thread that called
  // Install().
  ~LogCrashHandler();

 private:
  LogCrashHandler() = default;

  // Gives this thread an alternate stack, so that it can handle its own stack
  // overflow.
  absl::Status AddStack();
  void TakeSignals(AsyncLogger* logger, pid_t pid);
  void ReturnSignals();

  static void OnSignal(int signal, siginfo_t* info, void* context);
  static void OnExit();
  // If this thread crashed inside the back end, makes the thread that waits for
  // the back end stop waiting.
  static void NoteIfOnBackEnd();
  static void WriteLastLine(AsyncLogger* logger, const siginfo_t& info);
  // Waits until the back end has flushed or cannot. `signal` is the signal that
  // is being handled, or 0 at exit().
  static void Flush(AsyncLogger* logger, const AsyncLogger::LastLine* line,
                    int signal);
  // Runs the back end on this thread. Returns false if another thread is
  // inside.
  static bool RunOnce(AsyncLogger* logger, int signal, MonotonicTime deadline);

  const pthread_t thread_ = pthread_self();
  std::unique_ptr<char[]> stack_;  // nullptr if the thread already had one
  stack_t stack_before_ = {};
};

}  // namespace sluice

#endif  // SLUICE_LOG_LOG_CRASH_HANDLER_H_
