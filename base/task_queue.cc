#include "sluice/base/task_queue.h"

namespace sluice {

// Sequentially consistent, as is the store in Pop(): a caller that finds a task
// claimed, and wrote an atomic before, knows that the run will read it.
bool TaskQueue::Claim(ExecTask* task) {
  ExecTask* unqueued = nullptr;
  return task->next_.compare_exchange_strong(unqueued, Mark());
}

bool TaskQueue::PushRemote(ExecTask* task) {
  if (!Claim(task)) return false;
  ExecTask* newest = remote_.load(std::memory_order_relaxed);
  do {
    task->next_.store(newest == nullptr ? Mark() : newest,
                      std::memory_order_relaxed);
    // On success sequentially consistent: an executor that announced its sleep
    // and then finds remote_ empty will be woken by this caller.
  } while (!remote_.compare_exchange_weak(
      newest, task, std::memory_order_seq_cst, std::memory_order_relaxed));
  return true;
}

bool TaskQueue::Push(ExecTask* task) {
  if (!Claim(task)) return false;
  TakeRemote();  // this caller's earlier PushRemote() comes first
  Append(task);
  return true;
}

ExecTask* TaskQueue::Pop() {
  ExecTask* const task = Unlink();
  if (task != nullptr) task->next_.store(nullptr);
  return task;
}

void TaskQueue::MoveTo(TaskQueue* to, size_t limit) {
  to->TakeRemote();
  for (; limit > 0; --limit) {
    ExecTask* const task = Unlink();
    if (task == nullptr) return;
    to->Append(task);
  }
}

void TaskQueue::Remove(ExecTask* task) {
  if (!task->queued()) return;
  TakeRemote();
  ExecTask* const next = task->next_.load(std::memory_order_relaxed);
  ExecTask* const prev = task->prev_;
  (next == Mark() ? last_ : next->prev_) = prev;
  if (prev == nullptr) {
    first_ = next == Mark() ? nullptr : next;
  } else {
    prev->next_.store(next, std::memory_order_relaxed);
  }
  --size_;
  task->prev_ = nullptr;
  task->next_.store(nullptr);
}

bool TaskQueue::empty() const {
  return first_ == nullptr && remote_.load() == nullptr;
}

size_t TaskQueue::Count() {
  TakeRemote();
  return size_;
}

ExecTask* TaskQueue::Unlink() {
  if (first_ == nullptr) TakeRemote();
  ExecTask* const task = first_;
  if (task == nullptr) return nullptr;
  ExecTask* const next = task->next_.load(std::memory_order_relaxed);
  first_ = next == Mark() ? nullptr : next;
  (first_ == nullptr ? last_ : first_->prev_) = nullptr;
  --size_;
  return task;
}

void TaskQueue::Append(ExecTask* task) {
  task->prev_ = last_;
  task->next_.store(Mark(), std::memory_order_relaxed);
  if (last_ == nullptr) {
    first_ = task;
  } else {
    last_->next_.store(task, std::memory_order_relaxed);
  }
  last_ = task;
  ++size_;
}

void TaskQueue::TakeRemote() {
  if (remote_.load(std::memory_order_relaxed) == nullptr) return;
  // Acquire: what the callers wrote before they pushed.
  ExecTask* newest = remote_.exchange(nullptr, std::memory_order_acquire);
  // Reverses in place: prev_ is free until Append() sets it.
  ExecTask* oldest = nullptr;
  while (newest != nullptr) {
    ExecTask* const next = newest->next_.load(std::memory_order_relaxed);
    newest->prev_ = oldest;
    oldest = newest;
    newest = next == Mark() ? nullptr : next;
  }
  while (oldest != nullptr) {
    ExecTask* const newer = oldest->prev_;
    Append(oldest);
    oldest = newer;
  }
}

}  // namespace sluice
