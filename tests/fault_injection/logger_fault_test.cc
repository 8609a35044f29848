// Tests of a logger with a rotating file, while each of its system calls fails
// in one run.

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/check.h"
#include "sluice/log/async_logger.h"
#include "sluice/log/file_writer.h"
#include "sluice/log/log.h"
#include "sluice/log/logger_thread.h"
#include "sluice/tests/fault_injection/fault_runner.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

constexpr int kLines = 60;

std::string ReadFile(const std::string& path) {
  std::string text;
  std::FILE* const file = std::fopen(path.c_str(), "r");
  SLUICE_CHECK(file != nullptr);
  char buffer[4096];
  while (const size_t size = std::fread(buffer, 1, sizeof(buffer), file)) {
    text.append(buffer, size);
  }
  std::fclose(file);
  return text;
}

// Returns the rotated files and the current one, from the oldest on. Numbers
// may be missing.
std::string ReadLog(const std::string& path) {
  std::string text;
  for (int number = kLines; number > 0; --number) {
    const std::string name = absl::StrCat(path, ".", number);
    if (std::filesystem::exists(name)) text += ReadFile(name);
  }
  if (std::filesystem::exists(path)) text += ReadFile(path);
  return text;
}

// Checks that each line is there, in order. Returns OK if no error was
// reported.
absl::Status LogAndRotate(const std::string& path) {
  auto writer = FileWriter::Open(Clock::Real(), path,
                                 {.max_bytes = 1024, .keep = kLines});
  if (!writer.ok()) return writer.status();
  absl::Status reported;
  {
    AsyncLogger logger(
        *std::move(writer),
        {.clock = Clock::Real(), .on_error = [](const absl::Status&) {}});
    const auto thread = LoggerThread::Start(&logger);
    reported.Update(thread.status());
    for (int i = 0; i < kLines; ++i) {
      SLUICE_LOG(&logger, kInfo, "line {} is whole", i);
      if (i % 10 == 9) reported.Update(logger.FlushAndWait(absl::Seconds(2)));
    }
  }
  const std::string text = ReadLog(path);
  size_t at = 0;
  for (int i = 0; i < kLines; ++i) {
    at = text.find(absl::StrCat(" line ", i, " is whole\n"), at);
    SLUICE_CHECK(at != std::string::npos);
  }
  return reported;
}

TEST(LoggerFaultTest, RotationLosesNoLine) {
  const FaultReport report = RunWithFaults([] {
    const std::string folder =
        absl::StrCat(::testing::TempDir(), "/log", getpid());
    SLUICE_CHECK(std::filesystem::create_directory(folder));
    absl::Status reported = LogAndRotate(absl::StrCat(folder, "/log"));
    std::filesystem::remove_all(folder);
    return reported;
  });
  std::printf("%s\n", report.Summary().c_str());
  EXPECT_THAT(report.failures, ::testing::IsEmpty());
  EXPECT_THAT(report.gave_up, ::testing::IsEmpty());
  EXPECT_GE(report.reached, 100);
}

}  // namespace
}  // namespace sluice
