#ifndef SLUICE_THREADPOOL_WORKER_POOL_H_
#define SLUICE_THREADPOOL_WORKER_POOL_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "sluice/base/counter.h"
#include "sluice/base/executor.h"
#include "sluice/base/mutex.h"
#include "sluice/base/owner_process.h"
#include "sluice/base/thread.h"
#include "sluice/threadpool/delay_probe.h"
#include "sluice/threadpool/task_lane.h"
#include "sluice/timer/clock.h"

namespace sluice {

// A fixed set of threads for work that blocks or uses much CPU time, which must
// not be done on a loop. Independent of loops: a task that has a result posts
// it to the loop that needs it. Thread-safe.
//
// Tasks that a thread outside the pool schedules start in the order in which it
// scheduled them, but run at the same time; to run tasks one after the other,
// use a Strand. Tasks that a worker schedules wait in the lane of that worker,
// in order too, until an idle worker takes the oldest of them, with up to 63
// more for its own lane. A worker takes tasks from its lane and from the common
// lane alternately, and looks at the lanes of other workers first after every
// 64 tasks. So no task starves, even behind a task that never returns, as long
// as another worker is free.
//
// Schedule() takes no lock unless a worker sleeps; then it wakes the worker.
// Idle workers use no CPU time. The number of queued callables has a limit. The
// number of tasks has none, because the pool does not own them.
//
// An exception that leaves a task ends the process by std::terminate() at the
// throw: docs/architecture.md, "Exceptions". If a task never returns, Join()
// and the destructor never return either. If tasks may do that, call TryJoin().
class WorkerPool final : public Executor {
 public:
  using Callable = absl::AnyInvocable<void() &&>;

  struct Options {
    const Clock* clock = nullptr;  // required; for deadlines and statistics
    // The threads are named "worker/0" and so on, truncated to 15 bytes.
    std::string name = "worker";
    // At most 4096. 0 means one for each CPU that Create()'s thread may use.
    int num_threads = 0;
    // The most callables that wait: if more come, Post() fails. With 0, Post()
    // always fails.
    size_t max_posted = 4096;
  };
  // Starts the threads. If an option is missing or out of bounds, returns
  // kInvalidArgument; the message names the option. If a thread does not start,
  // ends the threads that did, and returns the error of Thread::Start().
  static absl::StatusOr<std::unique_ptr<WorkerPool>> Create(Options options);

  // Calls Shutdown(kDiscard) if Shutdown() was not called, and Join(), which
  // waits for tasks that run. If a task may never return, release() the pool:
  // the pool and its threads then live until the process ends. CHECKs that the
  // caller is on no loop, strand or worker, unless the workers are joined
  // already. REQUIRES: no thread is inside a call, Schedule() included.
  ~WorkerPool() override;
  // In the child of a fork(), does nothing to a pool whose workers were not
  // joined, and leaves it in memory: docs/architecture.md, "fork()".
  static void operator delete(WorkerPool* pool, std::destroying_delete_t,
                              std::align_val_t alignment);

  // Schedules `task`: see Executor. During a shutdown, `task` runs or is
  // abandoned as OnShutdown says. If the workers have ended, calls Abandon()
  // inside the call.
  bool Schedule(Task* task) override ABSL_LOCKS_EXCLUDED(mutex_);

  // Runs `callable` once, later, on a worker, in a task that this call
  // allocates. The worker then destroys `callable`. Never blocks. Returns
  // kResourceExhausted if max_posted wait, and kCancelled after
  // Shutdown(). In both cases `callable` is left unchanged.
  absl::Status Post(Callable&& callable) ABSL_LOCKS_EXCLUDED(mutex_);

  enum class OnShutdown {
    // Run all tasks until none is queued or the limit has expired. This
    // includes tasks that are scheduled meanwhile.
    kDrain,
    // Abandon the tasks that are queued, and destroy the callables.
    kDiscard,
  };
  // The state of a shutdown.
  struct Report {
    uint64_t completed = 0;  // tasks that have returned since Shutdown()
    uint64_t abandoned = 0;  // tasks that were abandoned
    // Names of workers whose task ran past the limit and has returned.
    std::vector<std::string> overdue;
    // Names of workers that are in a task now.
    std::vector<std::string> running;
  };
  using Done = absl::AnyInvocable<void(Report) &&>;
  // Begins the shutdown and returns at once. The workers end together, when no
  // task is queued or runs. When `limit` has expired, kDrain becomes kDiscard:
  // each worker checks this between two tasks, so no task is interrupted. The
  // last worker to end calls `done` once, if it is not null, on its own thread.
  // May be called on any thread, workers included. REQUIRES: called once.
  void Shutdown(OnShutdown what, Done done,
                absl::Duration limit = absl::InfiniteDuration())
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Blocks until the workers have ended and `done` has returned. CHECKs that
  // the caller is on no loop, strand or worker. May be called again. REQUIRES:
  // Shutdown() was called; no other thread is inside Join() or TryJoin().
  void Join() ABSL_LOCKS_EXCLUDED(mutex_);
  // Does the same as Join(), for at most `limit`, and returns OK. If the
  // workers still run then, returns kDeadlineExceeded; the message names the
  // workers that are in a task. May be called again.
  absl::Status TryJoin(absl::Duration limit) ABSL_LOCKS_EXCLUDED(mutex_);

