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

// The lowest severity that is logged, and exceptions from it for source files.
// Both may be changed while other threads ask. If a severity is below all
// levels, asking costs a load and a comparison. Thread-safe.
class LogLevels {
 public:
  // The maximum number of exceptions.
  static constexpr size_t kMaxFiles = 64;

  explicit LogLevels(LogSeverity level) { Set(level); }
  LogLevels(const LogLevels&) = delete;
  LogLevels& operator=(const LogLevels&) = delete;

  // Sets the level of all files that match no exception.
  void Set(LogSeverity level);
  // Adds an exception: sets the level of the files whose path ends in the whole
  // names `file` ("server.cc" or "net/server.cc", but not "net/tcp_server.cc"),
  // or, if `file` ends in "/", of all files below a folder `file` ("net/"). If
  // several exceptions match a path, the one that was added last counts. To set
  // an exception again changes its level, not its place. Returns
  // kInvalidArgument if `file` is empty, and kResourceExhausted if there would
  // be more than kMaxFiles exceptions.
  absl::Status SetForFile(absl::string_view file, LogSeverity level);
  // Removes all exceptions.
  void ClearFiles();

  // Returns true if lines with this severity in this file are logged.
  // REQUIRES: `file` is __FILE__ or another string of static storage.
  bool Enabled(LogSeverity severity, const char* file) const {
    const auto s = static_cast<uint8_t>(severity);
    if (s < lowest_.load(std::memory_order_relaxed)) return false;
    return s >= highest_.load(std::memory_order_relaxed) ||
           EnabledInFile(severity, file);
  }
  // Does the same for a name of any storage. If the answer depends on the file,
  // compares the name with each exception, under a mutex.
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
  LogSeverity level_ ABSL_GUARDED_BY(mutex_) = LogSeverity::kInfo;
  std::vector<FileLevel> files_ ABSL_GUARDED_BY(mutex_);
  // For each address of a __FILE__: 0, or the file's level plus 1. Written
  // under mutex_.
  mutable PointerTable levels_;
};

}  // namespace sluice

#endif  // SLUICE_LOG_INTERNAL_LOG_LEVELS_H_
