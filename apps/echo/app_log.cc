#include "sluice/apps/echo/app_log.h"

#include <signal.h>
#include <unistd.h>

#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "sluice/log/descriptor_writer.h"
#include "sluice/log/log.h"
#include "sluice/log/log_severity.h"
#include "sluice/log/log_writer.h"

namespace sluice {

void AppLog::AddFlags(CommandLine* line, Flags* flags) {
  line->AddString(
      "log", "PATH",
      "where lines are logged: a file, which rotates, and is opened "
      "anew on SIGHUP; stderr; nowhere if empty",
      &flags->log);
  line->AddString("log_level", "LEVEL",
                  "what is logged, and what is worse: debug, info, warning, "
                  "error",
                  &flags->log_level);
}

absl::Status AppLog::Check(const Flags& flags) {
  const auto level = ParseLogSeverity(flags.log_level);
  if (level.ok()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("--log_level: ", level.status().message()));
}

absl::StatusOr<std::unique_ptr<AppLog>> AppLog::Start(const Flags& flags,
                                                      const Clock* clock) {
  auto self = absl::WrapUnique(new AppLog);
  if (flags.log.empty()) return self;
  std::unique_ptr<LogWriter> writer;
  if (flags.log == "stderr") {
    writer = std::make_unique<DescriptorWriter>(STDERR_FILENO);
  } else {
    auto file = FileWriter::Open(clock, flags.log, {});
    if (!file.ok()) return file.status();
    self->file_ = file->get();
    writer = *std::move(file);
  }
  self->logger_ = std::make_unique<AsyncLogger>(
      std::move(writer),
      AsyncLogger::Options{.clock = clock,
                           .level = *ParseLogSeverity(flags.log_level)});
  auto thread = LoggerThread::Start(self->logger_.get());
  if (!thread.ok()) return thread.status();
  self->thread_ = *std::move(thread);
  auto crash_handler = LogCrashHandler::Install(self->logger_.get());
  if (!crash_handler.ok()) return crash_handler.status();
  self->crash_handler_ = *std::move(crash_handler);
  return self;
}

absl::StatusOr<std::unique_ptr<LoopSignal>> AppLog::ReopenOnHangup(
    EventLoop* loop) {
  if (file_ == nullptr) return nullptr;
  return LoopSignal::Catch(loop, {SIGHUP}, LoopSignal::Mode::kEach, [this] {
    file_->Reopen();
    // What is opened anew is opened by the next line: this one.
    SLUICE_LOG(logger(), kInfo, "opened anew, on SIGHUP");
  });
}

}  // namespace sluice
