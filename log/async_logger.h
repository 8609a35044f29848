#ifndef SLUICE_LOG_ASYNC_LOGGER_H_
#define SLUICE_LOG_ASYNC_LOGGER_H_

#include <pthread.h>
#include <semaphore.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/attributes.h"
#include "absl/base/optimization.h"
#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "sluice/base/counter.h"
#include "sluice/base/mutex.h"
#include "sluice/base/owner_process.h"
#include "sluice/base/sleep_flag.h"
#include "sluice/log/internal/log_args.h"
#include "sluice/log/internal/log_levels.h"
#include "sluice/log/internal/log_line.h"
#include "sluice/log/internal/log_output.h"
#include "sluice/log/internal/log_record.h"
#include "sluice/log/internal/log_site.h"
#include "sluice/log/internal/pointer_table.h"
#include "sluice/log/internal/ring_merger.h"
#include "sluice/log/internal/thread_ring.h"
#include "sluice/log/internal/tick_clock.h"
#include "sluice/log/log_severity.h"
#include "sluice/log/log_writer.h"
#include "sluice/timer/clock.h"

namespace sluice {

// A logger whose callers neither format nor write. A call copies its arguments,
// as they are, into a ring of the calling thread. This takes about 10 ns, and
// no lock, allocation or system call. The back end, RunOnce(), merges the rings
// by time, formats lines, and passes them to a writer in large pieces. Only an
// absl::Status, or an object that has AbslStringify() and no SluiceLogCopy(),
// is formatted by the call: log_value.h.
//
// Lines of one thread keep their order. Lines of different threads are ordered
// by time: if a thread logs and then causes another thread to log, by any
// means, then the lines are in that order.
//
// Losses are reported. Where lines were dropped because a ring was full, the
// log has one line with their number. While the writer fails, lines wait in the
// rings; the back end tries again after 100 ms, and then after twice the delay
// each time, up to 10 s.
//
// Thread-safe. Starts no thread: use LoggerThread, or call RunOnce().
//
// Memory: one ring for each thread that logs, at most max_threads + 1, and a
// buffer of 64 KiB plus one line. A thread allocates its ring in its first
// line, which takes about 100 us. The ring is freed when the thread has ended
// and its lines are written.
//
// Do not log in signal handlers. If the process crashes or calls exit(), the
// lines in the rings are lost; LogCrashHandler prevents that. In the child of a
// fork(), the parent's logger drops all lines: it writes nothing twice and
// waits for no thread, and may be destroyed. To log in a child, make a logger
// there.
//
// If the writer or an AbslStringify() throws an exception in RunOnce(), the
// process ends by std::terminate() at the throw: docs/architecture.md,
// "Exceptions". An exception that an AbslStringify() throws in the call of
// SLUICE_LOG reaches the caller, and the line is not logged.
class AsyncLogger {
 public:
  // The action if a thread's ring has no room for a line.
  enum class OnFull {
    // The line is dropped and counted.
    kDrop,
    // The thread waits. If no LoggerThread runs, the thread calls RunOnce()
    // once. A line is still dropped if its thread is inside RunOnce(), if that
    // RunOnce() makes no room because the writer fails, or after a
    // LoggerThread::Stop() that returned false.
    kBlock,
  };
  struct Options {
    const Clock* clock = nullptr;  // required; must outlive the logger
    // Lines below this severity are not logged, unless levels() changes that.
    LogSeverity level = LogSeverity::kInfo;
    // The form of the lines, text or JSON: log_line.h shows both.
    LogLineFormatter::Style style = LogLineFormatter::Style::kText;
    OnFull on_full = OnFull::kDrop;
    // The size of one thread's ring: a power of two from 2^10 to 2^30. A line
    // takes 24 bytes plus its arguments.
    size_t ring_bytes = 256 * 1024;
    // The number of threads with a ring of their own. All other threads share
    // one more ring under a mutex, as does a thread whose thread-local objects
    // are already destroyed.
    size_t max_threads = 256;
    // The size of all arguments of a line, at most a quarter of ring_bytes. If
    // arguments are larger, the longest strings are truncated, and the line has
    // "[truncated]" after each of them.
    size_t max_line_bytes = 4096;
    // Called when LogWriter::Write() begins to fail, once for each outage, and
    // when the destructor drops lines. Runs inside RunOnce() or the destructor,
    // and may log. By default the logger prints a line on stderr. An error of
    // LogWriter::Flush() goes only to the callers of Flush().
    absl::AnyInvocable<void(const absl::Status&)> on_error = nullptr;
  };
  struct Stats {
    uint64_t lines;         // lines passed to the writer, or about to be
    uint64_t bytes;         // bytes that the writer has written
    uint64_t dropped;       // lines dropped because there was no room
    uint64_t blocked;       // lines that waited for room
    uint64_t truncated;     // lines with strings truncated to max_line_bytes
    uint64_t write_errors;  // errors of the writer, one for each attempt
    // Bytes of records in the rings; a line takes 24 plus its arguments. While
    // the back end works, some of these lines may be written already. 0 in the
    // child of a fork().
    uint64_t waiting;
  };

