#ifndef SLUICE_LOG_LOG_WRITER_H_
#define SLUICE_LOG_LOG_WRITER_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace sluice {

// Where formatted lines go: a descriptor, a file, memory under test. Formats
// nothing. May block: never called on a loop, and by one thread at a time.
class LogWriter {
 public:
  virtual ~LogWriter() = default;

  // Whole lines, each with its newline, valid during the call. After an error
  // some or all of them are lost, for the caller to count; the next call may
  // succeed.
  virtual absl::Status Write(absl::Span<const absl::string_view> lines) = 0;
  // What was written outlives this process, and the machine as far as the
  // writer can see to it, when this returns OK.
  virtual absl::Status Flush() = 0;
};

}  // namespace sluice

#endif  // SLUICE_LOG_LOG_WRITER_H_
