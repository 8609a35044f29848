// Compares AsyncLogger with other loggers: the cost of a statement for the
// thread that executes it, and the cost of a line until it is in the file. The
// program reads every file back. A logger that drops a line gets no figure.

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <numeric>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "sluice/base/check.h"
#include "sluice/base/standard_descriptors.h"
#include "sluice/base/thread.h"
#include "sluice/bench/logger_contenders.h"
#include "sluice/bench/report/comparison.h"
#include "sluice/bench/report/cpu_time.h"
#include "sluice/bench/report/cpus.h"
#include "sluice/bench/report/logged_lines.h"
#include "sluice/bench/report/tick_counter.h"
#include "sluice/bench/report/user_file.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

// A temporary folder. The destructor removes the folder and everything in it.
class TemporaryFolder {
 public:
  TemporaryFolder()
      : path_(std::filesystem::temp_directory_path() / "loggers.XXXXXX") {
    SLUICE_CHECK(mkdtemp(path_.data()) != nullptr);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Returns the path of a file in `folder` that only this process uses.
std::string FileIn(const std::string& folder) {
  return absl::StrCat(folder, "/", getpid(), ".log");
}

// Checks that the file has exactly the lines that it should have, and removes
// the file. If the check fails, ends the process.
template <typename L>
void CheckAndRemove(const std::string& path, int producers, int each) {
  if (std::is_base_of_v<NoFile, L>) return;
  const absl::StatusOr<std::string> file = ReadFile(path);
  const absl::Status status =
      file.ok() ? CheckLoggedLines(*file, producers, each) : file.status();
  std::remove(path.c_str());
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  std::_Exit(1);
}

// ---------------------------------------------------------------------------
// A caller with a pace
// ---------------------------------------------------------------------------

constexpr int kWarmUpCalls = 6'000;
constexpr int kPacedCalls = 60'000;
constexpr double kCallsPerSecond = 60'000;

// Returns the ticks of each call, without the calls for warming up. Makes a
// call when it is due or, after a call that took long, as soon as possible.
template <typename L>
std::vector<uint64_t> PacedCalls(L* logger, double nanos_per_tick) {
  const auto period =
      static_cast<uint64_t>(1e9 / kCallsPerSecond / nanos_per_tick);
  std::vector<uint64_t> ticks(kWarmUpCalls + kPacedCalls);
  uint64_t due = TicksNow();
  for (size_t i = 0; i < ticks.size(); ++i, due += period) {
    const LoggedValues values = LoggedValuesOf(static_cast<int>(i));
    while (TicksNow() < due) {
    }
    const uint64_t begin = TicksNow();
    logger->Log(values);
    ticks[i] = TicksNow() - begin;
  }
  ticks.erase(ticks.begin(), ticks.begin() + kWarmUpCalls);
  return ticks;
}

// Runs the caller on one CPU and the threads of the logger on another.
template <typename L>
std::vector<double> PacedCaller(const std::string& folder) {
  const std::string path = FileIn(folder);
  const Cpus cpus(2);
  cpus.Pin(1);
  L logger(path);
  cpus.Pin(0);
  const double nanos_per_tick = NanosPerTick();
  std::vector<uint64_t> ticks = PacedCalls(&logger, nanos_per_tick);
  logger.Close();
  CheckAndRemove<L>(path, 1, kWarmUpCalls + kPacedCalls);

  std::sort(ticks.begin(), ticks.end());
  const auto nanos = [=](double t) { return t * nanos_per_tick; };
  const auto slowest = [&](int count) {
    return static_cast<double>(ticks[kPacedCalls - count]);
  };
  // If the counter goes in steps of many ticks, the median is one of a few
  // values. A mean is not.
  constexpr int kOnePercent = kPacedCalls / 100;
  const double sum =
      std::accumulate(ticks.begin(), ticks.end() - kOnePercent, 0.0);
  return {nanos(slowest(kPacedCalls / 2)), nanos(slowest(kOnePercent)),
          nanos(slowest(kPacedCalls / 1000)),
          nanos(sum / (kPacedCalls - kOnePercent))};
}

ComparedCase PacedCase(const std::string& folder) {
  ComparedCase result{.name = "a caller at 60,000 lines/s",
                      .metrics = {"ns, median", "ns, 99 %", "ns, 99.9 %",
                                  "ns, mean of the fastest 99 %"},
                      .contenders = {}};
  const auto add = [&]<typename L>(const char* name) {
    result.contenders.push_back({name, [=] { return PacedCaller<L>(folder); }});
  };
  add.template operator()<BareRing>("bare ring");
  add.template operator()<SluiceLogger>("Sluice");
  add.template operator()<SpdlogAsync>("spdlog, async");
  add.template operator()<SpdlogSync>("spdlog");
  add.template operator()<Glog>("glog 0.6");
  add.template operator()<Fprintf>("fprintf");
  add.template operator()<NoLogger>("nothing: the measurement itself");
  return result;
}

// ---------------------------------------------------------------------------
// As fast as it goes
// ---------------------------------------------------------------------------

constexpr int kLines = 500'000;

// Returns the time that the calls take, one after the other.
template <typename L>
absl::Duration LogLines(L* logger, int begin, int end) {
  const MonotonicTime start = Clock::Real()->Now();
  for (int i = begin; i < end; ++i) logger->Log(LoggedValuesOf(i));
  return Clock::Real()->Now() - start;
}

// Measures the time until all lines are in the file.
template <typename L, int kProducers>
std::vector<double> FillFile(const std::string& folder) {
  constexpr int kEach = kLines / kProducers;
  const std::string path = FileIn(folder);
  L logger(path);
  std::vector<absl::Duration> calls(kProducers);
  const MonotonicTime begin = Clock::Real()->Now();
  const absl::Duration cpu_begin = ProcessCpuTime();
  std::vector<Thread> others;
  for (int p = 1; p < kProducers; ++p) {
    others.push_back(*Thread::Start("producer", [&, p] {
      calls[p] = LogLines(&logger, p * kEach, (p + 1) * kEach);
    }));
  }
  calls[0] = LogLines(&logger, 0, kEach);
  for (Thread& other : others) other.Join();
  logger.Close();
  const absl::Duration wall = Clock::Real()->Now() - begin;
  const absl::Duration cpu = ProcessCpuTime() - cpu_begin;
  CheckAndRemove<L>(path, kProducers, kEach);
  const absl::Duration all_calls =
      std::accumulate(calls.begin(), calls.end(), absl::ZeroDuration());
  return {absl::ToDoubleNanoseconds(wall) / kLines,
          absl::ToDoubleNanoseconds(cpu) / kLines,
          absl::ToDoubleNanoseconds(all_calls) / kLines};
}

template <typename Limit, int kProducers>
ComparedCase FillCase(std::string name, const std::string& folder) {
  ComparedCase result{
      .name = std::move(name),
      .metrics = {"ns per line", "CPU ns per line, all threads", "ns per call"},
      .contenders = {}};
  const auto add = [&]<typename L>(const char* contender) {
    result.contenders.push_back(
        {contender, [=] { return FillFile<L, kProducers>(folder); }});
  };
  add.template operator()<Limit>("limit");
  add.template operator()<SluiceLogger>("Sluice");
  add.template operator()<SpdlogAsync>("spdlog, async");
  add.template operator()<SpdlogSync>("spdlog");
  add.template operator()<Glog>("glog 0.6");
  add.template operator()<Fprintf>("fprintf");
  return result;
}

// ---------------------------------------------------------------------------
// A statement that is off
// ---------------------------------------------------------------------------

template <typename L>
std::vector<double> CallsThatAreOff(const std::string& folder) {
  constexpr int kCalls = 10'000'000;
  const std::string path = FileIn(folder);
  L logger(path);
  logger.TurnOff();
  const LoggedValues values = LoggedValuesOf(17);
  const absl::Duration begin = ThreadCpuTime();
  for (int i = 0; i < kCalls; ++i) {
    logger.Log(values);
    asm volatile("" : : : "memory");  // values in memory may have changed
  }
  const absl::Duration cpu = ThreadCpuTime() - begin;
  logger.Close();
  std::remove(path.c_str());
  return {absl::ToDoubleNanoseconds(cpu) / kCalls};
}

ComparedCase OffCase(const std::string& folder) {
  ComparedCase result{.name = "a statement that is off",
                      .metrics = {"CPU ns per call"},
                      .contenders = {}};
  const auto add = [&]<typename L>(const char* name) {
    result.contenders.push_back(
        {name, [=] { return CallsThatAreOff<L>(folder); }});
  };
  add.template operator()<BareSwitch>("load and branch");
  add.template operator()<SluiceLogger>("Sluice");
  add.template operator()<SpdlogSync>("spdlog");
  add.template operator()<GlogVerbose>("glog 0.6, VLOG");
  return result;
}

int LoggersMain(int argc, char* argv[]) {
  const TemporaryFolder folder;
  return RunComparison(
      argc, argv,
      {"Loggers",
       "//bench:loggers",
       {"libspdlog-dev", "libfmt-dev"},
       {PacedCase(folder.path()),
        FillCase<BareFile, 1>("as fast as it goes, 1 thread", folder.path()),
        FillCase<LockedBareFile, 2>("as fast as it goes, 2 threads",
                                    folder.path()),
        OffCase(folder.path())}});
}

}  // namespace
}  // namespace sluice

int main(int argc, char* argv[]) {
  sluice::FillStandardDescriptors();
  return sluice::FinishStandardOutput("//bench:loggers",
                                      sluice::LoggersMain(argc, argv));
}
