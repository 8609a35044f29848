#ifndef SLUICE_BASE_EXECUTOR_H_
#define SLUICE_BASE_EXECUTOR_H_

#include "sluice/base/task.h"

namespace sluice {

// An object that runs tasks, such as an EventLoop, a Strand or a WorkerPool.
// This interface promises neither an order nor a thread; an implementation may
// promise more. Thread-safe.
class Executor {
 public:
  virtual ~Executor() = default;

  // Queues `task` from any thread, and returns true. Cannot fail, does not
  // block, allocates nothing, and never runs `task` inside the call. If the
  // executor has ended, the executor calls Abandon() in place of Run(),
  // possibly inside this call.
  //
  // Returns false, and changes nothing, if `task` is queued already: the run
  // that it is queued for begins after this call. To be sure that this run sees
  // data that several threads write before they call Schedule(), guard the data
  // with a mutex or use sequentially consistent atomics.
  virtual bool Schedule(Task* task) = 0;
};

}  // namespace sluice

#endif  // SLUICE_BASE_EXECUTOR_H_