  // REQUIRES: `writer` is not null, and `options` are in the ranges given
  // above.
  AsyncLogger(std::unique_ptr<LogWriter> writer, Options options);
  AsyncLogger(const AsyncLogger&) = delete;
  AsyncLogger& operator=(const AsyncLogger&) = delete;
  // Writes the lines in the rings, on this thread, and blocks as long as the
  // writer does. After LoggerThread::Stop() has returned true, only lines that
  // were logged later remain. If the writer fails, reports the number of
  // dropped lines and gives up. REQUIRES: no thread logs, now or later, and no
  // LoggerThread runs. Threads that have logged may continue to run.
  ~AsyncLogger();

  // -- Logging; programs use the macros of log.h --

  // Returns true if lines of `site` are logged.
  bool enabled(const LogSite& site) const {
    return levels_.Enabled(site.severity, site.file.data());
  }
  // Logs one line. REQUIRES: `site` has static storage, and its print() fits
  // the arguments.
  template <typename... Args>
  void Log(const LogSite& site, const Args&... args);
  // Logs a line of another logging library, with the time, place and severity
  // in `header`. The line has the name of the calling thread; header.thread is
  // ignored, and header.file is truncated to 256 bytes. Does not check
  // levels(). Truncates `message` as Log() truncates strings.
  void Append(const LogLineHeader& header, absl::string_view message);
  // Returns true in the first, the (n+1)st, the (2n+1)st, ... call for `site`.
  // Counts at most PointerTable::kCapacity sites; for others returns true.
  // REQUIRES: n > 0.
  bool IsNth(const LogSite& site, uint64_t n);
  // Returns true in the first call for `site`, and then in the first call after
  // `interval` has passed since a call that returned true. If `interval` is
  // infinite, returns true only once; if it is not positive, always. Remembers
  // at most PointerTable::kCapacity sites; for others returns true.
  bool IsDue(const LogSite& site, absl::Duration interval);

  // -- Levels --

  // Returns the levels, which may be changed at any time.
  LogLevels& levels() { return levels_; }

  // -- The back end --

  // Takes the lines out of the rings, writes them, and returns their number.
  // Any thread may call it; one call runs at a time, and others block until it
  // has ended. Does nothing and returns 0 if the writer, an AbslStringify() or
  // Options::on_error calls it, and in the child of a fork().
  size_t RunOnce();
  // Requests a flush. Calls done(status) once, later, in RunOnce() or in the
  // destructor, on the thread that calls these. `status` is OK when all lines
  // are written that this thread logged before, and all that other threads
  // logged in calls that had returned, and LogWriter::Flush() has succeeded. If
  // the writer fails, `status` is its error: the flush does not wait for
  // another attempt. The remaining lines are kept and tried again. Calls done()
  // without a lock: except in the destructor, done() may log and call Flush().
  // In the child of a fork(), calls done() with kFailedPrecondition inside this
  // call.
  void Flush(absl::AnyInvocable<void(absl::Status) &&> done);
  // Flushes and waits for the result. If no LoggerThread runs, calls RunOnce()
  // itself, and then blocks as long as the writer does. Returns the status that
  // Flush() reports; kDeadlineExceeded after `timeout`; kFailedPrecondition if
  // it is called inside RunOnce(), as by the writer. CHECKs that this thread is
  // not running a loop, a strand or a worker.
  absl::Status FlushAndWait(absl::Duration timeout);
  // Does the same on any thread. If that is the thread of a loop, the loop
  // blocks meanwhile. Use it only if the process ends next.
  absl::Status FlushBeforeAbort(absl::Duration timeout);

  // Takes a lock: meant for monitoring, not for each line.
  Stats stats() const ABSL_NO_THREAD_SAFETY_ANALYSIS;  // reads atomics

 private:
  friend class LogCrashHandler;
  friend class LoggerThread;

  using CopyArgs = absl::FunctionRef<void(char* to)>;
  using Done = absl::AnyInvocable<void(absl::Status) &&>;

  // -- The caller's side --

