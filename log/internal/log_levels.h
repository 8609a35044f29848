#ifndef SLUICE_LOG_INTERNAL_LOG_LEVELS_H_
#define SLUICE_LOG_INTERNAL_LOG_LEVELS_H_

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "sluice/base/mutex.h"
#include "sluice/log/internal/pointer_table.h"
#include "sluice/log/log_severity.h"

namespace sluice {

// The least severity that is logged, and exceptions by source file; both may
// change while others ask. What is below all of them costs its asker a load and
// a comparison. Thread-safe.
class LogLevels {
 public:
  // How many exceptions there may be.
  static constexpr size_t kMaxFiles = 64;

  explicit LogLevels(LogSeverity level);
  LogLevels(const LogLevels&) = delete;
  LogLevels& operator=(const LogLevels&) = delete;

  void Set(LogSeverity level);
  // For files whose path ends in the path `file` ("tcp_server.cc",
  // "net/tcp/tcp_server.cc"), or goes through the folder `file`, which ends in
  // "/"
  // ("net/"). Of several that fit, the last one that was set for the first time
  // counts. kInvalidArgument if `file` is empty, kResourceExhausted beyond
  // kMaxFiles.
  absl::Status SetForFile(absl::string_view file, LogSeverity level);
  // No more exceptions.
  void ClearFiles();

  // `file` is __FILE__: a constant.
  bool Enabled(LogSeverity severity, const char* file) const {
    const auto s = static_cast<uint8_t>(severity);
    if (s < lowest_.load(std::memory_order_relaxed)) return false;
    return s >= highest_.load(std::memory_order_relaxed) ||
           EnabledInFile(severity, file);
  }
  // Likewise, for a name that may be no constant. Compares it with each
  // exception, under a mutex, if it is not all the same what they are.
  bool EnabledByName(LogSeverity severity, absl::string_view file) const;

 private:
  struct FileLevel {
    std::string file;
    LogSeverity level;
  };

  bool EnabledInFile(LogSeverity severity, const char* file) const;
  LogSeverity LevelOf(absl::string_view file) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Update() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  std::atomic<uint8_t> lowest_, highest_;  // of all levels
  mutable Mutex mutex_;
  LogSeverity level_ ABSL_GUARDED_BY(mutex_);
  std::vector<FileLevel> files_ ABSL_GUARDED_BY(mutex_);
  // By address of __FILE__: 0, or the file's level and 1. Written under mutex_.
  mutable PointerTable levels_;
};

}  // namespace sluice

#endif  // SLUICE_LOG_INTERNAL_LOG_LEVELS_H_
