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

// Lines in memory, for tests: they outlive the logger that owns its writer.
// Fails when told to. Thread-safe.
class MemoryLog {
 public:
  // A LogWriter that writes here. REQUIRES: this outlives it.
  std::unique_ptr<LogWriter> NewWriter();

  // What has been written.
  std::string text() const;
  // The lines of it, without their newlines.
  std::vector<std::string> lines() const;
  // How often LogWriter::Flush() was called.
  int flushes() const;
  // From now on a writer takes `bytes` more, of a line perhaps a part, and then
  // fails with `status`.
  void FailAfter(size_t bytes, absl::Status status);
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
