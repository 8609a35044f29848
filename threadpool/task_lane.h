#ifndef SLUICE_THREADPOOL_TASK_LANE_H_
#define SLUICE_THREADPOOL_TASK_LANE_H_

#include <atomic>
#include <cstddef>

#include "absl/base/thread_annotations.h"
#include "sluice/base/mutex.h"
#include "sluice/base/task.h"
#include "sluice/base/task_queue.h"

namespace sluice {

// A queue of a pool: any thread puts tasks in, without a lock; any worker takes
// them out, under one. What one thread puts in is taken in its order. Owns no
// task, allocates nothing, wakes nobody. Thread-safe.
class TaskLane {
 public:
  TaskLane() = default;
  TaskLane(const TaskLane&) = delete;
  TaskLane& operator=(const TaskLane&) = delete;

  // False, changing nothing, if `task` is queued somewhere.
  bool Push(Task* task);

  // The oldest task; null: none, or one is about to be pushed. An empty lane
  // costs no lock.
  Task* Pop() {
    return seems_used_.load(std::memory_order_relaxed) ? PopUsed() : nullptr;
  }
  // The same, exactly: null only if each Push() that has returned, or comes
  // first in the order of all sequentially consistent operations, was undone by
  // a Pop().
  Task* PopExactly() ABSL_LOCKS_EXCLUDED(mutex_);
  // The oldest task of `other`; up to `limit` more, at most half of the rest,
  // go to the end of this lane. They stay queued all the while.
  Task* StealFrom(TaskLane* other, size_t limit) ABSL_LOCKS_EXCLUDED(mutex_);

  size_t Count() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  Task* PopUsed() ABSL_LOCKS_EXCLUDED(mutex_);
  Task* PopLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TakeIn() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex_);

  // Of both queues the consumer is who holds mutex_. Those who push have a
  // cache line of their own, which those who take leave alone while there are
  // tasks that were taken in.
  alignas(64) TaskQueue pushed_;
  alignas(64) TaskQueue tasks_;
  alignas(64) Mutex mutex_;
  // Pushing pushes and then sets it; taking resets it and then looks for tasks.
  // Both sides are sequentially consistent, so one of them sees the other. Not a
  // SleepFlag: nobody sleeps, and stolen tasks set it too.
  std::atomic<bool> seems_used_{false};
};

}  // namespace sluice

#endif  // SLUICE_THREADPOOL_TASK_LANE_H_
