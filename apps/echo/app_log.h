#ifndef SLUICE_APPS_ECHO_APP_LOG_H_
#define SLUICE_APPS_ECHO_APP_LOG_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "sluice/apps/echo/command_line.h"
#include "sluice/apps/echo/loop_signal.h"
#include "sluice/event/event_loop.h"
#include "sluice/log/async_logger.h"
#include "sluice/log/file_writer.h"
#include "sluice/log/log_crash_handler.h"
#include "sluice/log/logger_thread.h"
#include "sluice/timer/clock.h"

namespace sluice {

// What an app logs to, as its flags say: a file that rotates, stderr, or
// nothing. Lines that find no room are lost rather than waited for, and
// counted; what was logged before a crash is written. Thread-safe, but for
// Start().
class AppLog {
 public:
  struct Flags {
    std::string log;
    std::string log_level = "info";
  };
  // --log and --log_level, into `flags`, which outlives CommandLine::Parse().
  static void AddFlags(CommandLine* line, Flags* flags);
  // kInvalidArgument names the flag.
  static absl::Status Check(const Flags& flags);

  // Errors of FileWriter::Open() and of starting a thread. One in a process.
  // REQUIRES: Check() was OK.
  static absl::StatusOr<std::unique_ptr<AppLog>> Start(const Flags& flags,
                                                       const Clock* clock);
  AppLog(const AppLog&) = delete;
  AppLog& operator=(const AppLog&) = delete;

  // nullptr if nothing is to be logged.
  AsyncLogger* logger() const { return logger_.get(); }
  // As long as the result lives, SIGHUP, as an event of `loop`, opens the file
  // anew, which somebody may have renamed. nullptr if there is no file: then
  // SIGHUP does what it did. Errors of LoopSignal::Catch(). This outlives the
  // result.
  absl::StatusOr<std::unique_ptr<LoopSignal>> ReopenOnHangup(EventLoop* loop);

 private:
  AppLog() = default;

  FileWriter* file_ = nullptr;  // the logger's, if that writes to a file
  std::unique_ptr<AsyncLogger> logger_;
  std::unique_ptr<LoggerThread> thread_;
  std::unique_ptr<LogCrashHandler> crash_handler_;
};

}  // namespace sluice

#endif  // SLUICE_APPS_ECHO_APP_LOG_H_
