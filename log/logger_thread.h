#ifndef SLUICE_LOG_LOGGER_THREAD_H_
#define SLUICE_LOG_LOGGER_THREAD_H_

#include <atomic>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "sluice/base/mutex.h"
#include "sluice/base/thread.h"
#include "sluice/log/async_logger.h"

namespace sluice {

// The thread that runs the back end of an AsyncLogger. Programs need one; tests
// call RunOnce(). While lines come, it writes them every 5 ms, or at once when
// a ring is half full. While none come, it looks 8 times a second, so that a
// line may be written 125 ms late. Does not own the logger. Thread-compatible.
//
// A writer may block without a limit: on a pipe that nobody reads, or a disk
// that hangs. Nothing interrupts it. A program that must end even then calls
// Stop() with a limit, and releases the thread and the logger if Stop() returns
// false:
//
//   crash_handler.reset();  // if there is one: it would wait at exit(), too
//   if (!thread->Stop(absl::Seconds(5))) {
//     (void)thread.release();  // both live until the process ends
//     (void)logger.release();
//   }
//
// The writer, the clock and everything that Options::on_error uses must then
// live until the process ends, too. The lines that were not written are
// dropped; AsyncLogger::Stats::waiting is their size in bytes.
class LoggerThread {
 public:
  // Starts a thread named "logger". Returns the error of pthread_create(3).
  // REQUIRES: `logger` has no other LoggerThread, and outlives this one.
  static absl::StatusOr<std::unique_ptr<LoggerThread>> Start(
      AsyncLogger* logger);
  LoggerThread(const LoggerThread&) = delete;
  LoggerThread& operator=(const LoggerThread&) = delete;
  // Calls Stop() without a limit: blocks as long as the writer does, also after
  // a Stop() that returned false.
  ~LoggerThread();

  // Asks the thread to write all lines that were logged before and to end, and
  // waits for its end, at most for `limit`. Returns true if the thread has
  // ended; the lines are then written, unless the writer failed. Returns false
  // if the thread still runs; from then on lines for which there is no room are
  // dropped, even with OnFull::kBlock, and Stop() may be called again. In the
  // child of a fork() does nothing and returns true. CHECKs that the calling
  // thread is not running a loop, a strand or a worker.
  bool Stop(absl::Duration limit) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  explicit LoggerThread(AsyncLogger* logger) : logger_(*logger) {}

  void Run() ABSL_LOCKS_EXCLUDED(mutex_);
  // Waits until Run() is about to return. Returns false after `limit`.
  bool AwaitEnd(absl::Duration limit) ABSL_LOCKS_EXCLUDED(mutex_);

  AsyncLogger& logger_;
  std::atomic<bool> stop_{false};
  std::unique_ptr<Thread> thread_;  // nullptr once joined
  Mutex mutex_;
  CondVar ended_;
  bool has_ended_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace sluice

#endif  // SLUICE_LOG_LOGGER_THREAD_H_
