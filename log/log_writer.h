#ifndef SLUICE_LOG_LOG_WRITER_H_
#define SLUICE_LOG_LOG_WRITER_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace sluice {

// Where formatted lines go: a descriptor, a file, memory under test. Formats
// nothing, keeps nothing. Never called on a loop, and by one thread at a time.
//
// May block, for any time: lines then wait in the rings. Nothing interrupts a
// call, so a writer that does not return holds up the end of the program, which
// LoggerThread::Stop() bounds. A writer that can bound its own waits returns an
// error, such as kDeadlineExceeded, and is called again later.
class LogWriter {
 public:
  virtual ~LogWriter() = default;

  // `*lines` is whole lines, each with its newline, valid during the call; the
  // first may be the rest of one that an earlier call began. Removes from its
  // front what has been written: all of it exactly if this returns OK. After an
  // error what is left may be offered again: how long to keep that and when to
  // try is for the caller to decide, not for the writer.
  virtual absl::Status Write(absl::string_view* lines) = 0;
  // What was written outlives this process, and the machine as far as the
  // writer can see to it, when this returns OK.
  virtual absl::Status Flush() = 0;
};

}  // namespace sluice

#endif  // SLUICE_LOG_LOG_WRITER_H_
