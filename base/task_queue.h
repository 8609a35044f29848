#ifndef SLUICE_BASE_TASK_QUEUE_H_
#define SLUICE_BASE_TASK_QUEUE_H_

#include <atomic>
#include <cstddef>

#include "sluice/base/task.h"

namespace sluice {

// The queue inside an executor: tasks pushed from any thread, consumed on one
// sequence, in order. What one caller pushes, by either call, keeps its order.
// Owns no task, allocates nothing, has no bound but the tasks that exist, and
// wakes nobody. For those who write executors.
//
// Two lists: a stack that any thread pushes on, and the consumer's own FIFO, to
// which the whole stack moves at once. PushRemote() is lock-free.
class TaskQueue {
 public:
  TaskQueue() = default;
  TaskQueue(const TaskQueue&) = delete;
  TaskQueue& operator=(const TaskQueue&) = delete;
  // REQUIRES: empty.
  ~TaskQueue() { SLUICE_CHECK(empty()); }

  // Any thread. False, changing nothing, if `task` is queued somewhere.
  bool PushRemote(Task* task);

  // The rest is for the consumer alone.

  // Like PushRemote(), without the shared stack.
  bool Push(Task* task);
  // The oldest task, no longer queued; null when empty.
  Task* Pop();
  // Moves the oldest `limit` tasks, or all, to the end of `to`, in order. Each
  // stays queued all the while. O(limit), O(1) for all, plus what other threads
  // pushed since the last call. REQUIRES: this is the consumer of both.
  void MoveTo(TaskQueue* to, size_t limit);
  // Takes `task` out; no-op when it is not queued. O(1) plus what other threads
  // pushed since the last call. REQUIRES: queued here or nowhere; no thread
  // pushes it meanwhile.
  void Remove(Task* task);
  bool empty() const;
  // In the child of a fork(), where no other thread goes on: takes all tasks
  // out, and runs none.
  void DropAll() {
    while (Pop() != nullptr) {
    }
  }
  // In the child of a fork(): takes `task` back, which is in no list of a queue
  // that is used again. Another thread may have claimed it and not pushed it.
  static void Forget(Task* task) {
    task->next_.store(nullptr, std::memory_order_relaxed);
  }
  // How many tasks are queued at this moment; O(1) plus what other threads
  // pushed since the last call. Bounds a batch: tasks that the batch itself
  // submits come behind these.
  size_t Count();

 private:
  // The next_ of a task that is claimed and not yet linked, and of the last one
  // of a list: not null, and never followed.
  static Task* Mark() { return reinterpret_cast<Task*>(1); }

  static bool Claim(Task* task);
  // Tasks that are linked to each other; `last` is marked as the last.
  void Append(Task* first, Task* last, size_t count);
  void TakeRemote();

  std::atomic<Task*> remote_{nullptr};  // newest first
  Task* first_ = nullptr;
  Task* last_ = nullptr;
  size_t size_ = 0;  // of the consumer's list
};

}  // namespace sluice

#endif  // SLUICE_BASE_TASK_QUEUE_H_
