#ifndef SLUICE_LOG_ASYNC_LOGGER_H_
#define SLUICE_LOG_ASYNC_LOGGER_H_

#include <pthread.h>
#include <semaphore.h>
#include <sys/types.h>

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
#include "sluice/base/mutex.h"
#include "sluice/log/log_args.h"
#include "sluice/log/log_levels.h"
#include "sluice/log/log_line.h"
#include "sluice/log/log_output.h"
#include "sluice/log/log_record.h"
#include "sluice/log/log_severity.h"
#include "sluice/log/log_site.h"
#include "sluice/log/log_writer.h"
#include "sluice/log/pointer_table.h"
#include "sluice/log/ring_merger.h"
#include "sluice/log/thread_ring.h"
#include "sluice/log/tick_clock.h"
#include "sluice/timer/clock.h"

namespace sluice {

// Takes formatting and writing off the threads that log. A call copies its
// arguments, as they are, into a ring of the calling thread: some ten
// nanoseconds, without lock, allocation or system call. The back end merges the
// rings by time, makes lines, and gives them to a writer in large pieces.
//
// Lines of one thread keep their order. Lines of several are ordered by time:
// if one thread has logged and then made another log, in whatever way, the
// lines are in that order.
//
// What is not written is told. Of lines that found no room their number stands
// where they are missing. While the writer fails, lines wait in the rings; it
// is tried again after 100 ms, then after twice as long up to 10 s.
//
// Thread-safe. Starts no thread: LoggerThread does, or whoever calls RunOnce().
// Memory: a ring for each thread that logs, taken at its first line, which it
// costs some 100 us, and given back when the thread has ended and its lines are
// written; text of 64 KiB and a line.
//
// Not for signal handlers. What is in the rings when the process crashes or
// calls exit() is lost, but for LogCrashHandler. In the child of a fork() a
// logger of the parent takes lines and loses them: nothing is written twice,
// nobody waits, and destroying it is harmless. A child that logs makes a logger
// of its own.
//
// An exception that leaves the writer, or what prints a value, ends the process
// by std::terminate() at the throw: docs/architecture.md, "Exceptions".
class AsyncLogger {
 public:
  // What becomes of a line for which its thread's ring has no room.
  enum class OnFull {
    kDrop,   // it is lost, and counted where it is missing
    kBlock,  // its thread waits; or, if no LoggerThread runs, does RunOnce()
  };
  struct Options {
    const Clock* clock = nullptr;  // required; outlives the logger
    LogSeverity level = LogSeverity::kInfo;
    LogLineFormatter::Style style = LogLineFormatter::Style::kText;
    OnFull on_full = OnFull::kDrop;
    // Of one thread's ring: a power of two from 2^10 to 2^30. A line takes 24
    // bytes and its arguments.
    size_t ring_bytes = 256 * 1024;
    // Threads beyond these share one more ring, under a mutex; so do threads
    // that log while they end.
    size_t max_threads = 256;
    // Of all arguments of a line, at most a quarter of ring_bytes. Longer
    // strings are cut, and the line says where.
    size_t max_line_bytes = 4096;
    // Is told when the writer begins to fail; by default a line on stderr is.
    // On the thread of the back end.
    absl::AnyInvocable<void(const absl::Status&)> on_error = nullptr;
  };
  struct Stats {
    uint64_t lines;         // given to the writer, or about to be
    uint64_t bytes;         // that it took
    uint64_t dropped;       // lines that found no room
    uint64_t blocked;       // lines that waited for room
    uint64_t truncated;     // lines with strings cut to max_line_bytes
    uint64_t write_errors;  // of the writer, each attempt
    // Bytes of records that the rings hold; a line takes 24 and its arguments.
    // While the writer works, some may be with the writer already. 0 in the
    // child of a fork().
    uint64_t waiting;
  };

  // REQUIRES: `options` are in the ranges that they name.
  AsyncLogger(std::unique_ptr<LogWriter> writer, Options options);
  AsyncLogger(const AsyncLogger&) = delete;
  AsyncLogger& operator=(const AsyncLogger&) = delete;
  // Writes what is there, on this thread, and blocks as long as the writer
  // does: after LoggerThread::Stop() nothing is left, unless a thread logs
  // later. If the writer fails, tells how many lines are lost and ends.
  // REQUIRES: no thread logs, now or later, and no LoggerThread runs. Threads
  // that have logged may live on.
  ~AsyncLogger();

  // -- Logging: by the macros of log.h --

  bool enabled(const LogSite& site) const {
    return levels_.Enabled(site.severity, site.file.data());
  }
  // `site` is a constant, whose print() fits the arguments.
  template <typename... Args>
  void Log(const LogSite& site, const Args&... args);
  // A line that somebody else's logging made, with its own time, place and
  // severity; its thread is the calling one. `message` is cut like a string.
  void Append(const LogLineHeader& header, absl::string_view message);
  // Whether this is the first, the (n+1)st, the (2n+1)st, ... call for `site`.
  // Beyond PointerTable::kCapacity sites always. REQUIRES: n > 0.
  bool IsNth(const LogSite& site, uint64_t n);
  // Whether it is the first for `site`, or `interval` after the last that was.
  // Beyond PointerTable::kCapacity sites, and if `interval` is not positive,
  // always; if it is infinite, only the first.
  bool IsDue(const LogSite& site, absl::Duration interval);

