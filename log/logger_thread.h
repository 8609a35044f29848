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

// The thread that writes what an AsyncLogger takes, for programs; tests call
// RunOnce(). While lines come it looks for them every 5 ms, or at once when a
// ring is half full; while none come, 8 times a second: so long may a line take
// to be seen. Thread-compatible. Does not own the logger.
//
// A writer may block without bound: a pipe that nobody reads, a disk that
// hangs. Nothing interrupts it. A program that is to end all the same calls
// Stop() with a limit, and releases thread and logger if that passes:
//
//   crash_handler.reset();  // if there is one: at exit() it would wait as well
//   if (!thread->Stop(absl::Seconds(5))) {
//     (void)thread.release();  // they live until the process ends
//     (void)logger.release();
//   }
//
// The writer, the clock and everything that Options::on_error uses then have to
// live until the process ends, too. The lines that were not written are lost;
// AsyncLogger::Stats::waiting says how many bytes they are.
class LoggerThread {
 public:
  // The thread is called "logger". The error of pthread_create(3). REQUIRES:
  // `logger` has no other thread, and outlives this.
  static absl::StatusOr<std::unique_ptr<LoggerThread>> Start(
      AsyncLogger* logger);
  LoggerThread(const LoggerThread&) = delete;
  LoggerThread& operator=(const LoggerThread&) = delete;
  // Stop() without a limit: blocks as long as the writer does, also after a
  // Stop() that returned false.
  ~LoggerThread();

  // Asks the thread to write what was logged before and to end, and waits until
  // it has ended, at most for `limit`. Returns true if it has: then what was
  // logged before is written, if the writer did not fail. Returns false if the
  // thread still runs: then no thread waits for room in a ring any more, not
  // even with OnFull::kBlock, and Stop() may be called again. In the child of a
  // fork() does nothing, and returns true. CHECKs that it is on no loop, strand
  // or worker.
  bool Stop(absl::Duration limit) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  explicit LoggerThread(AsyncLogger* logger) : logger_(*logger) {}

  void Run() ABSL_LOCKS_EXCLUDED(mutex_);
  // Waits until Run() is about to return; false once `limit` has passed.
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
