#include "sluice/log/log_crash_handler.h"

#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

#include "absl/memory/memory.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "sluice/base/check.h"
#include "sluice/log/internal/log_args.h"
#include "sluice/log/internal/log_site.h"
#include "sluice/log/internal/thread_ring.h"
#include "sluice/log/log_severity.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

constexpr std::array kSignals = {SIGABRT, SIGBUS, SIGFPE,  SIGILL,  SIGQUIT,
                                 SIGSEGV, SIGSYS, SIGTRAP, SIGXCPU, SIGXFSZ};

// Returns true if other processes send it: the program's own handler stays.
bool IsFromOutside(int signal) {
  return signal == SIGQUIT || signal == SIGXCPU || signal == SIGXFSZ;
}

// Enough for formatting and for handlers of other libraries.
constexpr size_t kStackBytes = 64 * 1024;
// The sleep of a thread that waits, between two checks.
constexpr timespec kNap = {.tv_sec = 0, .tv_nsec = 1'000'000};

// The state that signal handlers use: one for the process, as signals have.
struct ProcessState {
  std::atomic<LogCrashHandler*> installed{nullptr};
  std::atomic<AsyncLogger*> logger{nullptr};  // while one is installed
  std::atomic<pid_t> pid{0};                  // process that installed it
  std::atomic<int64_t> timeout_ns{0};
  // For each of kSignals: whether it is handled, and the previous handler.
  std::array<bool, kSignals.size()> taken{};
  std::array<struct sigaction, kSignals.size()> before{};
  bool has_exit_handler = false;
  // The thread that ends the process by a signal, or flushes at exit().
  std::atomic<pid_t> ending{0};
  std::atomic<bool> back_end_crashed{false};
  std::atomic<int> noting{0};  // threads inside NoteIfOnBackEnd()
};

constinit ProcessState process;

MonotonicTime Now() { return Clock::Real()->Now(); }

absl::Duration Timeout() {
  return absl::Nanoseconds(process.timeout_ns.load());
}

void Nap() { nanosleep(&kNap, nullptr); }

// Makes this thread the one that ends the process. If another thread is ending
// it, waits for that, and returns false if it takes too long.
bool TryBecomeEnding() {
  const MonotonicTime deadline = Now() + 2 * Timeout();
  const pid_t self = gettid();
  for (pid_t none = 0; !process.ending.compare_exchange_strong(none, self);
       none = 0) {
    if (Now() >= deadline) return false;
    Nap();
  }
  return true;
}

// Restores the previous handlers and sends `signal` again with the same `info`.
// It is delivered when the handler returns.
void SendAgain(int signal, siginfo_t* info) {
  for (size_t i = 0; i < kSignals.size(); ++i) {
    if (process.taken[i]) {
      sigaction(kSignals[i], &process.before[i], nullptr);
    }
  }
  if (syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), signal, info) != 0) {
    raise(signal);
  }
}

// Sends this thread a signal after a time, unless destroyed before. For a
// thread that may block without a limit, inside a signal handler.
class Alarm {
 public:
  Alarm(int signal, absl::Duration after) {
    sigevent event = {};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = signal;
    event._sigev_un._tid = gettid();
    // The C library's timer_create() allocates memory.
    set_ = syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer_) == 0;
    if (!set_) return;
    const itimerspec once = {.it_interval = {},
                             .it_value = absl::ToTimespec(after)};
    syscall(SYS_timer_settime, timer_, 0, &once, nullptr);
    sigset_t unblocked;
    sigemptyset(&unblocked);
    sigaddset(&unblocked, signal);
    pthread_sigmask(SIG_UNBLOCK, &unblocked, &mask_);
  }
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;
  ~Alarm() {
    if (!set_) return;
    syscall(SYS_timer_delete, timer_);
    pthread_sigmask(SIG_SETMASK, &mask_, nullptr);
  }

  bool set() const { return set_; }

 private:
  bool set_;
  int timer_ = 0;  // the kernel's number of the timer
  sigset_t mask_;
};

