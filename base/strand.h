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

// A sequence on another executor: its tasks run one at a time, in the order
// submitted, whichever threads they land on. Not a thread. Has no bound of its
// own: its tasks are its users' objects.
//
// The strand itself is the task queued below, once while it has work, so that a
// thousand tasks cost one submission there. After `max_tasks_per_run` tasks it
// queues itself anew, behind others. Thread-safe; allocates nothing.
//
// An exception that leaves a task ends the process by std::terminate() at the
// throw: docs/architecture.md, "Exceptions".
class Strand final : public Executor, private Task {
 public:
  // `executor` outlives the strand.
  explicit Strand(Executor* executor, size_t max_tasks_per_run = 64);
  // REQUIRES: idle, or in the child of a fork(), where its tasks stay as they
  // are. The strand's last task may destroy it.
  ~Strand() override;

  bool Schedule(Task* task) override;

  const SequenceRole& role() const ABSL_LOCK_RETURNED(role_) { return role_; }

 private:
  void Run() override;
  void Abandon() override;
  // Calls `each` for up to `limit` tasks, inside a scope of the role, and takes
  // them off outstanding_. Returns whether there are more, for this caller to
  // see to. The strand may be gone: then there are none.
  bool ForEach(size_t limit, void (*each)(Task*));

  const OwnerProcess owner_;
  Executor* const executor_;
  const size_t max_tasks_per_run_;
  SequenceRole role_;
  union {
    TaskQueue tasks_;  // not destroyed in the child of a fork(), unless idle
  };
  // Tasks submitted less tasks done. Whoever raises it from 0 queues the strand
  // below; a run that leaves it above 0 does so too. A task may be done before
  // its submitter has counted it: the count then wraps below 0, queues nothing,
  // and that submitter's own step brings it to 0 or queues the strand.
  std::atomic<size_t> outstanding_{0};
  DestructorCheck destructor_check_;
};

}  // namespace sluice

#endif  // SLUICE_BASE_STRAND_H_
