#ifndef SLUICE_BASE_TASK_QUEUE_H_
#define SLUICE_BASE_TASK_QUEUE_H_

#include <atomic>
#include <cstddef>

#include "sluice/base/task.h"

namespace sluice {

// The queue inside an executor: any thread pushes tasks, and one sequence, the
// consumer, takes them out in order. Tasks that one caller pushes keep their
// order, also if it uses both Push() and PushRemote(). Owns no task, allocates
// nothing, has no limit, and wakes no thread. For authors of executors.
//
// Has two lists: a stack on which any thread pushes, and the consumer's own
// FIFO, to which the whole stack moves at once. PushRemote() is lock-free.
class TaskQueue {
 public:
  TaskQueue() = default;
  TaskQueue(const TaskQueue&) = delete;
  TaskQueue& operator=(const TaskQueue&) = delete;
  // REQUIRES: empty.
  ~TaskQueue() { SLUICE_CHECK(empty(), "tasks are in the queue"); }

  // Adds `task`, from any thread. Returns false, and changes nothing, if `task`
  // is in a queue already, this one or another.
  bool PushRemote(Task* task);

  // Only the consumer may call the functions that follow.

  // Does the same as PushRemote(), but adds `task` to the consumer's own list.
  bool Push(Task* task);
  // Takes out the oldest task and returns it; returns null if there is none.
  Task* Pop();
  // Moves the oldest `limit` tasks, or all if there are fewer, to the end of
  // `to`, in order. The tasks stay queued during the move: no thread can push
  // one of them. O(limit), or O(1) if all tasks move, plus the number of tasks
  // that other threads pushed since the last call. REQUIRES: the caller is the
  // consumer of both queues.
  void MoveTo(TaskQueue* to, size_t limit);
  // Takes `task` out. Does nothing if it is not queued. O(1), plus the number
  // of tasks that other threads pushed since the last call. REQUIRES: `task` is
  // in no other queue, and no thread pushes it at the same time.
  void Remove(Task* task);
  bool empty() const;
  // Takes out all tasks, and runs none. For the child of a fork(), where the
  // parent's other threads do not exist.
  void DropAll() {
    while (Pop() != nullptr) {
    }
  }
  // Marks `task` as not queued. For the child of a fork(), where another thread
  // of the parent may have claimed `task` and not pushed it. REQUIRES: `task`
  // is in no list of a queue that is used again.
  static void Forget(Task* task) {
    task->next_.store(nullptr, std::memory_order_relaxed);
  }
  // Returns the number of tasks that are queued at this moment. O(1), plus the
  // number of tasks that other threads pushed since the last call. Use the
  // number to bound a batch: tasks that the batch itself schedules come later.
  size_t Count();

 private:
  // The next_ of a task that is claimed and not yet linked, and of the last
  // task of a list. Not null, and never dereferenced.
  static Task* Mark() { return reinterpret_cast<Task*>(1); }

  static bool Claim(Task* task);
  // Appends `count` linked tasks. REQUIRES: the next_ of `last` is Mark().
  void Append(Task* first, Task* last, size_t count);
  void TakeRemote();

  std::atomic<Task*> remote_{nullptr};  // newest first
  Task* first_ = nullptr;
  Task* last_ = nullptr;
  size_t size_ = 0;  // tasks in the consumer's list
};

}  // namespace sluice

#endif  // SLUICE_BASE_TASK_QUEUE_H_
