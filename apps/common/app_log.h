#ifndef SLUICE_APPS_COMMON_APP_LOG_H_
#define SLUICE_APPS_COMMON_APP_LOG_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "sluice/apps/common/command_line.h"
#include "sluice/event/event_loop.h"
#include "sluice/event/signal_watch.h"
#include "sluice/log/async_logger.h"
#include "sluice/log/file_writer.h"
#include "sluice/log/log_crash_handler.h"
#include "sluice/log/log_severity.h"
#include "sluice/log/log_writer.h"
#include "sluice/log/logger_thread.h"
#include "sluice/timer/clock.h"

namespace sluice {

// The log of an app, at the place that its flags name: a file that rotates,
// standard output or error, a FIFO, or nowhere. Logging never blocks: a line
// for which there is no room is dropped and counted. Lines that were logged
// before a crash are written. Thread-safe, except for Start() and the
// destructor.
class AppLog {
 public:
  struct Flags {
    std::string log;  // a path, "-", "stdout" or "stderr"; empty: nowhere
    LogSeverity log_level = LogSeverity::kInfo;  // the least severe lines
  };
  // Adds --log and --log_level to `line`, which sets `flags`. `flags` outlives
  // CommandLine::Parse().
  static void AddFlags(CommandLine* line, Flags* flags);

  // Opens the log and starts the thread that writes it. Returns the errors of
  // FileWriter::Open(), of open(2) for a FIFO, of LoggerThread::Start() and of
  // LogCrashHandler::Install(); kFailedPrecondition if the file is a symbolic
  // link. An error about the place of the log names the flag. REQUIRES: the
  // process has no other AppLog; `clock` outlives this object.
  static absl::StatusOr<std::unique_ptr<AppLog>> Start(const Flags& flags,
                                                       const Clock* clock);
  // Waits until all logged lines are written, at most 3 seconds. If the writer
  // takes longer, as on a full pipe that nobody reads, the destructor leaves
  // the logger and its thread to the end of the process, and reports on
  // standard error what is dropped, if standard error has room.
  // REQUIRES: no thread logs any more; called on the thread that called
  // Start().
  ~AppLog();
  AppLog(const AppLog&) = delete;
  AppLog& operator=(const AppLog&) = delete;

  // Returns the logger, which this object owns; nullptr if --log is empty.
  AsyncLogger* logger() const { return logger_.get(); }
  // Reopens the file on SIGHUP, as long as the result lives, for programs such
  // as logrotate that rename the file. `loop` handles the signal. Returns
  // nullptr if the log is not a file: the action of SIGHUP then stays as it is.
  // Returns the errors, and has the requirements, of SignalWatch::Create().
  // REQUIRES: this object outlives the result.
  absl::StatusOr<std::unique_ptr<SignalWatch>> ReopenOnHangup(EventLoop* loop);

 private:
  AppLog() = default;

  absl::StatusOr<std::unique_ptr<LogWriter>> OpenWriter(const std::string& path,
                                                        const Clock* clock);

  FileWriter* file_ = nullptr;  // the logger's file, if it writes to one
  int fifo_ = -1;               // the FIFO of the logger; -1: none
  std::unique_ptr<AsyncLogger> logger_;
  std::unique_ptr<LoggerThread> thread_;
  std::unique_ptr<LogCrashHandler> crash_handler_;
};

}  // namespace sluice

#endif  // SLUICE_APPS_COMMON_APP_LOG_H_