  // -- What is logged --

  // May be changed at any time.
  LogLevels& levels() { return levels_; }

  // -- The back end --

  // Writes what is in the rings; returns how many lines. Any thread may call
  // it: one is inside, others wait. Does nothing if called by the writer.
  size_t RunOnce();
  // Calls done(status) once, in RunOnce() or in the destructor: OK when all
  // that this thread logged before, and others in calls that had returned, has
  // been written and LogWriter::Flush() has succeeded. An error of the writer
  // is reported at once; what it did not take is kept, and tried again.
  // kFailedPrecondition after a fork.
  void Flush(absl::AnyInvocable<void(absl::Status) &&> done);
  // Blocks until then, while LoggerThread works. kDeadlineExceeded after
  // `timeout`, kFailedPrecondition if the writer calls it. If there is no
  // LoggerThread, does RunOnce() itself, as long as the writer takes. CHECKs
  // that it is on no loop, strand or worker.
  absl::Status FlushAndWait(absl::Duration timeout);
  // The same on any thread, a loop's too, which stands still meanwhile: for
  // those who end the process next.
  absl::Status FlushBeforeAbort(absl::Duration timeout);

  // Takes a lock: for monitors, not for each line.
  Stats stats() const ABSL_NO_THREAD_SAFETY_ANALYSIS;  // reads atomics

 private:
  friend class LogCrashHandler;
  friend class LoggerThread;

  using CopyArgs = absl::FunctionRef<void(char* to)>;
  using Done = absl::AnyInvocable<void(absl::Status) &&>;

  // -- The caller's side --

  void WriteHeader(char* to, const LogSite& site, size_t args_size) const {
    const LogRecord record = {
        .size = static_cast<uint32_t>(sizeof(LogRecord) + args_size),
        .ticks = ticks_.Now(),
        .site = &site};
    std::memcpy(to, &record, sizeof(record));
  }
  // What TryReserve() cannot find without a look, if a look will do. Twice in a
  // lap of the ring: this is what the slowest calls are about.
  ABSL_ATTRIBUTE_NOINLINE static char* LookForRoom(ThreadRing* ring,
                                                   size_t bytes);
  // For a thread whose ring has to be found, or is full, or nearly: then the
  // back end has to hear of it.
  ABSL_ATTRIBUTE_NOINLINE void LogSlowly(const LogSite& site, size_t args_size,
                                         CopyArgs copy);
  // This thread's ring, made here if need be; nullptr if it gets none.
  ThreadRing* GetRing();
  // For a thread of that name.
  std::shared_ptr<ThreadRing> AddRing(absl::string_view thread)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(rings_mutex_);
  void PutInShared(const LogSite& site, size_t args_size, CopyArgs copy)
      ABSL_LOCKS_EXCLUDED(shared_mutex_);
  // Waits for room, or loses the record, as Options say.
  void PutOrDrop(ThreadRing* ring, const LogSite& site, size_t args_size,
                 CopyArgs copy);
  // False if nobody will make room.
  bool WaitAndPut(ThreadRing* ring, const LogSite& site, size_t args_size,
                  CopyArgs copy) ABSL_LOCKS_EXCLUDED(room_mutex_);
  // False if there is no room.
  bool TryPut(ThreadRing* ring, const LogSite& site, size_t args_size,
              CopyArgs copy);
  // In the child of a fork(): a system call.
  bool forked() const;
  // What LoggerThread does at its end: lets nobody wait for it.
  void StopThread() ABSL_LOCKS_EXCLUDED(room_mutex_);
  // With false, lines that find no room are dropped whatever OnFull says, and
  // threads that wait go on: LoggerThread does not end in time.
  void SetMayWait(bool may_wait) ABSL_LOCKS_EXCLUDED(room_mutex_);
  // Whether this thread is the one inside Run().
  bool OnBackEnd() const;
  // Ends WaitForWork(), this one or the next. Async-signal-safe.
  void Wake();

  // -- LogCrashHandler's: async-signal-safe, but for TryRunOnce() --

  struct LastLine {
    absl::string_view thread;
    const LogSite* site;
    absl::string_view args;  // as LogArgs::CopyTo() writes them
  };
  // A flush that takes no lock. What is returned is for IsAnswered(). `line`
  // may be nullptr; else it is written after the rest, nothing is written after
  // it, and it outlives the logger.
  uint64_t AskForFlush(const LastLine* line);
  // True once the back end has flushed, or the writer has failed.
  bool IsAnswered(uint64_t asked) const;
  // Whether no other thread is known to do that: no LoggerThread runs, or this
  // is it.
  bool DrivesBackEnd() const;
  // RunOnce(), but waits for nobody who is inside, and leaves it to others to
  // call what is done. False if it did nothing.
  bool TryRunOnce();

