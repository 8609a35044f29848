#ifndef SLUICE_BENCH_LOGGER_CONTENDERS_H_
#define SLUICE_BENCH_LOGGER_CONTENDERS_H_

#if !__has_include(<spdlog/async_logger.h>)
#error "libraries to compare with are missing: bench/setup installs them"
#endif

#include <fcntl.h>
#include <glog/logging.h>
#include <spdlog/async.h>
#include <spdlog/async_logger.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "sluice/base/check.h"
#include "sluice/base/mutex.h"
#include "sluice/base/thread.h"
#include "sluice/bench/report/logged_lines.h"
#include "sluice/bench/report/tick_counter.h"
#include "sluice/log/async_logger.h"
#include "sluice/log/file_writer.h"
#include "sluice/log/log.h"
#include "sluice/log/log_severity.h"
#include "sluice/log/logger_thread.h"
#include "sluice/timer/clock.h"

// Ways to write lines to a file, each used as its documents say is best, all
// with the same calls:
//
//   L(path)      creates the file
//   Log(values)  any thread: a line of level info with the message of `values`,
//                the time, and the thread, file and line where it has them
//   Close()      until all lines are in the file, and no thread of it runs; the
//                last call
//
// Those that have levels write no line of level info after
//
//   TurnOff()    before other calls
namespace sluice {

// What derives from it writes none.
struct NoFile {};

// ---------------------------------------------------------------------------
// Limits
// ---------------------------------------------------------------------------

// Nothing: what is left is what measuring costs.
class NoLogger : public NoFile {
 public:
  explicit NoLogger(const std::string&) {}
  void Log(const LoggedValues& values) { asm volatile("" : : "r"(&values)); }
  void Close() {}
};

// The least at the caller: the values as they are, a time stamp and the address
// of what does not change, in a ring of this thread's, published by one store.
// A thread reads all that and forgets it, then naps for a millisecond. One
// caller.
class BareRing : public NoFile {
 public:
  explicit BareRing(const std::string&)
      : thread_(*Thread::Start("drain", [this] { Drain(); })) {}

  void Log(const LoggedValues& values) {
    static constexpr Site kSite = {"logger_contenders.h", __LINE__};
    const size_t size = sizeof(Header) + sizeof(values.number) +
                        sizeof(values.millis) + sizeof(uint32_t) +
                        values.path.size();
    const uint64_t next = tail_ + (size + 7) / 8 * 8;
    while (next - head_seen_ > kSize - kLongest) {
      head_seen_ = head_.load(std::memory_order_acquire);
    }
    char* to = &ring_[tail_ % kSize];
    to = Put(Header{&kSite, Ticks(), next - tail_}, to);
    to = Put(values.number, to);
    to = Put(values.millis, to);
    to = Put(static_cast<uint32_t>(values.path.size()), to);
    std::memcpy(to, values.path.data(), values.path.size());
    tail_ = next;
    published_.store(next, std::memory_order_release);
  }
  void Close() {
    {
      MutexLock lock(&mutex_);
      closing_ = true;
    }
    wake_.Signal();
    thread_.Join();
  }

 private:
  struct Site {
    const char* file;
    int line;
  };
  struct Header {
    const Site* site;
    uint64_t ticks;
    uint64_t size;
  };
  static constexpr uint64_t kSize = 256 * 1024;
  static constexpr uint64_t kLongest = 256;  // one may end behind the ring

  template <typename T>
  static char* Put(const T& value, char* to) {
    std::memcpy(to, &value, sizeof(value));
    return to + sizeof(value);
  }
  // Not in order with what is around it: nobody needs it to be.
  static uint64_t Ticks() {
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#else
    return TicksNow();
#endif
  }
  void Drain() {
    MutexLock lock(&mutex_);
    while (!closing_) {
      ReadAll();
      wake_.WaitWithTimeout(&mutex_, absl::Milliseconds(1));
    }
  }
  void ReadAll() {
    const uint64_t end = published_.load(std::memory_order_acquire);
    uint64_t head = head_.load(std::memory_order_relaxed);
    uint64_t sum = 0;
    while (head != end) {
      Header header;
      std::memcpy(&header, &ring_[head % kSize], sizeof(header));
      for (uint64_t i = sizeof(header); i < header.size; i += sizeof(sum)) {
        uint64_t word;
        std::memcpy(&word, &ring_[head % kSize + i], sizeof(word));
        sum += word;
      }
      head += header.size;
    }
    asm volatile("" : : "r"(sum));
    head_.store(head, std::memory_order_release);
  }

