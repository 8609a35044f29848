#ifndef SLUICE_APPS_COMMON_APP_LOG_H_
#define SLUICE_APPS_COMMON_APP_LOG_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "sluice/apps/common/command_line.h"
#include "sluice/event/event_loop.h"
#include "sluice/event/signal_watch.h"
#include "sluice/log/async_logger.h"
#include "sluice/log/file_writer.h"
#include "sluice/log/log_crash_handler.h"
#include "sluice/log/log_writer.h"
#include "sluice/log/logger_thread.h"
#include "sluice/timer/clock.h"

namespace sluice {

// Where an app logs to, as its flags say: a file that rotates, standard output
// or error, a FIFO, or nowhere. Lines that find no room are dropped and
// counted, so that logging never blocks. What was logged before a crash is
// written. Thread-safe, but for Start() and destruction.
class AppLog {
 public:
  struct Flags {
    std::string log;
    std::string log_level = "info";
  };
  // Adds --log and --log_level, which set `flags`. `flags` outlives
  // CommandLine::Parse().
  static void AddFlags(CommandLine* line, Flags* flags);
  // kInvalidArgument names the flag.
  static absl::Status Check(const Flags& flags);

  // Errors of FileWriter::Open() and of starting a thread; an error about the
  // place to log to names the flag. One object in a process. REQUIRES: Check()
  // was OK.
  static absl::StatusOr<std::unique_ptr<AppLog>> Start(const Flags& flags,
                                                       const Clock* clock);
  // Waits for what is logged to be written, at most 3 seconds. If the writer
  // takes longer, as on a full pipe that nobody reads, this leaves logger and
  // thread to the end of the process and says on standard error what is
  // dropped, if standard error has room. REQUIRES: no thread logs any more.
  ~AppLog();
  AppLog(const AppLog&) = delete;
  AppLog& operator=(const AppLog&) = delete;

  // nullptr if nothing is to be logged.
  AsyncLogger* logger() const { return logger_.get(); }
  // As long as the result lives, SIGHUP reopens the file, which somebody may
  // have renamed. SIGHUP is an event of `loop`. nullptr if the log is not a
  // file: then the action of SIGHUP stays as it is. Errors of
  // SignalWatch::Create(). This outlives the result.
  absl::StatusOr<std::unique_ptr<SignalWatch>> ReopenOnHangup(EventLoop* loop);

 private:
  AppLog() = default;

  absl::StatusOr<std::unique_ptr<LogWriter>> OpenWriter(const std::string& path,
                                                        const Clock* clock);

  FileWriter* file_ = nullptr;  // the logger's, if that writes to a file
  int fifo_ = -1;               // that the logger writes to; -1: none
  std::unique_ptr<AsyncLogger> logger_;
  std::unique_ptr<LoggerThread> thread_;
  std::unique_ptr<LogCrashHandler> crash_handler_;
};

}  // namespace sluice

#endif  // SLUICE_APPS_COMMON_APP_LOG_H_
