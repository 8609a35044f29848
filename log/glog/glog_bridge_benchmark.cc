// Measures a line on the thread that logs it: by glog to its file, by glog
// through the bridge, and by SLUICE_LOG. Times are CPU times of the caller,
// without the time of the back end.

#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "benchmark/benchmark.h"
#include "glog/logging.h"
#include "sluice/base/check.h"
#include "sluice/log/async_logger.h"
#include "sluice/log/glog/glog_bridge.h"
#include "sluice/log/log.h"
#include "sluice/log/log_severity.h"
#include "sluice/log/log_writer.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

constexpr int kLines = 500;

class NullWriter final : public LogWriter {
 public:
  absl::Status Write(absl::string_view* lines) override {
    lines->remove_prefix(lines->size());
    return absl::OkStatus();
  }
  absl::Status Flush() override { return absl::OkStatus(); }
};

// Sets up glog once for the process, with files in a folder that is removed
// with this object.
class GlogFiles {
 public:
  GlogFiles() {
    std::string folder =
        (std::filesystem::temp_directory_path() / "glog_benchmark_XXXXXX");
    SLUICE_CHECK(mkdtemp(folder.data()) != nullptr);
    folder_ = folder;
    FLAGS_log_dir = folder;
    google::InitGoogleLogging("glog_bridge_benchmark");
  }
  ~GlogFiles() {
    google::ShutdownGoogleLogging();
    std::filesystem::remove_all(folder_);
  }

 private:
  std::filesystem::path folder_;
};

void LogByGlog() {
  for (int i = 0; i < kLines; ++i) {
    LOG(INFO) << "request " << i << " took " << i * 0.37 << " ms for "
              << "10.20.30.40";
  }
}

void BM_GlogToFile(benchmark::State& state) {
  const GlogFiles files;
  while (state.KeepRunningBatch(kLines)) LogByGlog();
}
BENCHMARK(BM_GlogToFile);

// Logs through the bridge, to a logger with this level and with a level for
// each of `files` files.
void Bridge(benchmark::State& state, LogSeverity level, int files) {
  const GlogFiles glog_files;
  AsyncLogger logger(std::make_unique<NullWriter>(),
                     {.clock = Clock::Real(), .level = level});
  for (int i = 0; i < files; ++i) {
    SLUICE_CHECK(logger.levels()
                     .SetForFile(std::to_string(i) + ".cc", LogSeverity::kError)
                     .ok());
  }
  const GlogBridge bridge(&logger);
  while (state.KeepRunningBatch(kLines)) {
    LogByGlog();
    state.PauseTiming();
    logger.RunOnce();
    state.ResumeTiming();
  }
}
void BM_Bridge(benchmark::State& state) {
  Bridge(state, LogSeverity::kInfo, 0);
}
BENCHMARK(BM_Bridge);

void BM_BridgeWithLevelsOfFiles(benchmark::State& state) {
  Bridge(state, LogSeverity::kInfo, static_cast<int>(state.range(0)));
}
BENCHMARK(BM_BridgeWithLevelsOfFiles)->Arg(4)->Arg(64);

void BM_BridgeThatIsOff(benchmark::State& state) {
  Bridge(state, LogSeverity::kWarning, 0);
}
BENCHMARK(BM_BridgeThatIsOff);

// glog without the prefix, which the bridge does not use.
void BM_BridgeWithoutPrefix(benchmark::State& state) {
  FLAGS_log_prefix = false;
  Bridge(state, LogSeverity::kInfo, 0);
  FLAGS_log_prefix = true;
}
BENCHMARK(BM_BridgeWithoutPrefix);

void BM_SluiceLog(benchmark::State& state) {
  AsyncLogger logger(std::make_unique<NullWriter>(), {.clock = Clock::Real()});
  while (state.KeepRunningBatch(kLines)) {
    for (int i = 0; i < kLines; ++i) {
      SLUICE_LOG(&logger, kInfo, "request {} took {} ms for {}", i, i * 0.37,
                 "10.20.30.40");
    }
    state.PauseTiming();
    logger.RunOnce();
    state.ResumeTiming();
  }
}
BENCHMARK(BM_SluiceLog);

}  // namespace
}  // namespace sluice
