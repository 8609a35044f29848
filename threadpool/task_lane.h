#ifndef SLUICE_THREADPOOL_TASK_LANE_H_
#define SLUICE_THREADPOOL_TASK_LANE_H_

#include <atomic>
#include <cstddef>

#include "absl/base/thread_annotations.h"
#include "sluice/base/mutex.h"
#include "sluice/base/task.h"
#include "sluice/base/task_queue.h"

namespace sluice {

// A queue of a pool. Any thread pushes tasks, without a lock; any worker takes
// them out, under a lock. Tasks that one thread pushes are taken in order. Owns
// no task, allocates nothing, wakes no thread. Thread-safe.
class TaskLane {
 public:
  TaskLane() = default;
  TaskLane(const TaskLane&) = delete;
  TaskLane& operator=(const TaskLane&) = delete;

  // Adds `task`. Returns false, and changes nothing, if `task` is in a queue
  // already, this one or another.
  bool Push(Task* task);

  // Takes out the oldest task and returns it; returns null if there is none.
  // May miss a task whose Push() has not returned, or has just returned on
  // another thread. Takes no lock if the lane is empty.
  Task* Pop() {
    return seems_used_.load(std::memory_order_relaxed) ? PopUsed() : nullptr;
  }
  // Does the same as Pop(), but misses no task whose Push() has returned, or
  // comes before this call in the order of sequentially consistent operations.
  // May still miss a task that StealFrom() is moving.
  Task* PopExactly() ABSL_LOCKS_EXCLUDED(mutex_);
  // Takes out the oldest task of `other` and returns it; returns null if there
  // is none. May miss a task, as Pop() does. Moves up to `limit` more tasks, at
  // most half of the rest, to the end of this lane. These tasks stay queued
  // during the move, but other calls do not find them. REQUIRES: `other` is
  // another lane.
  Task* StealFrom(TaskLane* other, size_t limit) ABSL_LOCKS_EXCLUDED(mutex_);

  // Returns the number of tasks that are queued.
  size_t Count() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  Task* PopUsed() ABSL_LOCKS_EXCLUDED(mutex_);
  Task* PopLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TakeIn() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex_);

  // The consumer of both queues is the thread that holds mutex_. Threads that
  // push use another cache line than threads that take, as long as tasks_ is
  // not empty.
  alignas(64) TaskQueue pushed_;
  alignas(64) TaskQueue tasks_;
  alignas(64) Mutex mutex_;
  // False if the lane is empty. Push() pushes the task and then sets this flag;
  // a thread that finds no task clears the flag and then looks again. Both
  // sides are sequentially consistent, so one of them sees the other.
  // Not a SleepFlag: no thread sleeps, and stolen tasks set it too.
  std::atomic<bool> seems_used_{false};
};

}  // namespace sluice

#endif  // SLUICE_THREADPOOL_TASK_LANE_H_
