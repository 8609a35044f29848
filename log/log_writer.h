#ifndef SLUICE_LOG_LOG_WRITER_H_
#define SLUICE_LOG_LOG_WRITER_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace sluice {

// The destination of formatted lines: a descriptor, a file, or memory in tests.
// A writer does not format lines and does not keep them. The logger calls it on
// one thread at a time: a thread that is inside AsyncLogger::RunOnce(), as
// LoggerThread is, or destroys the logger. When the process ends by a signal,
// LogCrashHandler may call it inside the signal handler. An exception that a
// writer throws ends the process.
//
// A writer may block for any time. Lines then wait in the rings. Nothing
// interrupts a call, so a writer that does not return delays the end of the
// program: LoggerThread::Stop() has a limit for that. A writer that limits its
// own waits should return an error, such as kDeadlineExceeded; the logger calls
// it again later.
class LogWriter {
 public:
  virtual ~LogWriter() = default;

  // Writes `*lines`, and removes the written bytes from its front. Returns OK
  // if and only if all bytes are written. `*lines` holds whole lines, each with
  // its newline; the first one may be the rest of a line that an earlier call
  // began. The bytes are valid during the call. After an error the caller
  // decides how long to keep the remaining bytes and when to call again; a
  // writer does not wait and retry.
  virtual absl::Status Write(absl::string_view* lines) = 0;
  // Makes the written bytes durable: after OK they survive the end of this
  // process, and a crash of the machine as far as the writer can ensure it. The
  // logger calls it only after a Write() that returned OK, or before the first.
  // An error goes to the callers of AsyncLogger::Flush(); the logger does not
  // try again by itself.
  virtual absl::Status Flush() = 0;
};

}  // namespace sluice

#endif  // SLUICE_LOG_LOG_WRITER_H_
