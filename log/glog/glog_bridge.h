#ifndef SLUICE_LOG_GLOG_GLOG_BRIDGE_H_
#define SLUICE_LOG_GLOG_GLOG_BRIDGE_H_

#include <memory>

#include "absl/time/time.h"
#include "sluice/base/owner_process.h"
#include "sluice/log/async_logger.h"

namespace sluice {

// Makes the lines of glog's LOG, VLOG, PLOG and CHECK, of a whole program,
// lines of an AsyncLogger, with their severity, place, thread and time:
//
//   google::InitGoogleLogging(argv[0]);
//   sluice::GlogBridge bridge(&logger);
//
// While it lives glog writes no files and, but for what a fatal line says,
// nothing to stderr and stdout, whatever its flags were. What else it does it
// goes on doing: --minloglevel, --v, e-mail, other sinks. What is below
// AsyncLogger::levels() is dropped before it is copied; VLOG is kInfo there.
// Times are of when a line began, and lines in the order in which they ended.
//
// The disk leaves the caller's path, and nothing else does: glog still formats
// on the thread that logs, and takes its mutexes for each line. A line costs
// its caller 3.4 microseconds of CPU, where glog with its own files takes 3.5
// and SLUICE_LOG 0.01. Without the prefix, of which only stderr has use, 2.6:
// --log_prefix=false.
//
// A fatal line, by LOG(FATAL) or CHECK, goes to stderr too, and the process
// ends as ever, after that line and all before it have been written. It may
// come from any thread; a loop's stands still. google::FlushLogFiles() flushes
// nothing; AsyncLogger::FlushAndWait() does.
//
// Thread-compatible; comes and goes while others log, whose lines then go to
// one of the two or to both. But not if glog's flags send lines to stderr or
// stdout: it changes them without a mutex. Does not own the logger.
//
// In the child of a fork() the parent's bridge takes lines and loses them, also
// after it was destroyed there, and the child can have no bridge of its own.
class GlogBridge {
 public:
  // A fatal line waits for a LoggerThread so long, at most twice; if there is
  // none, it does RunOnce() itself.
  // REQUIRES: google::InitGoogleLogging() was called: before that glog, which
  // tells nobody whether it was, writes each line to stderr. There is no other
  // bridge. Neither the logger's writer nor its on_error logs by glog: a line
  // that waits for them, as fatal ones do and others with OnFull::kBlock, holds
  // glog's mutexes.
  explicit GlogBridge(AsyncLogger* logger,
                      absl::Duration fatal_wait = absl::Seconds(10));
  GlogBridge(const GlogBridge&) = delete;
  GlogBridge& operator=(const GlogBridge&) = delete;
  // glog goes on with the files and flags that it had; what the program has
  // changed of them meanwhile is lost. If it has called
  // google::ShutdownGoogleLogging(), that was the bridge's end already.
  ~GlogBridge();

 private:
  struct Parts;

  const OwnerProcess owner_;
  std::unique_ptr<Parts> parts_;
};

}  // namespace sluice

#endif  // SLUICE_LOG_GLOG_GLOG_BRIDGE_H_