  // -- The back end's side --

  // What the destructor does where the logger works.
  void Close();
  // RunOnce(), but for the calls of flushes that are done. Nothing after a last
  // line.
  size_t Run() ABSL_EXCLUSIVE_LOCKS_REQUIRED(back_end_);
  // Brings rings_ up to date: with those of new threads, without those of ended
  // threads that have been written.
  void UpdateRings() ABSL_EXCLUSIVE_LOCKS_REQUIRED(back_end_)
      ABSL_LOCKS_EXCLUDED(rings_mutex_);
  // Takes what was requested and asked for, and notes how far the rings have to
  // be written.
  void BeginFlush() ABSL_EXCLUSIVE_LOCKS_REQUIRED(back_end_)
      ABSL_LOCKS_EXCLUDED(flush_mutex_);
  bool HasFlush() ABSL_LOCKS_EXCLUDED(back_end_);
  // Done if they are, or if `written` is an error.
  void EndFlush(const absl::Status& written)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(back_end_);
  // Of this flush.
  absl::Status WriteLastLine() ABSL_EXCLUSIVE_LOCKS_REQUIRED(back_end_);
  void AppendLine(absl::string_view thread, const LogRecord& record,
                  const char* args) ABSL_EXCLUSIVE_LOCKS_REQUIRED(back_end_);
  // Wakes threads that wait for room.
  void SignalRoom() ABSL_LOCKS_EXCLUDED(room_mutex_);
  // Tells of what a thread has lost since its last record, if anything.
  void AppendDropped(ThreadRing* ring) ABSL_EXCLUSIVE_LOCKS_REQUIRED(back_end_);
  uint64_t WaitingBytes() const ABSL_LOCKS_EXCLUDED(rings_mutex_);
  // Sleeps until Wake(), at most so long. For LoggerThread.
  void WaitForWork(absl::Duration at_most);

  const Clock& clock_;
  const OnFull on_full_;
  const size_t ring_bytes_;
  const size_t max_threads_;
  const size_t max_args_;
  const pid_t pid_;
  TickClock ticks_;  // but for Now(): under back_end_
  LogLevels levels_;
  PointerTable sites_;  // for each, what IsNth() or IsDue() has to know
  std::atomic<uint64_t> blocked_{0}, dropped_{0}, truncated_{0};

  mutable Mutex rings_mutex_;
  std::vector<std::shared_ptr<ThreadRing>> all_rings_
      ABSL_GUARDED_BY(rings_mutex_);
  std::atomic<bool> rings_changed_{false};

  Mutex shared_mutex_;
  std::shared_ptr<ThreadRing> shared_ring_ ABSL_GUARDED_BY(shared_mutex_);

  Mutex room_mutex_;
  CondVar room_;
  std::atomic<int> waiting_for_room_{0};
  std::atomic<bool> may_wait_{true};

  Mutex flush_mutex_;
  std::vector<Done> flush_requests_ ABSL_GUARDED_BY(flush_mutex_);
  std::atomic<bool> flush_requested_{false};
  std::atomic<uint64_t> flushes_asked_{0}, flushes_answered_{0};
  std::atomic<const LastLine*> last_line_{nullptr};

  sem_t work_;                         // WaitForWork() waits for it
  std::atomic<bool> asleep_{false};    // in WaitForWork(), or about to be
  std::atomic<bool> has_work_{false};  // since it last was
  std::atomic<bool> has_thread_{false};

  Mutex back_end_;
  std::atomic<bool> back_end_busy_{false};
  std::atomic<pthread_t> back_end_thread_{};  // while busy
  LogOutput output_ ABSL_GUARDED_BY(back_end_);
  LogLineFormatter formatter_ ABSL_GUARDED_BY(back_end_);
  RingMerger merger_ ABSL_GUARDED_BY(back_end_);
  std::vector<std::shared_ptr<ThreadRing>> rings_ ABSL_GUARDED_BY(back_end_);
  bool flushing_ ABSL_GUARDED_BY(back_end_) = false;
  std::vector<Done> flushes_ ABSL_GUARDED_BY(back_end_);
  uint64_t answering_ ABSL_GUARDED_BY(back_end_) = 0;  // of flushes_asked_
  const LastLine* flush_line_ ABSL_GUARDED_BY(back_end_) = nullptr;
  bool ended_ ABSL_GUARDED_BY(back_end_) = false;  // by a last line
  // Done, with flushed_, but not told of.
  std::vector<Done> finished_ ABSL_GUARDED_BY(back_end_);
  absl::Status flushed_ ABSL_GUARDED_BY(back_end_);
  std::atomic<uint64_t> lines_{0};
};

template <typename... Args>
void AsyncLogger::Log(const LogSite& site, const Args&... args) {
  LogArgs<Args...> packed(args...);
  if (ABSL_PREDICT_FALSE(packed.size() > max_args_)) {
    packed.Truncate(max_args_);
    truncated_.fetch_add(1, std::memory_order_relaxed);
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
