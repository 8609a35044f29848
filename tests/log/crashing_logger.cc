// A program that logs to standard output and then ends in the way that its
// first argument names. log_crash_test checks the lines.

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "sluice/base/check.h"
#include "sluice/base/thread.h"
#include "sluice/log/async_logger.h"
#include "sluice/log/descriptor_writer.h"
#include "sluice/log/log.h"
#include "sluice/log/log_crash_handler.h"
#include "sluice/log/log_severity.h"
#include "sluice/log/log_writer.h"
#include "sluice/log/logger_thread.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

constexpr int kLines = 2000;  // fewer than a ring holds

// ---------------------------------------------------------------------------
// Faults
// ---------------------------------------------------------------------------

enum class Fault { kNone, kError, kCrash, kHang, kExit };

volatile uintptr_t bad_address = 0x10;

void WriteToBadAddress() { *reinterpret_cast<volatile int*>(bad_address) = 1; }

[[noreturn]] void Hang() {
  while (true) pause();
}

// Prints `text` to standard error. Async-signal-safe.
void Print(absl::string_view text) {
  SLUICE_CHECK(write(STDERR_FILENO, text.data(), text.size()) > 0);
}

std::atomic<bool> writer_hangs{false};

class FaultyWriter final : public LogWriter {
 public:
  explicit FaultyWriter(const std::atomic<Fault>* fault) : fault_(*fault) {}

  absl::Status Write(absl::string_view* lines) override {
    switch (fault_.load()) {
      case Fault::kNone:
        break;
      case Fault::kError:
        return absl::ResourceExhaustedError("no room");
      case Fault::kCrash:
        WriteToBadAddress();
        break;
      case Fault::kHang:
        writer_hangs = true;
        Hang();
      case Fault::kExit:
        std::exit(3);
    }
    return out_.Write(lines);
  }
  absl::Status Flush() override { return out_.Flush(); }

 private:
  const std::atomic<Fault>& fault_;
  DescriptorWriter out_{STDOUT_FILENO};
};

int Recurse(int depth) {
  volatile char frame[4096];
  frame[0] = static_cast<char>(depth);
  return frame[0] + (depth < 0 ? 0 : Recurse(depth + 1));
}

// ---------------------------------------------------------------------------
// The logger
// ---------------------------------------------------------------------------

struct Setup {
  bool thread = true;                         // true: start a LoggerThread
  bool handler = true;                        // true: with LogCrashHandler
  absl::Duration timeout = absl::Minutes(5);  // longer than the test waits
  AsyncLogger::OnFull on_full = AsyncLogger::OnFull::kDrop;
};

// The objects of the program. They are never destroyed, because the program
// does not return from main().
struct Logging {
  std::atomic<Fault> fault{Fault::kNone};
  std::unique_ptr<AsyncLogger> logger;
  std::unique_ptr<LoggerThread> thread;
  std::unique_ptr<LogCrashHandler> handler;
};

Logging& TheLogging() {
  static auto* const logging = new Logging;
  return *logging;
}

AsyncLogger* Log() { return TheLogging().logger.get(); }
std::atomic<Fault>& WriterFault() { return TheLogging().fault; }

void SetUp(Setup setup = {}) {
  Logging& logging = TheLogging();
  AsyncLogger::Options options;
  options.clock = Clock::Real();
  options.on_full = setup.on_full;
  options.on_error = [](const absl::Status&) {};
  logging.logger = std::make_unique<AsyncLogger>(
      std::make_unique<FaultyWriter>(&logging.fault), std::move(options));
  if (setup.thread) {
    logging.thread = LoggerThread::Start(Log()).value();
  }
  if (setup.handler) {
    logging.handler = LogCrashHandler::Install(Log(), setup.timeout).value();
  }
}

void LogLines(int lines = kLines) {
  for (int i = 0; i < lines; ++i) SLUICE_LOG(Log(), kInfo, "line {}", i);
}

void SetUpAndLog(Setup setup = {}) {
  SetUp(setup);
  LogLines();
}

// ---------------------------------------------------------------------------
// Ends
// ---------------------------------------------------------------------------

void Abort() {
  SetUpAndLog();
  std::abort();
}

void AbortWithInfiniteTimeout() {
  SetUpAndLog({.timeout = absl::InfiniteDuration()});
  std::abort();
}

void AbortWithNegativeTimeout() {
  SetUp({.timeout = -absl::InfiniteDuration()});
  WriterFault() = Fault::kHang;
  LogLines();
  std::abort();
}

void CheckFails() {
  SetUpAndLog();
  SLUICE_CHECK(Log() == nullptr);
}

void BadAddress() {
  SetUpAndLog();
  WriteToBadAddress();
}

void IllegalInstruction() {
  SetUpAndLog();
  __builtin_trap();
}

void StackOverflow() {
  SetUpAndLog();
  std::exit(Recurse(0));
}

