#ifndef SLUICE_LOG_MEMORY_LOG_H_
#define SLUICE_LOG_MEMORY_LOG_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "sluice/base/mutex.h"
#include "sluice/log/log_writer.h"

namespace sluice {

// A log in memory, for tests. It outlives the logger, which owns only a writer
// to it. A test can make its writers fail. Thread-safe.
class MemoryLog {
 public:
  // Returns a LogWriter that writes to this log. REQUIRES: the log outlives the
  // writer.
  std::unique_ptr<LogWriter> NewWriter();

  // Returns all that was written.
  std::string text() const;
  // Returns the written lines without their newlines. Leaves out the bytes
  // after the last newline.
  std::vector<std::string> lines() const;
  // Returns how often LogWriter::Flush() was called, also if it failed.
  int flushes() const;
  // Makes Write() of all writers take `bytes` more in total, which may end in
  // the middle of a line, and then fail with `status`, until Recover() is
  // called. Flush() fails with `status` at once. REQUIRES: `status` is not OK.
  void FailAfter(size_t bytes, absl::Status status);
  // Ends the failure: Write() takes all bytes again, and Flush() returns OK.
  void Recover();

 private:
  class Writer;

  mutable Mutex mutex_;
  std::string text_ ABSL_GUARDED_BY(mutex_);
  int flushes_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t room_ ABSL_GUARDED_BY(mutex_) = SIZE_MAX;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace sluice

#endif  // SLUICE_LOG_MEMORY_LOG_H_