// Returns the name that this thread has in its lines, or its own name if the
// ring cannot be found without a lock.
absl::string_view NameOfThread(const AsyncLogger* logger) {
  const ThreadRing* const ring = log_internal::last_ring;
  if (ring != nullptr && ring->logger.load() == logger) return ring->thread;
  static constinit char name[16] = "";
  prctl(PR_GET_NAME, name);
  return name;
}

}  // namespace

// ---------------------------------------------------------------------------
// Called by main()
// ---------------------------------------------------------------------------

absl::StatusOr<std::unique_ptr<LogCrashHandler>> LogCrashHandler::Install(
    AsyncLogger* logger, absl::Duration timeout) {
  const pid_t pid = getpid();
  SLUICE_CHECK(!logger->forked());
  SLUICE_CHECK(process.installed.load() == nullptr ||
               process.pid.load() != pid);
  (void)Now();  // the first call initializes the clock
  auto self = absl::WrapUnique(new LogCrashHandler);
  const absl::Status status = self->AddStack();
  if (!status.ok()) return status;
  if (!process.has_exit_handler && atexit(OnExit) != 0) {
    return absl::ResourceExhaustedError(
        "atexit: no memory for a handler that flushes the log");
  }
  process.has_exit_handler = true;
  process.timeout_ns.store(absl::ToInt64Nanoseconds(timeout));
  process.ending.store(0);
  process.back_end_crashed.store(false);
  self->TakeSignals(logger, pid);
  return self;
}

absl::Status LogCrashHandler::AddStack() {
  if (sigaltstack(nullptr, &stack_before_) != 0) {
    return absl::ErrnoToStatus(errno, "sigaltstack");
  }
  if ((stack_before_.ss_flags & SS_DISABLE) == 0) return absl::OkStatus();
  stack_ = std::make_unique<char[]>(kStackBytes);
  const stack_t stack = {
      .ss_sp = stack_.get(), .ss_flags = 0, .ss_size = kStackBytes};
  if (sigaltstack(&stack, nullptr) == 0) return absl::OkStatus();
  stack_.reset();
  return absl::ErrnoToStatus(errno, "sigaltstack");
}

void LogCrashHandler::TakeSignals(AsyncLogger* logger, pid_t pid) {
  for (size_t i = 0; i < kSignals.size(); ++i) {
    struct sigaction now;
    SLUICE_CHECK(sigaction(kSignals[i], nullptr, &now) == 0);
    // In the child of a fork the parent's handler is there; `before` is known.
    if (now.sa_sigaction == &OnSignal) continue;
    process.before[i] = now;
    process.taken[i] =
        now.sa_handler == SIG_DFL ||
        (now.sa_handler != SIG_IGN && !IsFromOutside(kSignals[i]));
  }
  process.installed.store(this);
  process.logger.store(logger);
  process.pid.store(pid);
  struct sigaction ours = {};
  ours.sa_sigaction = &OnSignal;
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigfillset(&ours.sa_mask);
  for (size_t i = 0; i < kSignals.size(); ++i) {
    if (process.taken[i]) sigaction(kSignals[i], &ours, nullptr);
  }
}

LogCrashHandler::~LogCrashHandler() {
  SLUICE_CHECK(pthread_equal(thread_, pthread_self()) != 0);
  // It is not this one if Install() failed, or if the child of a fork has its
  // own.
  if (process.installed.load() == this) ReturnSignals();
  stack_t stack;
  if (stack_ != nullptr && sigaltstack(nullptr, &stack) == 0 &&
      stack.ss_sp == stack_.get()) {
    sigaltstack(&stack_before_, nullptr);
  }
}

void LogCrashHandler::ReturnSignals() {
  for (size_t i = 0; i < kSignals.size(); ++i) {
    struct sigaction now;
    if (process.taken[i] && sigaction(kSignals[i], nullptr, &now) == 0 &&
        now.sa_sigaction == &OnSignal) {
      sigaction(kSignals[i], &process.before[i], nullptr);
    }
  }
  process.logger.store(nullptr);
  if (process.pid.load() == getpid()) {
    // Wait for threads that have read process.logger.
    while (process.noting.load() > 0) Nap();
    if (TryBecomeEnding()) process.ending.store(0);
  }
  process.installed.store(nullptr);
}