  // Returns the header of a record that is logged now.
  LogRecord NewRecord(const LogSite& site, size_t args_size) const {
    return {.size = static_cast<uint32_t>(sizeof(LogRecord) + args_size),
            .ticks = ticks_.Now(),
            .site = &site};
  }
  void WriteHeader(char* to, const LogSite& site, size_t args_size) const {
    const LogRecord record = NewRecord(site, args_size);
    std::memcpy(to, &record, sizeof(record));
  }
  // Reserves `bytes` after TryReserve() has failed. Returns nullptr if the
  // record has to take LogSlowly(). Needed about twice for each lap of the
  // ring.
  ABSL_ATTRIBUTE_NOINLINE static char* LookForRoom(ThreadRing* ring,
                                                   size_t bytes);
  // Logs a line if the thread's ring has to be found or made, is full, or is
  // more than half full: then it wakes the back end.
  ABSL_ATTRIBUTE_NOINLINE void LogSlowly(const LogSite& site, size_t args_size,
                                         CopyArgs copy);
  // Returns this thread's ring, and makes it if there is none; nullptr if the
  // thread has to use the shared ring.
  ThreadRing* GetRing();
  // Adds a ring for a thread named `thread`.
  std::shared_ptr<ThreadRing> AddRing(absl::string_view thread)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(rings_mutex_);
  void PutInShared(const LogSite& site, size_t args_size, CopyArgs copy)
      ABSL_LOCKS_EXCLUDED(shared_mutex_);
  // Puts a record into the ring; waits for room or drops it, as on_full_ says.
  void PutOrDrop(ThreadRing* ring, const LogSite& site, size_t args_size,
                 CopyArgs copy);
  // Returns false if no thread will make room.
  bool WaitAndPut(ThreadRing* ring, const LogSite& site, size_t args_size,
                  CopyArgs copy) ABSL_LOCKS_EXCLUDED(room_mutex_);
  // Returns false if there is no room.
  bool TryPut(ThreadRing* ring, const LogSite& site, size_t args_size,
              CopyArgs copy);
  // Returns true in the child of a fork(). Takes a system call.
  bool forked() const { return !owner_.IsCurrent(); }
  // Called by LoggerThread at its end. After it no thread waits for
  // LoggerThread.
  void StopThread() ABSL_LOCKS_EXCLUDED(room_mutex_);
  // With `may_wait` false, lines without room are dropped, whatever OnFull
  // says, and threads that wait for room continue. LoggerThread does this if it
  // does not end in time.
  void SetMayWait(bool may_wait) ABSL_LOCKS_EXCLUDED(room_mutex_);
  // Returns true if this thread is inside Run().
  bool OnBackEnd() const;
  // Ends the current or the next WaitForWork(). Async-signal-safe.
  void Wake();

  // -- For LogCrashHandler: async-signal-safe, except TryRunOnce() --

  struct LastLine {
    absl::string_view thread;
    const LogSite* site;
    absl::string_view args;  // as LogArgs::CopyTo() writes them
  };
  // Requests a flush without a lock. Pass the result to IsAnswered(). If `line`
  // is not nullptr, it becomes the last line of the log: nothing is written
  // after it. REQUIRES: `line` outlives the logger.
  uint64_t AskForFlush(const LastLine* line);
  // Returns true when the back end has flushed, or the writer has failed.
  bool IsAnswered(uint64_t asked) const;
  // Returns true if no other thread runs the back end: no LoggerThread runs, or
  // this thread is LoggerThread's.
  bool DrivesBackEnd() const;
  // Does what RunOnce() does, except that it returns false at once if another
  // thread is inside, and does not call the callbacks of flushes.
  bool TryRunOnce();

  // -- The back end's side --

  // Writes all lines; the destructor calls it, except in the child of a fork().
  void Close();
  // Does what RunOnce() does, except that it leaves the callbacks of flushes to
  // its caller, in finished_. Does nothing after a last line.
  size_t Run() ABSL_EXCLUSIVE_LOCKS_REQUIRED(back_end_);
  // Adds the rings of new threads to rings_, and removes the written rings of
  // threads that have ended.
  void UpdateRings() ABSL_EXCLUSIVE_LOCKS_REQUIRED(back_end_)
      ABSL_LOCKS_EXCLUDED(rings_mutex_);
  // Takes the flushes that were requested, and notes how far each ring has to
  // be written for them.
  void BeginFlush() ABSL_EXCLUSIVE_LOCKS_REQUIRED(back_end_)
      ABSL_LOCKS_EXCLUDED(flush_mutex_);
  bool HasFlush() ABSL_LOCKS_EXCLUDED(back_end_);
  // Finishes the flushes that BeginFlush() took if all their lines are written,
  // or if `written` is an error.
  void EndFlush(const absl::Status& written)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(back_end_);
  // Writes flush_line_.
  absl::Status WriteLastLine() ABSL_EXCLUSIVE_LOCKS_REQUIRED(back_end_);
  void AppendLine(absl::string_view thread, const LogRecord& record,
                  const char* args) ABSL_EXCLUSIVE_LOCKS_REQUIRED(back_end_);
  // Wakes the threads that wait for room.
  void SignalRoom() ABSL_LOCKS_EXCLUDED(room_mutex_);
  // If lines were dropped after the last record of the ring, appends the line
  // with their number.
  void AppendDropped(ThreadRing* ring) ABSL_EXCLUSIVE_LOCKS_REQUIRED(back_end_);
  uint64_t WaitingBytes() const ABSL_LOCKS_EXCLUDED(rings_mutex_);
  // Sleeps until Wake() is called, at most for `at_most`. For LoggerThread.
  void WaitForWork(absl::Duration at_most);