  const std::unique_ptr<char[]> ring_{new char[kSize + kLongest]()};
  // The caller's.
  alignas(64) uint64_t tail_ = 0;
  uint64_t head_seen_ = 0;
  std::atomic<uint64_t> published_{0};
  // The thread's.
  alignas(64) std::atomic<uint64_t> head_{0};
  Mutex mutex_;
  CondVar wake_;
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  Thread thread_;
};

// "2026-11-21 20:25:28", made anew when another second has begun.
class SecondText {
 public:
  absl::string_view Of(std::time_t second) {
    if (second != second_) {
      std::tm fields;
      SLUICE_CHECK(localtime_r(&second, &fields) != nullptr);
      SLUICE_CHECK(std::strftime(text_, sizeof(text_), "%Y-%m-%d %H:%M:%S",
                                 &fields) == sizeof(text_) - 1);
      second_ = second;
    }
    return {text_, sizeof(text_) - 1};
  }

 private:
  std::time_t second_ = -1;
  char text_[20];
};

// Of the calling thread, as others show it.
inline int ThreadNumber() {
  static thread_local const int number = gettid();
  return number;
}

// The least that writes the lines: puts them into 64 KiB by hand, which go to
// write(2) at a time. One caller at a time.
class BareFile {
 public:
  explicit BareFile(const std::string& path)
      : fd_(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
                 0600)) {
    SLUICE_CHECK(fd_ >= 0);
  }

  void Log(const LoggedValues& values) {
    if (end_ > buffer_ + kSize - kLongest) Write();
    const int64_t micros = absl::ToUnixMicros(Clock::Real()->WallNow());
    end_ = Put(second_.Of(micros / 1'000'000), end_);
    // The million has all six digits follow, and gives its place to the point.
    std::to_chars(end_, end_ + 7, 1'000'000 + micros % 1'000'000);
    *end_ = '.';
    end_ = Put(" info ", end_ + 7);
    end_ = std::to_chars(end_, end_ + 10, ThreadNumber()).ptr;
    end_ = Put(" logger_contenders.h:100 ", end_);  // of any line
    end_ = PutLoggedMessage(values, end_);
    *end_++ = '\n';
  }
  void Close() {
    Write();
    SLUICE_CHECK(close(fd_) == 0);
  }

 private:
  static constexpr size_t kSize = 64 * 1024;
  static constexpr size_t kLongest = 256;  // longer than any line

  static char* Put(absl::string_view text, char* to) {
    std::memcpy(to, text.data(), text.size());
    return to + text.size();
  }
  void Write() {
    for (const char* from = buffer_; from < end_;) {
      const ssize_t size = write(fd_, from, end_ - from);
      SLUICE_CHECK(size > 0);
      from += size;
    }
    end_ = buffer_;
  }

  const int fd_;
  SecondText second_;
  char buffer_[kSize];
  char* end_ = buffer_;
};

// The same for several callers.
class LockedBareFile {
 public:
  explicit LockedBareFile(const std::string& path) : file_(path) {}
  void Log(const LoggedValues& values) {
    MutexLock lock(&mutex_);
    file_.Log(values);
  }
  void Close() {
    MutexLock lock(&mutex_);
    file_.Close();
  }

 private:
  Mutex mutex_;
  BareFile file_ ABSL_GUARDED_BY(mutex_);
};

// The least that a statement can be which is off.
class BareSwitch : public NoFile {
 public:
  explicit BareSwitch(const std::string&) {}
  void TurnOff() { on_.store(false); }
  void Log(const LoggedValues& values) {
    if (on_.load(std::memory_order_relaxed)) nothing_.Log(values);
  }
  void Close() {}

 private:
  std::atomic<bool> on_{true};
  NoLogger nothing_{""};
};

// ---------------------------------------------------------------------------
// Sluice
// ---------------------------------------------------------------------------

// Whose callers wait while their ring is full.
class SluiceLogger {
 public:
  explicit SluiceLogger(const std::string& path)
      : logger_(std::make_unique<AsyncLogger>(
            FileWriter::Open(Clock::Real(), path, {}).value(),
            AsyncLogger::Options{.clock = Clock::Real(),
                                 .on_full = AsyncLogger::OnFull::kBlock})),
        thread_(*LoggerThread::Start(logger_.get())) {}