// ---------------------------------------------------------------------------
// At the end of the process
// ---------------------------------------------------------------------------

void LogCrashHandler::OnSignal(int signal, siginfo_t* info, void*) {
  const int errno_before = errno;
  // Do nothing in the child of a fork, nor for a crash inside this handler.
  if (process.pid.load() == getpid() && process.ending.load() != gettid()) {
    NoteIfOnBackEnd();
    if (TryBecomeEnding()) {
      AsyncLogger* const logger = process.logger.load();
      if (logger != nullptr) WriteLastLine(logger, *info);
    }
  }
  SendAgain(signal, info);
  errno = errno_before;
}

void LogCrashHandler::OnExit() {
  if (process.pid.load() != getpid() || process.ending.load() == gettid() ||
      !TryBecomeEnding()) {
    return;
  }
  AsyncLogger* const logger = process.logger.load();
  if (logger != nullptr) Flush(logger, /*line=*/nullptr, /*signal=*/0);
  process.ending.store(0);
}

void LogCrashHandler::NoteIfOnBackEnd() {
  process.noting.fetch_add(1);
  const AsyncLogger* const logger = process.logger.load();
  if (logger != nullptr && logger->OnBackEnd()) {
    process.back_end_crashed.store(true);
  }
  process.noting.fetch_sub(1);
}

void LogCrashHandler::WriteLastLine(AsyncLogger* logger,
                                    const siginfo_t& info) {
  static constinit AsyncLogger::LastLine line = {};
  static constinit char bytes[64] = "";
  line.thread = NameOfThread(logger);
  const auto set = [](const LogSite& site, const auto&... args) {
    const LogArgs packed(args...);
    SLUICE_CHECK(packed.size() <= sizeof(bytes));
    packed.CopyTo(bytes);
    line.site = &site;
    line.args = absl::string_view(bytes, packed.size());
  };
  const int signal = info.si_signo;
  const char* const name = sigabbrev_np(signal);  // "SEGV" for SIGSEGV
  if (info.si_code > 0 && info.si_code != SI_KERNEL) {
    const auto address = reinterpret_cast<uintptr_t>(info.si_addr);
    SLUICE_LOG_SITE(site, kFatal, "ended by signal {} (SIG{}) at address {:#x}",
                    signal, name, address);
    set(site, signal, name, address);
  } else if ((info.si_code == SI_USER || info.si_code == SI_TKILL) &&
             info.si_pid != getpid()) {
    const pid_t sender = info.si_pid;
    SLUICE_LOG_SITE(site, kFatal, "ended by signal {} (SIG{}) of process {}",
                    signal, name, sender);
    set(site, signal, name, sender);
  } else {
    SLUICE_LOG_SITE(site, kFatal, "ended by signal {} (SIG{})", signal, name);
    set(site, signal, name);
  }
  Flush(logger, &line, signal);
}

void LogCrashHandler::Flush(AsyncLogger* logger,
                            const AsyncLogger::LastLine* line, int signal) {
  if (logger->OnBackEnd()) return;
  const MonotonicTime half = Now() + Timeout() / 2;
  const MonotonicTime deadline = Now() + Timeout();
  const uint64_t asked = logger->AskForFlush(line);
  while (!logger->IsAnswered(asked) && !process.back_end_crashed.load() &&
         Now() < deadline) {
    // LoggerThread may not run, or hang in a call.
    const bool alone = logger->DrivesBackEnd() || Now() >= half;
    if (!alone || !RunOnce(logger, signal, deadline)) Nap();
  }
}

bool LogCrashHandler::RunOnce(AsyncLogger* logger, int signal,
                              MonotonicTime deadline) {
  if (signal == 0) return logger->TryRunOnce();
  // This thread may have held a lock when the signal came, and would then wait
  // for itself: the alarm ends that.
  const Alarm alarm(signal, std::max(deadline - Now(), absl::Milliseconds(1)));
  return alarm.set() && logger->TryRunOnce();
}

}  // namespace sluice
