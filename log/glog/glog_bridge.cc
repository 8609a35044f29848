#include "sluice/log/glog/glog_bridge.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "glog/logging.h"
#include "sluice/base/check.h"
#include "sluice/log/glog/glog_versions.h"
#include "sluice/log/internal/log_line.h"
#include "sluice/log/log_severity.h"

namespace sluice {
namespace {

// For each of glog's severities, from google::GLOG_INFO to google::GLOG_FATAL.
constexpr std::array<LogSeverity, google::NUM_SEVERITIES> kSeverities = {
    LogSeverity::kInfo, LogSeverity::kWarning, LogSeverity::kError,
    LogSeverity::kFatal};

// Takes the place of a file of glog, and writes nothing.
class NoFile final : public google::base::Logger {
 public:
  void Write(bool, glog_internal::WriteTime, const char*, size_t) override {}
  void Flush() override {}
  uint32_t LogSize() override { return 0; }
};

// Replaces the files of glog while it lives.
class NoFiles {
 public:
  NoFiles() {
    for (int i = 0; i < google::NUM_SEVERITIES; ++i) {
      const auto severity = static_cast<google::LogSeverity>(i);
      replaced_[i] = google::base::GetLogger(severity);
      const bool has_bridge = dynamic_cast<NoFile*>(replaced_[i]) != nullptr;
      SLUICE_CHECK(!has_bridge);
      ours_[i] = new NoFile;
      google::base::SetLogger(severity, ours_[i]);
    }
  }
  NoFiles(const NoFiles&) = delete;
  NoFiles& operator=(const NoFiles&) = delete;
  ~NoFiles() {
    for (int i = 0; i < google::NUM_SEVERITIES; ++i) {
      const auto severity = static_cast<google::LogSeverity>(i);
      // If glog was shut down, it has deleted our object.
      if (google::base::GetLogger(severity) != ours_[i]) continue;
      google::base::SetLogger(severity, replaced_[i]);
      delete ours_[i];
    }
  }

 private:
  std::array<google::base::Logger*, google::NUM_SEVERITIES> replaced_, ours_;
};

// Sets a flag to false while it lives. Does not write an unchanged value, since
// other threads may read the flag.
class FlagOff {
 public:
  explicit FlagOff(bool* flag) : flag_(*flag), old_(*flag) {
    if (old_) flag_ = false;
  }
  FlagOff(const FlagOff&) = delete;
  FlagOff& operator=(const FlagOff&) = delete;
  ~FlagOff() {
    if (flag_ != old_) flag_ = old_;
  }

 private:
  bool& flag_;
  const bool old_;
};

// While it lives, glog's stderr threshold lets only fatal lines go to stderr.
class StderrForFatalOnly {
 public:
  StderrForFatalOnly() : old_(FLAGS_stderrthreshold) {
    if (old_ < google::GLOG_FATAL) Set(google::GLOG_FATAL);
  }
  StderrForFatalOnly(const StderrForFatalOnly&) = delete;
  StderrForFatalOnly& operator=(const StderrForFatalOnly&) = delete;
  ~StderrForFatalOnly() {
    if (old_ < google::GLOG_FATAL) Set(std::max<int>(old_, google::GLOG_INFO));
  }

 private:
  // Changes the flag under glog's mutex. Accepts only severities.
  static void Set(int severity) {
    google::SetStderrLogging(static_cast<google::LogSeverity>(severity));
  }

  const int old_;
};

class Sink final : public google::LogSink {
 public:
  Sink(AsyncLogger* logger, absl::Duration fatal_wait)
      : logger_(*logger), fatal_wait_(fatal_wait) {
    google::AddLogSink(this);
  }
  // Waits until send() has returned.
  ~Sink() override { google::RemoveLogSink(this); }

  using google::LogSink::send;
  // glog calls it with its mutexes locked.
  void send(google::LogSeverity glog_severity, const char* full_filename,
            const char* /*base_filename*/, int line,
            const google::LogMessageTime& time, const char* message,
            size_t message_len) override {
    LogLineHeader header;
    header.unix_nanos = glog_internal::UnixNanos(time);
    header.severity = kSeverities[glog_severity];
    header.file = full_filename;
    header.line = line;
    // The child of a fork() may have destroyed its copy of the logger.
    if (!owner_.IsCurrent()) return;
    if (!logger_.levels().EnabledByName(header.severity, header.file)) return;
    const bool fatal = header.severity == LogSeverity::kFatal;
    // The first flush makes room in the ring. Errors are ignored: the process
    // ends in any case.
    if (fatal) (void)logger_.FlushBeforeAbort(fatal_wait_);
    logger_.Append(header, {message, message_len});
    if (fatal) (void)logger_.FlushBeforeAbort(fatal_wait_);
  }

 private:
  const OwnerProcess owner_;
  AsyncLogger& logger_;
  const absl::Duration fatal_wait_;
};

}  // namespace

// The sink comes first: a line that is logged in between then goes to the
// logger and to glog's files.
struct GlogBridge::Parts {
  Parts(AsyncLogger* logger, absl::Duration fatal_wait)
      : sink(logger, fatal_wait) {}

  Sink sink;
  NoFiles no_files;
  StderrForFatalOnly stderr_for_fatal_only;
  FlagOff not_to_stderr{&FLAGS_logtostderr};
  FlagOff not_also_to_stderr{&FLAGS_alsologtostderr};
  FlagOff not_to_stdout{&FLAGS_logtostdout};
};

GlogBridge::GlogBridge(AsyncLogger* logger, absl::Duration fatal_wait)
    : parts_(std::make_unique<Parts>(logger, fatal_wait)) {}

GlogBridge::~GlogBridge() {
  // In the child of a fork, a thread that does not exist there may hold a mutex
  // of glog.
  if (!owner_.IsCurrent()) (void)parts_.release();
}

}  // namespace sluice
