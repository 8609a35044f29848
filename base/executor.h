#ifndef SLUICE_BASE_EXECUTOR_H_
#define SLUICE_BASE_EXECUTOR_H_

#include "sluice/base/task.h"

namespace sluice {

// Runs tasks: EventLoop, Strand and WorkerPool are executors. This interface
// promises neither an order nor a thread; an implementation may promise more.
// Thread-safe.
class Executor {
 public:
  virtual ~Executor() = default;

  // Queues `task` from any thread. Cannot fail, does not block, allocates
  // nothing, and never runs `task` inside the call. Returns false, and changes
  // nothing, if `task` is queued already: the run that it is queued for begins
  // after this call. To be sure that this run sees data that several threads
  // write before they call Schedule(), guard the data with a mutex or use
  // sequentially consistent atomics.
  virtual bool Schedule(Task* task) = 0;
};

}  // namespace sluice

#endif  // SLUICE_BASE_EXECUTOR_H_
