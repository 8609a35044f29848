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

// Sees to it that what was logged is written when the process ends by
//
//   a signal that dumps core by default: SIGABRT (abort(), a SLUICE_CHECK that
//   fails, std::terminate()), SIGBUS, SIGFPE, SIGILL, SIGQUIT, SIGSEGV, SIGSYS,
//   SIGTRAP, SIGXCPU, SIGXFSZ. The last line then tells which one, at
//   severity kFatal:
//     ... F worker log_crash_handler.cc:57] ended by signal 11 (SIGSEGV) at
//     address 0x10
//   exit(), on whatever thread.
//
// To be made in main(), once logger and LoggerThread are. This is the only
// class of the library that changes the state of the whole process, because
// signals have no other: handlers of these signals, one atexit(3) handler, and
// an alternate stack for the signals of the thread that makes it.
//
// On a signal. The thread that crashed asks LoggerThread for a flush and waits
// for it, at most `timeout`: whatever the writer does, the process ends. Then
// the signal comes again, with the handlers that there were before: exit status
// and core dump are what they would have been, and sanitizers and reporters of
// crashes see the same thread at the same instruction. Other threads run on
// meanwhile; if they crash too, they wait, at most twice as long. All is
// written that was logged in calls that had returned, by the thread that
// crashed or, as far as it could know, by others.
//
// If no LoggerThread runs, or it is neither in RunOnce() nor answers in half of
// that time, the thread that crashed does what RunOnce() does. This allocates,
// which may block if the crash was inside the allocator: that ends after
// `timeout` too.
//
// Nothing more is written if
//   - the crash is inside RunOnce() itself, as in a LogWriter or in the
//     printing of an argument; the process ends at once;
//   - the writer fails, or hangs for `timeout`;
//   - a stack overflows, unless it is that of the thread that made this, or its
//     thread has a sigaltstack(2) of its own;
//   - the process ends by SIGKILL, _exit(), quick_exit(), or another signal,
//     such as SIGTERM: programs end themselves in order when that comes.
// In the child of a fork() nothing is done for the parent's logger, and nobody
// waits; a child that makes a logger may install a handler for it.
//
// Signals that are ignored stay ignored. SIGQUIT, SIGXCPU and SIGXFSZ are left
// to handlers that the program has for them. A handler that recovers from
// SIGSEGV and the like, as virtual machines have, is to be installed after this
// and must not call what was there before: once this has handled a signal, the
// log has ended.
//
// At exit() the thread that calls it waits for a flush in the same way; if no
// LoggerThread runs, it writes, as long as that takes. That is after the
// destructors of static objects that were made after this was, and before those
// of the others: what those log is written only if LoggerThread still comes to
// it. On return from main() this is destroyed first, and what is logged later
// is for ~LoggerThread() and ~AsyncLogger().
//
// Thread-compatible.
class LogCrashHandler {
 public:
  // The error of sigaltstack(2); kResourceExhausted if atexit(3) has no memory.
  // REQUIRES: `logger` outlives this; there is no other in this process.
  static absl::StatusOr<std::unique_ptr<LogCrashHandler>> Install(
      AsyncLogger* logger, absl::Duration timeout = absl::Seconds(5));
  LogCrashHandler(const LogCrashHandler&) = delete;
  LogCrashHandler& operator=(const LogCrashHandler&) = delete;
  // Restores what was there before, but for what the program has changed since.
  // Then another may be made, and exit() does not wait for a flush any more. If
  // another thread is just ending the process, waits for the end, at most twice
  // the timeout. REQUIRES: on the thread that made it.
  ~LogCrashHandler();

 private:
  LogCrashHandler() = default;

  // So that a stack overflow of this thread can be handled.
  absl::Status AddStack();
  void TakeSignals(AsyncLogger* logger, pid_t pid);
  void ReturnSignals();

  static void OnSignal(int signal, siginfo_t* info, void* context);
  static void OnExit();
  // Tells a thread that waits for the back end if this thread crashes there.
  static void NoteIfOnBackEnd();
  static void WriteLastLine(AsyncLogger* logger, const siginfo_t& info);
  // Until the back end has done it, or cannot. `signal` is that of this
  // handler; 0: in none.
  static void Flush(AsyncLogger* logger, const AsyncLogger::LastLine* line,
                    int signal);
  // On this thread. False if another one is inside.
  static bool RunOnce(AsyncLogger* logger, int signal, MonotonicTime deadline);

  const pthread_t thread_ = pthread_self();
  std::unique_ptr<char[]> stack_;  // nullptr: the thread had one
  stack_t stack_before_ = {};
};

}  // namespace sluice

#endif  // SLUICE_LOG_LOG_CRASH_HANDLER_H_
