#ifndef SLUICE_THREADPOOL_WORKER_POOL_H_
#define SLUICE_THREADPOOL_WORKER_POOL_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "sluice/base/executor.h"
#include "sluice/base/mutex.h"
#include "sluice/base/task_queue.h"
#include "sluice/base/thread.h"

namespace sluice {

// A fixed set of threads for work that blocks or burns CPU: what must not be
// done on a loop. Knows nothing of loops; a task that has a result submits
// something to where it came from. Tasks start in the order submitted, and run
// at the same time: a Strand has an order. Idle workers use no CPU.
// Thread-safe.
class WorkerPool final : public Executor {
 public:
  using Callable = absl::AnyInvocable<void() &&>;

  struct Options {
    std::string name = "worker";  // threads are "worker/0", ...; cut to 15
    int num_threads = 0;          // 0: one for each CPU
    size_t max_callables = 4096;  // that wait: bounds TrySubmit()
  };
  // kInvalidArgument; the errors of Thread::Start().
  static absl::StatusOr<std::unique_ptr<WorkerPool>> Create(Options options);

  // Shutdown(kDiscard) and Join(), if that was not done.
  ~WorkerPool() override;

  // Never fails, blocks or allocates. After Shutdown(): Abandon(), on a worker,
  // or inside the call once the workers have ended.
  bool Submit(ExecTask* task) override ABSL_LOCKS_EXCLUDED(mutex_);

  // For users: never blocks, allocates a task. kResourceExhausted when
  // max_callables wait; kFailedPrecondition after Shutdown(): `callable` is
  // then untouched.
  absl::Status TrySubmit(Callable&& callable) ABSL_LOCKS_EXCLUDED(mutex_);

  enum class OnShutdown {
    kDrain,    // what is queued is run
    kDiscard,  // what is queued is abandoned; callables are destroyed
  };
  // Returns at once. What runs is not interrupted. `done` is called once, on
  // the last worker to end. Any thread, a worker too. REQUIRES: called once.
  void Shutdown(OnShutdown what, Callable done) ABSL_LOCKS_EXCLUDED(mutex_);

  // Blocks until the workers have ended. CHECKs that it is on no loop, strand
  // or worker. REQUIRES: Shutdown() was called; called once.
  void Join();

  struct Stats {
    uint64_t submitted = 0;
    uint64_t completed = 0;
    uint64_t abandoned = 0;
    uint64_t refused = 0;  // by TrySubmit()
    size_t queued = 0;
    size_t running = 0;
  };
  Stats stats() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  class CallableTask;

  explicit WorkerPool(size_t max_callables) : max_callables_(max_callables) {}

  bool Enqueue(ExecTask* task) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Work() ABSL_LOCKS_EXCLUDED(mutex_);
  // The next task, waiting for one; null: the worker is to end.
  ExecTask* Take() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const size_t max_callables_;
  mutable Mutex mutex_;
  CondVar wanted_;  // there is work, or an end of it
  TaskQueue tasks_ ABSL_GUARDED_BY(mutex_);
  size_t idle_ ABSL_GUARDED_BY(mutex_) = 0;       // workers that wait
  size_t alive_ ABSL_GUARDED_BY(mutex_) = 0;      // workers that did not end
  size_t callables_ ABSL_GUARDED_BY(mutex_) = 0;  // that wait
  std::optional<OnShutdown> shutdown_ ABSL_GUARDED_BY(mutex_);
  Callable done_ ABSL_GUARDED_BY(mutex_);
  Stats stats_ ABSL_GUARDED_BY(mutex_);
  std::vector<Thread> threads_;
};

}  // namespace sluice

#endif  // SLUICE_THREADPOOL_WORKER_POOL_H_