  void TurnOff() { logger_->levels().Set(LogSeverity::kWarning); }
  void Log(const LoggedValues& values) {
    SLUICE_LOG(logger_.get(), kInfo, "request {} took {} ms for {}",
               values.number, values.millis, values.path);
  }
  void Close() {
    thread_.reset();
    logger_.reset();
  }

 private:
  std::unique_ptr<AsyncLogger> logger_;
  std::unique_ptr<LoggerThread> thread_;
};

// ---------------------------------------------------------------------------
// Others
// ---------------------------------------------------------------------------

// Formats in the caller and writes under a lock, into stdio's buffer.
class SpdlogSync {
 public:
  explicit SpdlogSync(const std::string& path)
      : logger_(std::make_unique<spdlog::logger>("bench", Sink(path))) {}

  // The values, the time, and where and by whom it was called.
  static spdlog::sink_ptr Sink(const std::string& path) {
    const auto sink =
        std::make_shared<spdlog::sinks::basic_file_sink_mt>(path, true);
    sink->set_pattern("%Y-%m-%d %H:%M:%S.%f %l %t %s:%# %v");
    return sink;
  }
  void TurnOff() { logger_->set_level(spdlog::level::warn); }
  void Log(const LoggedValues& values) {
    SPDLOG_LOGGER_INFO(logger_, "request {} took {} ms for {}", values.number,
                       values.millis, values.path);
  }
  void Close() { logger_.reset(); }

 private:
  std::unique_ptr<spdlog::logger> logger_;
};

// Formats the message in the caller, the rest in a thread of its own; the
// caller waits while the queue between them is full. The queue's size and the
// number of threads are those of its documents.
class SpdlogAsync {
 public:
  explicit SpdlogAsync(const std::string& path)
      : threads_(std::make_shared<spdlog::details::thread_pool>(8192, 1)),
        logger_(std::make_shared<spdlog::async_logger>(
            "bench", SpdlogSync::Sink(path), threads_,
            spdlog::async_overflow_policy::block)) {}

  void Log(const LoggedValues& values) {
    SPDLOG_LOGGER_INFO(logger_, "request {} took {} ms for {}", values.number,
                       values.millis, values.path);
  }
  void Close() {
    logger_.reset();
    threads_.reset();  // after all that is in the queue
  }

 private:
  std::shared_ptr<spdlog::details::thread_pool> threads_;
  std::shared_ptr<spdlog::async_logger> logger_;
};

// Formats and writes in the caller, under a lock. Once in a process.
class Glog {
 public:
  explicit Glog(const std::string& path) {
    FLAGS_timestamp_in_logfile_name = false;  // the file is `path`
    google::SetLogSymlink(google::GLOG_INFO, "");
    google::SetLogDestination(google::GLOG_INFO, path.c_str());
    google::InitGoogleLogging("loggers");
  }

  void Log(const LoggedValues& values) {
    LOG(INFO) << "request " << values.number << " took " << values.millis
              << " ms for " << values.path;
  }
  void Close() { google::ShutdownGoogleLogging(); }
};

// Its statements that can be off: what is below its least level has been
// formatted by the time it is dropped.
class GlogVerbose : public NoFile {
 public:
  explicit GlogVerbose(const std::string&) {}
  void TurnOff() { FLAGS_v = 0; }
  void Log(const LoggedValues& values) {
    VLOG(1) << "request " << values.number << " took " << values.millis
            << " ms for " << values.path;
  }
  void Close() {}
};

// What a program does that has no logger. Locks inside of stdio.
class Fprintf {
 public:
  explicit Fprintf(const std::string& path)
      : file_(std::fopen(path.c_str(), "we")) {
    SLUICE_CHECK(file_ != nullptr);
  }

  void Log(const LoggedValues& values) {
    static thread_local SecondText second;
    const int64_t micros = absl::ToUnixMicros(Clock::Real()->WallNow());
    std::fprintf(file_,
                 "%s.%06d info %d %s:%d request %d took %g ms for %.*s\n",
                 second.Of(micros / 1'000'000).data(),
                 static_cast<int>(micros % 1'000'000), ThreadNumber(),
                 "logger_contenders.h", __LINE__, values.number, values.millis,
                 static_cast<int>(values.path.size()), values.path.data());
  }
  void Close() { SLUICE_CHECK(std::fclose(file_) == 0); }

 private:
  std::FILE* const file_;
};

}  // namespace sluice

#endif  // SLUICE_BENCH_LOGGER_CONTENDERS_H_