// Waits for a signal, on the thread of main().
void Wait() {
  SetUp();
  // LoggerThread may take the signal while it starts, so wait until it has
  // started.
  SLUICE_CHECK(Log()->FlushAndWait(absl::Minutes(1)).ok());
  LogLines();
  Print("waiting\n");
  Hang();
}

// Waits for a signal. The program has its own handler of SIGQUIT.
void WaitWithOwnSigquit() {
  signal(SIGQUIT, [](int) { Print("own SIGQUIT\n"); });
  Wait();
}

void ExitInMain() {
  SetUpAndLog();
  std::exit(3);
}

void ExitInThread() {
  SetUp();
  Thread thread = Thread::Start("worker", [] {
                    LogLines();
                    std::exit(3);
                  }).value();
  Hang();
}

void ExitInFlush() {
  SetUpAndLog();
  Log()->Flush([](const absl::Status&) {
    SLUICE_LOG(Log(), kInfo, "last words");
    std::exit(3);
  });
  Hang();
}

void ExitInWriter() {
  SetUp();
  WriterFault() = Fault::kExit;
  LogLines();
  Hang();
}

// Logs more lines than a ring holds.
void ExitWithBlockedLines() {
  SetUp({.on_full = AsyncLogger::OnFull::kBlock});
  LogLines(50 * kLines);
  std::exit(3);
}

void ExitWithFullRing() {
  SetUp({.thread = false});
  for (int i = 0; Log()->stats().dropped == 0; ++i) {
    SLUICE_LOG(Log(), kInfo, "line {}", i);
  }
  std::exit(3);
}

void AbortWithoutHandler() {
  SetUpAndLog({.thread = false, .handler = false});
  std::abort();
}

void AbortAfterHandler() {
  SetUpAndLog({.thread = false});
  TheLogging().handler.reset();
  std::abort();
}

void AbortWithoutThread() {
  SetUpAndLog({.thread = false});
  std::abort();
}

void HangWithoutThread() {
  SetUpAndLog({.thread = false, .timeout = absl::Milliseconds(100)});
  WriterFault() = Fault::kHang;
  std::abort();
}

void BackEndCrashes() {
  SetUp();
  WriterFault() = Fault::kCrash;
  LogLines();
  Hang();
}

// Ends by a crash of the back end, in the flush that a first crash requests.
void BackEndCrashesToo() {
  SetUpAndLog();
  SLUICE_CHECK(Log()->FlushAndWait(absl::Minutes(1)).ok());
  WriterFault() = Fault::kCrash;
  std::abort();
}

void CrashInFlush() {
  SetUpAndLog();
  Log()->Flush([](const absl::Status&) { WriteToBadAddress(); });
  Hang();
}

// Ends while the logger's thread hangs outside RunOnce().
void ThreadHangs() {
  SetUpAndLog({.timeout = absl::Milliseconds(200)});
  static std::atomic<bool> hangs{false};
  Log()->Flush([](const absl::Status&) {
    hangs = true;
    Hang();
  });
  while (!hangs) {
  }
  LogLines(1);
  std::abort();
}

void WriterFails() {
  SetUpAndLog();
  WriterFault() = Fault::kError;
  std::abort();
}

void WriterHangs() {
  SetUp({.timeout = absl::Milliseconds(100)});
  WriterFault() = Fault::kHang;
  LogLines();
  std::abort();
}

void WriterHangsAtExit() {
  SetUp({.timeout = absl::Milliseconds(100)});
  WriterFault() = Fault::kHang;
  LogLines();
  std::exit(3);
}

// Lets `crashing` of eight threads crash while all of them log.
void CrashInThreads(int crashing) {
  SetUp({.on_full = AsyncLogger::OnFull::kBlock});
  std::atomic<int> ready{0};
  std::vector<Thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.push_back(Thread::Start("worker", [t, crashing, &ready] {
                        ++ready;
                        while (ready < 8) {
                        }
                        for (int i = 0; i < kLines || t >= crashing; ++i) {
                          SLUICE_LOG(Log(), kInfo, "thread {} line {}", t, i);
                        }
                        WriteToBadAddress();
                      }).value());
  }
  Hang();
}

void CrashInOneOfThreads() { CrashInThreads(1); }
void CrashInAllThreads() { CrashInThreads(8); }

// Crashes with an earlier handler, as programs with a crash reporter have one.
void Reported() {
  struct sigaction reporter = {};
  reporter.sa_sigaction = [](int, siginfo_t* info, void*) {
    if (reinterpret_cast<uintptr_t>(info->si_addr) == bad_address &&
        info->si_code == SEGV_MAPERR) {
      Print("reported\n");
    }
    _exit(4);
  };
  reporter.sa_flags = SA_SIGINFO;
  sigaction(SIGSEGV, &reporter, nullptr);
  SetUpAndLog();
  WriteToBadAddress();
}

// Runs `child` in the child of a fork, and ends as the child does.
void EndAsChild(void (*child)()) {
  const pid_t pid = fork();
  if (pid == 0) {
    child();
    _exit(9);
  }
  int status;
  SLUICE_CHECK(waitpid(pid, &status, 0) == pid);
  std::exit(WIFSIGNALED(status) ? 100 + WTERMSIG(status) : WEXITSTATUS(status));
}

