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
#include "sluice/base/executor.h"
#include "sluice/base/mutex.h"
#include "sluice/base/owner_process.h"
#include "sluice/base/thread.h"
#include "sluice/threadpool/delay_probe.h"
#include "sluice/threadpool/task_lane.h"
#include "sluice/timer/clock.h"

namespace sluice {

// A fixed set of threads for work that blocks or burns CPU: what must not be
// done on a loop. Knows nothing of loops; a task that has a result submits
// something to where it came from. Thread-safe.
//
// Tasks that a thread outside submits start in the order it submitted them, and
// run at the same time: a Strand has an order. What a worker submits waits in a
// lane of that worker, in order too, until an idle worker takes the oldest,
// with up to 63 more for its own lane. A worker serves its lane and the common
// one by turns, and one of the others after every 64 tasks: none waits for
// another for ever, nor behind a task that goes on for ever while another
// worker does not.
//
// Submitting takes no lock unless a worker sleeps, which it then wakes; idle
// workers use no CPU. Unbounded save for callables: the tasks that exist are
// the bound.
//
// An exception that leaves a task ends the process by std::terminate() at the
// throw: docs/architecture.md, "Exceptions". A task that never ends keeps its
// worker, and with it Join() and the destructor; TryJoin() is for owners who
// would rather give up.
class WorkerPool final : public Executor {
 public:
  using Callable = absl::AnyInvocable<void() &&>;

  struct Options {
    const Clock* clock = nullptr;  // required; for deadlines and statistics
    std::string name = "worker";   // threads are "worker/0", ...; cut to 15
    // At most 4096; 0: one for each CPU that Create()'s thread may use.
    int num_threads = 0;
    // That wait: bounds Post(). 0: Post() always fails.
    size_t max_callables = 4096;
  };
  // kInvalidArgument names the option; the errors of Thread::Start().
  static absl::StatusOr<std::unique_ptr<WorkerPool>> Create(Options options);

  // Shutdown(kDiscard), if that was not done, and Join(): as long as a task
  // runs, this waits. Whoever has given up on one releases the pool instead,
  // which leaves it and its threads to the process's end. CHECKs that it is on
  // no loop, strand or worker, unless the workers were joined before.
  // REQUIRES: no thread is inside a call, Schedule() included.
  ~WorkerPool() override;
  // In the child of a fork() leaves in memory, as it is, a pool whose workers
  // were not joined: docs/architecture.md, "fork()".
  static void operator delete(WorkerPool* pool, std::destroying_delete_t);

  // Never fails, blocks or allocates. Once the workers have ended: Abandon(),
  // inside the call.
  bool Schedule(Task* task) override ABSL_LOCKS_EXCLUDED(mutex_);

  // For users: never blocks, allocates a task. kResourceExhausted when
  // max_callables wait; kFailedPrecondition after Shutdown(): `callable` is
  // then untouched.
  absl::Status Post(Callable&& callable) ABSL_LOCKS_EXCLUDED(mutex_);

  enum class OnShutdown {
    kDrain,    // what is queued is run, and what that submits, until the limit
    kDiscard,  // what is queued is abandoned; callables are destroyed
  };
  // How a shutdown went, or how it stands.
  struct Report {
    uint64_t completed = 0;  // tasks that have run to their end since then
    uint64_t abandoned = 0;
    // Names of workers: whose task ran on when the limit passed, and has ended
    // since; that are in a task now.
    std::vector<std::string> overdue;
    std::vector<std::string> running;
  };
  using Done = absl::AnyInvocable<void(Report) &&>;
  // Returns at once. The workers end together, when nothing is queued or runs.
  // Once `limit` has passed kDrain is kDiscard, which each worker sees between
  // two tasks: nothing that runs is interrupted. `done`, if it is not null, is
  // called once, on the last worker to end. Any thread, a worker too.
  // REQUIRES: called once.
  void Shutdown(OnShutdown what, Done done,
                absl::Duration limit = absl::InfiniteDuration())
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Blocks until the workers have ended and `done` has returned. CHECKs that it
  // is on no loop, strand or worker. REQUIRES: Shutdown() was called.
  void Join() ABSL_LOCKS_EXCLUDED(mutex_);
  // The same, for at most `limit`. kDeadlineExceeded names the workers that are
  // in a task; it may be called again.
  absl::Status TryJoin(absl::Duration limit) ABSL_LOCKS_EXCLUDED(mutex_);

