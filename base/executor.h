#ifndef SLUICE_BASE_EXECUTOR_H_
#define SLUICE_BASE_EXECUTOR_H_

#include <atomic>

#include "sluice/base/check.h"

namespace sluice {

// A unit of work that queues without allocating: intrusive, owned by whoever
// submits it, in at most one queue at a time. Embed it or derive from it.
//
// When Run() or Abandon() is called the task is out of the queue already, so
// both may destroy it, and Run() may submit it again. Exactly one of the two
// follows each successful submission, unless the executor gave it back
// (EventLoop::Cancel()). 24 bytes.
class ExecTask {
 public:
  ExecTask(const ExecTask&) = delete;
  ExecTask& operator=(const ExecTask&) = delete;

  virtual void Run() = 0;
  // Instead of Run(), when the executor ended first; on its last thread.
  // Releases what the task holds; submits nothing.
  virtual void Abandon() = 0;

  // Exact on the executor's sequence; elsewhere a hint.
  bool queued() const {
    return next_.load(std::memory_order_relaxed) != nullptr;
  }

 protected:
  ExecTask() = default;
  // REQUIRES: not queued.
  virtual ~ExecTask() { SLUICE_CHECK(!queued()); }

 private:
  friend class TaskQueue;

  // Null: not queued. The queue's marks, which point to no task, are not null.
  std::atomic<ExecTask*> next_{nullptr};
  ExecTask* prev_ = nullptr;
};

// Somewhere to run tasks: EventLoop, Strand, WorkerPool. Promises neither order
// nor a thread; implementations may promise more. Thread-safe.
class Executor {
 public:
  virtual ~Executor() = default;

  // Any thread. Cannot fail, block, allocate, or run `task` inside the call;
  // the tasks that exist are the bound. Returns false, and changes nothing, if
  // `task` is queued already: the run it is queued for begins after this call.
  // (What that run is to see, callers on several threads share under a mutex or
  // in sequentially consistent atomics.)
  virtual bool Submit(ExecTask* task) = 0;
};

}  // namespace sluice

#endif  // SLUICE_BASE_EXECUTOR_H_
