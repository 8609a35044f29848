#ifndef SLUICE_LOG_GLOG_GLOG_BRIDGE_H_
#define SLUICE_LOG_GLOG_GLOG_BRIDGE_H_

#include <memory>

#include "absl/time/time.h"
#include "sluice/base/owner_process.h"
#include "sluice/log/async_logger.h"

namespace sluice {

// Passes the lines of glog's LOG, VLOG, PLOG and CHECK, in the whole program,
// to an AsyncLogger, with their severity, source location, thread and time:
//
//   google::InitGoogleLogging(argv[0]);
//   sluice::GlogBridge bridge(&logger);
//
// While the bridge lives, glog writes no files, and nothing to stderr and
// stdout except the text of fatal lines, whatever its flags were. Its other
// features work as before: --minloglevel, --v, e-mail, other sinks. The bridge
// drops lines below AsyncLogger::levels() before it copies them; lines of VLOG
// have severity kInfo. The time of a line is the time when its statement began.
// Lines are in the order in which their statements ended.
//
// The bridge only takes the disk out of the caller's path: glog still formats
// on the thread that logs, and locks its mutexes for each line. A line costs
// its caller 3.4 us of CPU, compared with 3.5 us for glog with its own files
// and 0.01 us for SLUICE_LOG. With --log_prefix=false a line costs 2.6 us: glog
// then does not make the prefix, which only stderr shows.
//
// A fatal line, by LOG(FATAL) or CHECK, also goes to stderr. The process then
// ends as usual, after the fatal line and all earlier lines are written. Any
// thread may log a fatal line; if a loop does, it blocks.
// google::FlushLogFiles() has no effect; use AsyncLogger::FlushAndWait().
//
// Thread-compatible. May be made and destroyed while other threads log: their
// lines then go to the logger, to glog's files, or to both. But if glog's flags
// send lines to stderr or stdout, no other thread may log meanwhile, since the
// bridge changes these flags without a mutex. Does not own the logger.
//
// In the child of a fork() the parent's bridge drops all lines, also after it
// was destroyed there. The child cannot have a bridge of its own.
class GlogBridge {
 public:
  // A fatal line waits for a flush twice, each time at most `fatal_wait`. If no
  // LoggerThread runs, the fatal line calls RunOnce() itself.
  //
  // REQUIRES:
  //   - google::InitGoogleLogging() was called. Before that, glog writes each
  //     line to stderr; glog has no function by which the bridge could check
  //     it.
  //   - There is no other bridge, and `logger` outlives this one.
  //   - Neither the logger's writer nor its on_error logs by glog. A line that
  //     waits for the back end, as fatal lines do, and others with
  //     OnFull::kBlock, holds glog's mutexes: the back end would wait for them.
  explicit GlogBridge(AsyncLogger* logger,
                      absl::Duration fatal_wait = absl::Seconds(10));
  GlogBridge(const GlogBridge&) = delete;
  GlogBridge& operator=(const GlogBridge&) = delete;
  // Restores the files and flags that glog had before; changes that the program
  // made to them meanwhile are lost. If the program has called
  // google::ShutdownGoogleLogging(), the bridge has ended there already.
  ~GlogBridge();

 private:
  struct Parts;

  const OwnerProcess owner_;
  std::unique_ptr<Parts> parts_;
};

}  // namespace sluice

#endif  // SLUICE_LOG_GLOG_GLOG_BRIDGE_H_
