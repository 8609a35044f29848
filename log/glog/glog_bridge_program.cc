// A program that uses glog, and executes its arguments one after the other. The
// log goes to standard output.

#include <unistd.h>

#include <atomic>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "glog/logging.h"
#include "sluice/base/check.h"
#include "sluice/base/sequence_role.h"
#include "sluice/base/thread.h"
#include "sluice/log/async_logger.h"
#include "sluice/log/descriptor_writer.h"
#include "sluice/log/glog/glog_bridge.h"
#include "sluice/log/log.h"
#include "sluice/log/log_crash_handler.h"
#include "sluice/log/log_severity.h"
#include "sluice/log/log_writer.h"
#include "sluice/log/logger_thread.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

class Writer final : public LogWriter {
 public:
  absl::Status Write(absl::string_view* lines) override {
    if (dies) LOG(FATAL) << "the writer died";
    while (hangs) pause();
    return output_.Write(lines);
  }
  absl::Status Flush() override { return output_.Flush(); }

  std::atomic<bool> hangs{false}, dies{false};

 private:
  DescriptorWriter output_{STDOUT_FILENO};
};

class Program {
 public:
  Program() {
    auto writer = std::make_unique<Writer>();
    writer_ = writer.get();
    logger_.emplace(std::move(writer),
                    AsyncLogger::Options{.clock = Clock::Real(),
                                         .level = LogSeverity::kDebug,
                                         .ring_bytes = 4096,
                                         .max_line_bytes = 1024});
  }

  // Returns false if there is no such step.
  bool Do(absl::string_view step) {
    if (step == "init") {
      google::InitGoogleLogging("glog_bridge_program");
    } else if (step == "bridge") {
      bridge_.emplace(&*logger_, absl::Milliseconds(300));
    } else if (step == "end") {
      bridge_.reset();
    } else if (step == "thread") {
      thread_ = LoggerThread::Start(&*logger_).value();
    } else if (step == "handler") {
      handler_ = LogCrashHandler::Install(&*logger_).value();
    } else if (step == "fill") {
      while (logger_->stats().dropped == 0)
        SLUICE_LOG(&*logger_, kInfo, "filled");
    } else if (step == "hang") {
      writer_->hangs = true;
    } else if (step == "die") {
      writer_->dies = true;
    } else {
      return Log(step);
    }
    return true;
  }

 private:
  bool Log(absl::string_view step) {
    if (step == "info") {
      LOG(INFO) << "informed";
    } else if (step == "error") {
      LOG(ERROR) << "erred";
    } else if (step == "fatal") {
      LOG(FATAL) << "died";
    } else if (step == "check") {
      CHECK_EQ(1 + 1, 3) << "as ever";
    } else if (step == "fatal_on_loop") {
      SequenceRole role;
      SequenceScope scope(&role);
      LOG(FATAL) << "died";
    } else if (step == "fatal_among_others") {
      const auto other = Thread::Start("other", [] {
        while (true) LOG(INFO) << "informed";
      });
      SLUICE_CHECK(other.ok());
      LOG(FATAL) << "died";
    } else {
      return false;
    }
    return true;
  }

  Writer* writer_;
  std::optional<AsyncLogger> logger_;
  std::unique_ptr<LoggerThread> thread_;
  std::unique_ptr<LogCrashHandler> handler_;
  std::optional<GlogBridge> bridge_;
};

}  // namespace
}  // namespace sluice

// The first argument is the working folder.
int main(int argc, char** argv) {
  SLUICE_CHECK(argc >= 2 && chdir(argv[1]) == 0);
  sluice::Program program;
  for (int i = 2; i < argc; ++i) SLUICE_CHECK(program.Do(argv[i]));
}