void ChildCrashes() {
  SetUpAndLog();
  EndAsChild([] {
    LogLines();
    std::abort();
  });
}

void ChildExits() {
  SetUpAndLog();
  EndAsChild([] {
    LogLines();
    std::exit(5);
  });
}

void ChildWithOwnHandlerCrashes() {
  // There is no LoggerThread, because it could hold the allocator's lock during
  // the fork.
  SetUp({.thread = false});
  EndAsChild([] {
    Logging& parents = TheLogging();
    const std::unique_ptr<LogCrashHandler> handler = std::move(parents.handler);
    SetUpAndLog();
    std::abort();
  });
}

// An object whose destructor logs.
class LastWords {
 public:
  explicit LastWords(const char* words) : words_(words) {}
  ~LastWords() { SLUICE_LOG(Log(), kInfo, "destroyed: {}", words_); }

 private:
  const char* const words_;
};

// An object whose destructor crashes.
class LastStraw {
 public:
  ~LastStraw() {
    SLUICE_LOG(Log(), kInfo, "last straw");
    std::abort();
  }
};

void CrashInDestructor() {
  static const LastStraw straw;
  SetUpAndLog();
}

// Lets one thread crash while main() returns.
void DestroyedMeanwhile() {
  SetUp({.timeout = absl::Milliseconds(300)});
  WriterFault() = Fault::kHang;
  Thread thread = Thread::Start("worker", [] {
                    LogLines(1);
                    std::abort();
                  }).value();
  while (!writer_hangs) {
  }
  TheLogging().handler.reset();
  _exit(3);
}

// Expects that each flush is answered once, including flushes during exit().
class FlushesAtExit {
 public:
  ~FlushesAtExit() {
    for (int i = 0; i < 2; ++i) {
      Log()->Flush([](const absl::Status&) { Print("flushed later\n"); });
      Log()->RunOnce();
    }
  }
};

void FlushAtExit() {
  static const FlushesAtExit flushes;
  SetUpAndLog({.thread = false});
  Log()->Flush([](const absl::Status&) { Print("flushed\n"); });
}

void LogInDestructors() {
  static const LastWords before("before the handler");
  SetUp({.thread = false});
  static const LastWords after("after the handler");
  Thread::Start("worker",
                [] {
                  thread_local const LastWords local("with its thread");
                  SLUICE_LOG(Log(), kInfo, "thread");
                })
      .value()
      .Join();
  thread_local const LastWords local("with main()");
  LogLines(1);
}

struct Scenario {
  absl::string_view name;
  void (*run)();
};

constexpr Scenario kScenarios[] = {
    {"abort", Abort},
    {"abort_after_handler", AbortAfterHandler},
    {"abort_with_infinite_timeout", AbortWithInfiniteTimeout},
    {"abort_with_negative_timeout", AbortWithNegativeTimeout},
    {"abort_without_handler", AbortWithoutHandler},
    {"abort_without_thread", AbortWithoutThread},
    {"back_end_crashes", BackEndCrashes},
    {"back_end_crashes_too", BackEndCrashesToo},
    {"bad_address", BadAddress},
    {"check_fails", CheckFails},
    {"child_crashes", ChildCrashes},
    {"child_exits", ChildExits},
    {"child_with_own_handler_crashes", ChildWithOwnHandlerCrashes},
    {"crash_in_all_threads", CrashInAllThreads},
    {"crash_in_destructor", CrashInDestructor},
    {"crash_in_flush", CrashInFlush},
    {"crash_in_one_of_threads", CrashInOneOfThreads},
    {"destroyed_meanwhile", DestroyedMeanwhile},
    {"exit_in_flush", ExitInFlush},
    {"exit_in_main", ExitInMain},
    {"exit_in_thread", ExitInThread},
    {"exit_in_writer", ExitInWriter},
    {"exit_with_blocked_lines", ExitWithBlockedLines},
    {"exit_with_full_ring", ExitWithFullRing},
    {"flush_at_exit", FlushAtExit},
    {"hang_without_thread", HangWithoutThread},
    {"illegal_instruction", IllegalInstruction},
    {"log_in_destructors", LogInDestructors},
    {"reported", Reported},
    {"stack_overflow", StackOverflow},
    {"thread_hangs", ThreadHangs},
    {"wait", Wait},
    {"wait_with_own_sigquit", WaitWithOwnSigquit},
    {"writer_fails", WriterFails},
    {"writer_hangs", WriterHangs},
    {"writer_hangs_at_exit", WriterHangsAtExit},
};

int Main(absl::string_view name) {
  const rlimit none = {0, 0};
  SLUICE_CHECK(setrlimit(RLIMIT_CORE, &none) == 0);
  for (const Scenario& scenario : kScenarios) {
    if (scenario.name != name) continue;
    scenario.run();
    return 0;
  }
  return 64;
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  return sluice::Main(argc == 2 ? argv[1] : "");
}
