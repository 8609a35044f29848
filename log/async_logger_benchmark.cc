// Measures a line: on the thread that logs it, and on the back end.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "benchmark/benchmark.h"
#include "sluice/log/async_logger.h"
#include "sluice/log/log.h"
#include "sluice/log/log_severity.h"
#include "sluice/log/log_writer.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

class NullWriter final : public LogWriter {
 public:
  absl::Status Write(absl::string_view* lines) override {
    lines->remove_prefix(lines->size());
    return absl::OkStatus();
  }
  absl::Status Flush() override { return absl::OkStatus(); }
};

AsyncLogger MakeLogger(LogSeverity level) {
  return AsyncLogger(std::make_unique<NullWriter>(),
                     {.clock = Clock::Real(), .level = level});
}

constexpr int kLines = 1000;

void LogLines(AsyncLogger* logger) {
  const absl::string_view peer = "10.20.30.40";
  for (int i = 0; i < kLines; ++i) {
    SLUICE_LOG(logger, kInfo, "request {} took {} ms for {}", i, i * 0.37,
               peer);
  }
}

void BM_Call(benchmark::State& state) {
  AsyncLogger logger = MakeLogger(LogSeverity::kInfo);
  while (state.KeepRunningBatch(kLines)) {
    LogLines(&logger);
    state.PauseTiming();
    logger.RunOnce();
    state.ResumeTiming();
  }
}
BENCHMARK(BM_Call);

void BM_CallThatIsOff(benchmark::State& state) {
  AsyncLogger logger = MakeLogger(LogSeverity::kWarning);
  while (state.KeepRunningBatch(kLines)) {
    LogLines(&logger);
    benchmark::ClobberMemory();
  }
}
BENCHMARK(BM_CallThatIsOff);

// Logs in a file with a level of its own.
void BM_CallThatIsOffByFile(benchmark::State& state) {
  AsyncLogger logger = MakeLogger(LogSeverity::kWarning);
  (void)logger.levels().SetForFile("other.cc", LogSeverity::kDebug);
  while (state.KeepRunningBatch(kLines)) {
    LogLines(&logger);
    benchmark::ClobberMemory();
  }
}
BENCHMARK(BM_CallThatIsOffByFile);

void BM_BackEnd(benchmark::State& state) {
  AsyncLogger logger = MakeLogger(LogSeverity::kInfo);
  while (state.KeepRunningBatch(kLines)) {
    state.PauseTiming();
    LogLines(&logger);
    state.ResumeTiming();
    logger.RunOnce();
  }
}
BENCHMARK(BM_BackEnd);

}  // namespace
}  // namespace sluice
