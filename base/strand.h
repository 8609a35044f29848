#ifndef SLUICE_BASE_STRAND_H_
#define SLUICE_BASE_STRAND_H_

#include <atomic>
#include <cstddef>

#include "absl/base/thread_annotations.h"
#include "sluice/base/destructor_check.h"
#include "sluice/base/executor.h"
#include "sluice/base/owner_process.h"
#include "sluice/base/sequence_role.h"
#include "sluice/base/task_queue.h"

namespace sluice {

// A sequence on another executor: its tasks run one at a time, in the order in
// which they were scheduled, on any thread of that executor. Not a thread. Owns
// no task, so the number of tasks has no limit. Allocates nothing. Thread-safe.
//
// The strand is one task of the executor, however many tasks it has itself: it
// schedules itself there when it gets a task and has no other. A run takes at
// most `max_tasks_per_run` tasks. If more are left, the strand schedules itself
// again, behind other tasks. If the executor abandons the strand, the strand
// abandons its tasks inside that call.
//
// An exception that leaves a task ends the process by std::terminate() at the
// throw: docs/architecture.md, "Exceptions".
class Strand final : public Executor, private Task {
 public:
  // REQUIRES: `executor` outlives the strand; max_tasks_per_run > 0.
  explicit Strand(Executor* executor, size_t max_tasks_per_run = 64);
  // In the child of a fork() requires nothing, and leaves the tasks as they
  // are. Otherwise, REQUIRES: no thread is inside Schedule(); no task of the
  // strand is queued or runs, except that its last task may destroy it.
  ~Strand() override;

  bool Schedule(Task* task) override;

  // Returns the role that is current while a task runs.
  const SequenceRole& role() const ABSL_LOCK_RETURNED(role_) { return role_; }

 private:
  void Run() override;
  void Abandon() override;
  // Calls `each` for up to `limit` tasks, inside a scope of the role, and
  // subtracts their number from outstanding_. Returns true if there are more,
  // which the caller must handle. Returns false if a task destroyed the strand.
  bool ForEach(size_t limit, void (*each)(Task*));

  const OwnerProcess owner_;
  Executor* const executor_;
  const size_t max_tasks_per_run_;
  SequenceRole role_;
  union {
    TaskQueue tasks_;  // not destroyed in the child of a fork(), unless idle
  };
  // The number of tasks scheduled minus the number of tasks done. A thread that
  // raises it from 0 schedules the strand on the executor; a run that leaves it
  // above 0 does so too. A task may be done before the thread that scheduled it
  // has counted it. The count then wraps below 0 and schedules nothing, and
  // when that thread counts the task, it brings the count to 0 or schedules the
  // strand.
  std::atomic<size_t> outstanding_{0};
  DestructorCheck destructor_check_;
};

}  // namespace sluice

#endif  // SLUICE_BASE_STRAND_H_
