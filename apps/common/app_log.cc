#include "sluice/apps/common/app_log.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "sluice/apps/common/counted.h"
#include "sluice/base/io_result.h"
#include "sluice/base/standard_descriptors.h"
#include "sluice/log/descriptor_writer.h"
#include "sluice/log/log.h"

namespace sluice {
namespace {

constexpr absl::Duration kEndLimit = absl::Seconds(3);

// Returns -1 if `path` is not standard output or error.
int StandardDescriptor(const std::string& path) {
  if (path == "-" || path == "stdout" || path == "/dev/stdout" ||
      path == "/dev/fd/1") {
    return STDOUT_FILENO;
  }
  if (path == "stderr" || path == "/dev/stderr" || path == "/dev/fd/2") {
    return STDERR_FILENO;
  }
  return -1;
}

}  // namespace

void AppLog::AddFlags(CommandLine* line, Flags* flags) {
  line->AddString(
      "log", "PATH",
      "where lines are logged: a file, which rotates, and is reopened on "
      "SIGHUP; a FIFO; - or stdout; stderr; nowhere if empty",
      &flags->log);
  line->AddNamed("log_level", "LEVEL",
                 "the least severe lines that are logged: debug, info, "
                 "warning, error or fatal",
                 ParseLogSeverity, LogSeverityName, &flags->log_level);
}

absl::StatusOr<std::unique_ptr<AppLog>> AppLog::Start(const Flags& flags,
                                                      const Clock* clock) {
  auto self = absl::WrapUnique(new AppLog);
  if (flags.log.empty()) return self;
  auto writer = self->OpenWriter(flags.log, clock);
  if (!writer.ok()) {
    return OfFlag("log", writer.status());
  }
  self->logger_ = std::make_unique<AsyncLogger>(
      *std::move(writer),
      AsyncLogger::Options{.clock = clock, .level = flags.log_level});
  auto thread = LoggerThread::Start(self->logger_.get());
  if (!thread.ok()) return thread.status();
  self->thread_ = *std::move(thread);
  auto crash_handler = LogCrashHandler::Install(self->logger_.get());
  if (!crash_handler.ok()) return crash_handler.status();
  self->crash_handler_ = *std::move(crash_handler);
  return self;
}

absl::StatusOr<std::unique_ptr<LogWriter>> AppLog::OpenWriter(
    const std::string& path, const Clock* clock) {
  const int standard = StandardDescriptor(path);
  if (standard >= 0) return std::make_unique<DescriptorWriter>(standard);
  std::error_code ignored;
  if (std::filesystem::is_fifo(path, ignored)) {
    // Opened for reading too: then it is no error if there is no reader.
    fifo_ = open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (fifo_ < 0) return ToStatus(IoResult::FromErrno(errno), "open", path);
    return std::make_unique<DescriptorWriter>(fifo_);
  }
  if (std::filesystem::is_symlink(path, ignored)) {
    return absl::FailedPreconditionError(absl::StrCat(
        path,
        " is a symbolic link, which a rotation would rename; name the "
        "file itself"));
  }
  auto file = FileWriter::Open(clock, path, {});
  if (!file.ok()) return file.status();
  file_ = file->get();
  return *std::move(file);
}

AppLog::~AppLog() {
  // First, because at exit() it would wait for the logger too.
  crash_handler_.reset();
  if (thread_ != nullptr && !thread_->Stop(kEndLimit)) {
    const AsyncLogger::Stats stats = logger_->stats();
    (void)thread_.release();
    (void)logger_.release();
    WriteToStandardError(
        absl::StrCat("--log: writing is blocked; dropped ",
                     Counted(stats.dropped, "line"), ", ",
                     Counted(stats.waiting, "byte"),
                     " of waiting lines, and what was being written\n"),
        /*limit=*/absl::ZeroDuration());
    return;
  }
  thread_.reset();
  logger_.reset();
  if (fifo_ >= 0) close(fifo_);
}

absl::StatusOr<std::unique_ptr<SignalWatch>> AppLog::ReopenOnHangup(
    EventLoop* loop) {
  if (file_ == nullptr) return nullptr;
  return SignalWatch::Create(loop, {SIGHUP}, SignalWatch::Mode::kEach, [this] {
    file_->Reopen();
    // The next line that is logged reopens the file: this one.
    SLUICE_LOG(logger(), kInfo, "reopened on SIGHUP");
  });
}

}  // namespace sluice