  // REQUIRES: Shutdown() was called.
  Report report() const ABSL_LOCKS_EXCLUDED(mutex_);

  struct Stats {
    uint64_t completed = 0;
    uint64_t abandoned = 0;
    uint64_t refused = 0;  // by Post()
    uint64_t wakes = 0;    // signals to sleeping workers
    size_t queued = 0;
    size_t running = 0;
    size_t asleep = 0;  // workers that have nothing to do
    // From submission to start, of the last 256 tasks that were measured: one
    // at a time, and while workers are busy at most one in 64.
    absl::Duration queue_delay_p50, queue_delay_p99;
    // Time of all workers since Create(). A monitor takes the difference of two
    // readings.
    absl::Duration busy, idle;
    // Of the time until now; 0 before any has passed.
    double busy_ratio() const;
  };
  // Each number by itself is exact. Takes the queues' locks one by one: for
  // monitors, not for each task.
  Stats stats() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  class CallableTask;
  struct Worker;

  enum class Mode { kOpen, kDrain, kDiscard };

  // Every so many tasks a worker looks into the lanes of the others first.
  static constexpr unsigned kFindsPerTurn = 64;
  // How many more tasks it takes to its own lane when it has none.
  static constexpr size_t kMostStolen = 63;

  explicit WorkerPool(Options options);

  absl::Status StartThread(Worker* worker);
  void Work(Worker* worker) ABSL_LOCKS_EXCLUDED(mutex_);
  // The next task, waiting for one; null: the pool has ended.
  Task* Take(Worker* worker) ABSL_LOCKS_EXCLUDED(mutex_);
  // Null: no lane seems to have one.
  Task* Find(Worker* worker) ABSL_LOCKS_EXCLUDED(mutex_);
  Task* Steal(Worker* worker, size_t limit) ABSL_LOCKS_EXCLUDED(mutex_);
  void Execute(Worker* worker, Task* task) ABSL_LOCKS_EXCLUDED(mutex_);
  // A task, if any lane has one after all. Otherwise sleeps until there may be
  // one, or the pool has ended.
  Task* FindOrSleep(Worker* worker) ABSL_LOCKS_EXCLUDED(mutex_);
  void Leave() ABSL_LOCKS_EXCLUDED(mutex_);
  void NoteIfOverdue(const Worker& worker) ABSL_LOCKS_EXCLUDED(mutex_);

  // For Schedule(), when it finds attention_ set.
  void Attend() ABSL_LOCKS_EXCLUDED(mutex_);
  // For one that sleeps. False: there is none.
  bool GiveSignal() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // No worker takes a task any more.
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
  const size_t max_callables_;
  const MonotonicTime created_;

  // Read with each task, written seldom.
  alignas(64) DelayProbe probe_;
  // Workers that sleep and were not signalled yet, or kEnded. Whoever has
  // queued a task and then finds it set calls Attend(). A worker sets it and
  // then looks at the queues. Both sides are sequentially consistent, so one of
  // them sees the other. Not a SleepFlag: it counts several sleepers.
  static constexpr uint32_t kEnded = uint32_t{1} << 31;
  alignas(64) std::atomic<uint32_t> attention_{0};
  std::atomic<Mode> mode_{Mode::kOpen};
  MonotonicTime deadline_;  // written before mode_

  mutable TaskLane shared_;  // what no worker of this pool has submitted
  std::vector<std::unique_ptr<Worker>> workers_;

  alignas(64) mutable Mutex mutex_;
  CondVar wanted_;                                // signals_ or kEnded
  size_t signals_ ABSL_GUARDED_BY(mutex_) = 0;    // given, and not taken yet
  size_t asleep_ ABSL_GUARDED_BY(mutex_) = 0;     // signalled or not
  size_t alive_ ABSL_GUARDED_BY(mutex_) = 0;      // workers that did not end
  bool is_done_ ABSL_GUARDED_BY(mutex_) = false;  // done_ has returned
  CondVar all_done_;
  Done done_ ABSL_GUARDED_BY(mutex_);
  uint64_t wakes_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t completed_before_ ABSL_GUARDED_BY(mutex_) = 0;  // Shutdown()
  std::vector<std::string> overdue_ ABSL_GUARDED_BY(mutex_);

  alignas(64) std::atomic<size_t> callables_{0};  // that wait
  std::atomic<uint64_t> refused_{0};
  std::atomic<uint64_t> abandoned_late_{0};  // by no worker
};

}  // namespace sluice

#endif  // SLUICE_THREADPOOL_WORKER_POOL_H_
