#ifndef SLUICE_LOG_LOGGER_THREAD_H_
#define SLUICE_LOG_LOGGER_THREAD_H_

#include <atomic>
#include <memory>

#include "absl/status/statusor.h"
#include "sluice/base/thread.h"
#include "sluice/log/async_logger.h"

namespace sluice {

// The thread that writes what an AsyncLogger takes, for programs; tests call
// RunOnce(). While lines come it looks for them every 5 ms, or at once when a
// ring is half full; while none come, 8 times a second: so long may a line take
// to be seen. Thread-compatible. Does not own the logger.
class LoggerThread {
 public:
  // The thread is called "logger". The error of pthread_create(3). REQUIRES:
  // `logger` has no other thread, and outlives this.
  static absl::StatusOr<std::unique_ptr<LoggerThread>> Start(
      AsyncLogger* logger);
  LoggerThread(const LoggerThread&) = delete;
  LoggerThread& operator=(const LoggerThread&) = delete;
  // Blocks until the thread has ended; what was logged before is written, if
  // the writer does not fail. In the child of a fork() does nothing.
  ~LoggerThread();

 private:
  explicit LoggerThread(AsyncLogger* logger) : logger_(*logger) {}

  void Run();

  AsyncLogger& logger_;
  std::atomic<bool> stop_{false};
  std::unique_ptr<Thread> thread_;
};

}  // namespace sluice

#endif  // SLUICE_LOG_LOGGER_THREAD_H_
