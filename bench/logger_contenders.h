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

// Loggers that write lines to a file, each used as its documentation
// recommends, all with the same calls:
//
//   L(path)      creates the file
//   Log(values)  writes a line of level info, from any thread: the message of
//                `values`, the time, and the thread, the file and the line if
//                the logger has them
//   Close()      waits until all lines are in the file, and until the logger
//                has no running thread; the last call
//
// Loggers that have levels write no line of level info after
//
//   TurnOff()    called before all other calls
namespace sluice {

// The base class of loggers that write no file.
struct NoFile {};

// ---------------------------------------------------------------------------
// Limits
// ---------------------------------------------------------------------------

// A logger that does nothing: its figure is the cost of the measurement.
class NoLogger : public NoFile {
 public:
  explicit NoLogger(const std::string&) {}
  void Log(const LoggedValues& values) { asm volatile("" : : "r"(&values)); }
  void Close() {}
};

// The least that a caller can do. The caller puts the values as they are, a
// time stamp and the address of the constant data into a ring of its own, and
// publishes them by one store. A thread reads these bytes and discards them,
// then sleeps for a millisecond. Only one thread may call Log().
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
  // The length of the longest record, which may end behind the ring, in bytes.
  static constexpr uint64_t kLongest = 256;

  template <typename T>
  static char* Put(const T& value, char* to) {
    std::memcpy(to, &value, sizeof(value));
    return to + sizeof(value);
  }
  // Returns a time stamp. The ring needs no exact order, so that the processor
  // may reorder the read with the instructions around it.
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
  // Fields of the caller.
  alignas(64) uint64_t tail_ = 0;
  uint64_t head_seen_ = 0;
  std::atomic<uint64_t> published_{0};
  // Fields of the thread.
  alignas(64) std::atomic<uint64_t> head_{0};
  Mutex mutex_;
  CondVar wake_;
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  Thread thread_;
};

// The text of a second: "2026-11-21 20:25:28". The text is formatted only when
// the second has changed.
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

// Returns the number of the calling thread, the same one that other loggers
// show.
inline int ThreadNumber() {
  static thread_local const int number = gettid();
  return number;
}

// The least that writes the lines: formats the lines by hand into a buffer of
// 64 KiB, and passes the buffer to one write(2). Only one thread at a time may
// call Log().
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
    // Because of the added million, to_chars() writes all six digits. The point
    // replaces the digit of the million.
    std::to_chars(end_, end_ + 7, 1'000'000 + micros % 1'000'000);
    *end_ = '.';
    end_ = Put(" info ", end_ + 7);
    end_ = std::to_chars(end_, end_ + 10, ThreadNumber()).ptr;
    end_ = Put(" logger_contenders.h:100 ", end_);  // for any line number
    end_ = PutLoggedMessage(values, end_);
    *end_++ = '\n';
  }
  void Close() {
    Write();
    SLUICE_CHECK(close(fd_) == 0);
  }

 private:
  static constexpr size_t kSize = 64 * 1024;
  static constexpr size_t kLongest = 256;  // bytes; longer than any line

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

// A BareFile that several threads may call at a time.
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

// The least that a statement can do while it is off.
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

// An AsyncLogger whose callers wait while their ring is full.
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

// spdlog's synchronous logger. Formats in the caller, and writes under a lock
// into the buffer of stdio.
class SpdlogSync {
 public:
  explicit SpdlogSync(const std::string& path)
      : logger_(std::make_unique<spdlog::logger>("bench", Sink(path))) {}

  // Returns a sink that writes the time, the level, the thread, the file, the
  // line and the message with the values.
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

// spdlog's asynchronous logger. Formats the message in the caller, and the rest
// of the line in a thread of its own. The caller waits while the queue between
// the two is full. The size of the queue and the number of threads come from
// spdlog's documentation.
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
    threads_.reset();  // waits until the queue is empty
  }

 private:
  std::shared_ptr<spdlog::details::thread_pool> threads_;
  std::shared_ptr<spdlog::async_logger> logger_;
};

// glog's logger. Formats and writes in the caller, under a lock. A process can
// have only one.
class Glog {
 public:
  explicit Glog(const std::string& path) {
    FLAGS_timestamp_in_logfile_name = false;  // the file name is `path`
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

// glog's VLOG statements, which can be off. LOG statements below the least
// level of glog are not measured, because glog formats their messages before it
// drops them.
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

// A fprintf() for each line, as in a program without a logger. stdio takes a
// lock in each call.
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