  const Clock& clock_;
  const OnFull on_full_;
  const size_t ring_bytes_;
  const size_t max_threads_;
  const size_t max_args_;
  const OwnerProcess owner_;
  TickClock ticks_;  // guarded by back_end_, except Now()
  LogLevels levels_;
  PointerTable
      sites_;  // for each site, the count of IsNth() or time of IsDue()
  Counter blocked_, dropped_, truncated_;

  mutable Mutex rings_mutex_;
  std::vector<std::shared_ptr<ThreadRing>> all_rings_
      ABSL_GUARDED_BY(rings_mutex_);
  std::atomic<bool> rings_changed_{false};

  Mutex shared_mutex_;
  std::shared_ptr<ThreadRing> shared_ring_ ABSL_GUARDED_BY(shared_mutex_);

  Mutex room_mutex_;
  CondVar room_;
  // Not a SleepFlag: each of these threads waits for room in its own ring.
  std::atomic<int> waiting_for_room_{0};
  std::atomic<bool> may_wait_{true};

  Mutex flush_mutex_;
  std::vector<Done> flush_requests_ ABSL_GUARDED_BY(flush_mutex_);
  std::atomic<bool> flush_requested_{false};
  std::atomic<uint64_t> flushes_asked_{0}, flushes_answered_{0};
  std::atomic<const LastLine*> last_line_{nullptr};

  sem_t work_;                         // for WaitForWork()
  SleepFlag sleep_flag_;               // set in WaitForWork()
  std::atomic<bool> has_work_{false};  // true if woken since the last sleep
  std::atomic<bool> has_thread_{false};

  Mutex back_end_;
  std::atomic<bool> back_end_busy_{false};
  std::atomic<pthread_t> back_end_thread_{};  // valid while back_end_busy_
  LogOutput output_ ABSL_GUARDED_BY(back_end_);
  LogLineFormatter formatter_ ABSL_GUARDED_BY(back_end_);
  RingMerger merger_ ABSL_GUARDED_BY(back_end_);
  std::vector<std::shared_ptr<ThreadRing>> rings_ ABSL_GUARDED_BY(back_end_);
  bool flushing_ ABSL_GUARDED_BY(back_end_) = false;
  std::vector<Done> flushes_ ABSL_GUARDED_BY(back_end_);
  uint64_t answering_ ABSL_GUARDED_BY(back_end_) = 0;  // flushes_asked_, then
  const LastLine* flush_line_ ABSL_GUARDED_BY(back_end_) = nullptr;
  bool ended_ ABSL_GUARDED_BY(back_end_) = false;  // after a last line
  // Callbacks of finished flushes, to be called with flushed_.
  std::vector<Done> finished_ ABSL_GUARDED_BY(back_end_);
  absl::Status flushed_ ABSL_GUARDED_BY(back_end_);
  Counter lines_;
};

template <typename... Args>
void AsyncLogger::Log(const LogSite& site, const Args&... args) {
  LogArgs<Args...> packed(args...);
  if (ABSL_PREDICT_FALSE(packed.size() > max_args_)) {
    packed.Truncate(max_args_);
    truncated_.Add();
  }
  const size_t args_size = packed.size();
  ThreadRing* const ring = log_internal::last_ring;
  if (ABSL_PREDICT_TRUE(ring != nullptr &&
                        ring->logger.load(std::memory_order_relaxed) == this)) {
    const size_t bytes = LogRecord::BytesFor(args_size);
    char* to = ring->ring.TryReserve(bytes);
    if (ABSL_PREDICT_FALSE(to == nullptr)) to = LookForRoom(ring, bytes);
    if (ABSL_PREDICT_TRUE(to != nullptr)) {
      WriteHeader(to, site, args_size);
      packed.CopyTo(to + sizeof(LogRecord));
      ring->ring.Commit(bytes);
      return;
    }
  }
  LogSlowly(site, args_size, [&packed](char* to) { packed.CopyTo(to); });
}

}  // namespace sluice

#endif  // SLUICE_LOG_ASYNC_LOGGER_H_