  // Returns the state of the shutdown. REQUIRES: Shutdown() was called.
  Report report() const ABSL_LOCKS_EXCLUDED(mutex_);

  struct Stats {
    uint64_t completed = 0;      // tasks that have returned since Create()
    uint64_t abandoned = 0;      // tasks that were abandoned
    uint64_t posts_refused = 0;  // callables that Post() refused
    uint64_t wakes = 0;          // signals to sleeping workers
    size_t queued = 0;           // tasks that wait
    size_t running = 0;          // workers that are in a task
    size_t asleep = 0;           // workers that have nothing to do
    // The delay from Schedule() to the start of a task, over the last 256 tasks
    // that were measured. The pool measures one task at a time, and while
    // workers are busy at most one in 64.
    absl::Duration queue_delay_p50, queue_delay_p99;
    // The sums of all workers' time since Create(). For the load of an
    // interval, take the difference of two readings.
    absl::Duration busy, idle;
    // Returns the busy part of the time since Create(), 0 to 1.
    double busy_ratio() const;
  };
  // Returns the statistics. Each number by itself is exact. Takes the locks of
  // the lanes one by one: call it from a monitor, not for each task.
  Stats stats() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  class CallableTask;
  struct Worker;

  enum class Mode { kOpen, kDrain, kDiscard };

  // The number of tasks after which a worker looks at the lanes of the others
  // first.
  static constexpr unsigned kFindsPerRound = 64;
  // The most tasks that an idle worker moves to its own lane, in addition to
  // the one that it runs.
  static constexpr size_t kMostStolen = 63;

  explicit WorkerPool(Options options);

  absl::Status StartThread(Worker* worker);
  void Work(Worker* worker) ABSL_LOCKS_EXCLUDED(mutex_);
  // Waits for a task and returns it; returns null if the pool has ended.
  Task* Take(Worker* worker) ABSL_LOCKS_EXCLUDED(mutex_);
  // Returns a task, or null if no lane seems to have one.
  Task* Find(Worker* worker) ABSL_LOCKS_EXCLUDED(mutex_);
  Task* Steal(Worker* worker, size_t limit) ABSL_LOCKS_EXCLUDED(mutex_);
  void Execute(Worker* worker, Task* task) ABSL_LOCKS_EXCLUDED(mutex_);
  // Returns a task if any lane has one after all. Otherwise sleeps until there
  // may be one, or the pool has ended, and returns null.
  Task* FindOrSleep(Worker* worker) ABSL_LOCKS_EXCLUDED(mutex_);
  void Leave(Worker* worker) ABSL_LOCKS_EXCLUDED(mutex_);
  void NoteIfOverdue(const Worker& worker) ABSL_LOCKS_EXCLUDED(mutex_);

  // Wakes a worker, or abandons the tasks if the pool has ended. Schedule()
  // calls it if attention_ is set.
  void Attend() ABSL_LOCKS_EXCLUDED(mutex_);
  // Adds a signal for a worker that sleeps. Returns false if none does.
  bool GiveSignal() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Returns true if no worker takes a task any more.
  bool HasEnded() const { return (attention_.load() & kEnded) != 0; }
  Task* PopAny();
  void AbandonAll();

  bool PastDeadline() const;
  void BeginIdle(Worker* worker) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void EndIdle(Worker* worker) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  uint64_t Completed() const;
  uint64_t Abandoned() const;
  std::vector<std::string> InTask() const;
  Report ReportLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const OwnerProcess owner_;
  const Clock* const clock_;
  const size_t max_posted_;
  const MonotonicTime created_;

  // Read for each task, rarely written.
  alignas(64) DelayProbe probe_;
  // The number of workers that sleep and were not signalled yet, plus kEnded. A
  // thread that has queued a task and then finds this not 0 calls Attend(). A
  // worker increases it and then looks at the lanes. Both sides are
  // sequentially consistent, so one of them sees the other.
  // Not a SleepFlag: it counts several sleepers.
  static constexpr uint32_t kEnded = uint32_t{1} << 31;
  alignas(64) std::atomic<uint32_t> attention_{0};
  std::atomic<Mode> mode_{Mode::kOpen};
  MonotonicTime deadline_;  // written before mode_

  mutable TaskLane shared_;  // tasks that no worker of this pool scheduled
  std::vector<std::unique_ptr<Worker>> workers_;

  alignas(64) mutable Mutex mutex_;
  CondVar wanted_;                                // for signals_ and kEnded
  size_t signals_ ABSL_GUARDED_BY(mutex_) = 0;    // signals not yet received
  size_t asleep_ ABSL_GUARDED_BY(mutex_) = 0;     // workers signalled or not
  size_t alive_ ABSL_GUARDED_BY(mutex_) = 0;      // workers that have not ended
  bool is_done_ ABSL_GUARDED_BY(mutex_) = false;  // true after done_ returned
  CondVar all_done_;
  Done done_ ABSL_GUARDED_BY(mutex_);
  uint64_t wakes_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t completed_before_ ABSL_GUARDED_BY(mutex_) = 0;  // at Shutdown()
  std::vector<std::string> overdue_ ABSL_GUARDED_BY(mutex_);

  alignas(64) std::atomic<size_t> callables_{0};  // callables that wait
  Counter posts_refused_;
  Counter abandoned_late_;  // tasks abandoned by no worker
};

}  // namespace sluice

#endif  // SLUICE_THREADPOOL_WORKER_POOL_H_
