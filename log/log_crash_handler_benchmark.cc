// Measures what the handler adds to a crash: the time from abort() to the
// parent's waitpid(2), with a thousand lines in the ring.

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>

#include "absl/time/time.h"
#include "benchmark/benchmark.h"
#include "sluice/base/check.h"
#include "sluice/log/async_logger.h"
#include "sluice/log/descriptor_writer.h"
#include "sluice/log/log.h"
#include "sluice/log/log_crash_handler.h"
#include "sluice/log/log_severity.h"
#include "sluice/log/logger_thread.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

enum Who { kNobody, kLoggerThread, kCrashedThread };

// The child. Sends a byte just before it crashes.
[[noreturn]] void Crash(Who who, int ready) {
  const rlimit none = {0, 0};
  SLUICE_CHECK(setrlimit(RLIMIT_CORE, &none) == 0);
  AsyncLogger logger(
      std::make_unique<DescriptorWriter>(open("/dev/null", O_WRONLY)),
      {.clock = Clock::Real()});
  std::unique_ptr<LoggerThread> thread;
  if (who == kLoggerThread) thread = LoggerThread::Start(&logger).value();
  std::unique_ptr<LogCrashHandler> handler;
  if (who != kNobody) handler = LogCrashHandler::Install(&logger).value();
  SLUICE_CHECK(logger.FlushAndWait(absl::Seconds(5)).ok());
  for (int i = 0; i < 1000; ++i) SLUICE_LOG(&logger, kInfo, "line {}", i);
  SLUICE_CHECK(write(ready, "", 1) == 1);
  std::abort();
}

void BM_Crash(benchmark::State& state) {
  const auto who = static_cast<Who>(state.range(0));
  for (auto unused : state) {
    state.PauseTiming();
    int ready[2];
    SLUICE_CHECK(pipe2(ready, O_CLOEXEC) == 0);
    const pid_t pid = fork();
    if (pid == 0) Crash(who, ready[1]);
    char byte;
    SLUICE_CHECK(pid > 0 && read(ready[0], &byte, 1) == 1);
    state.ResumeTiming();
    int status;
    SLUICE_CHECK(waitpid(pid, &status, 0) == pid);
    SLUICE_CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    state.PauseTiming();
    close(ready[0]);
    close(ready[1]);
    state.ResumeTiming();
  }
  constexpr const char* kLabels[] = {"no handler", "LoggerThread writes",
                                     "the crashed thread writes"};
  state.SetLabel(kLabels[who]);
}
BENCHMARK(BM_Crash)->DenseRange(kNobody, kCrashedThread)->UseRealTime();

}  // namespace
}  // namespace sluice
