#include "sluice/base/task_queue.h"

#include <algorithm>

#include "sluice/base/cpu_relax.h"

namespace sluice {
namespace {

// The iterations of a spin: about as long as several pushes.
constexpr int kSpins = 32;

}  // namespace

// Sequentially consistent, as is the store in Pop(). So if a caller writes an
// atomic and then finds the task claimed, the run of the task reads that write.
bool TaskQueue::Claim(Task* task) {
  Task* unqueued = nullptr;
  return task->next_.compare_exchange_strong(unqueued, Mark());
}

bool TaskQueue::PushRemote(Task* task) {
  if (!Claim(task)) return false;
  Task* newest = remote_.load(std::memory_order_relaxed);
  while (true) {
    task->next_.store(newest == nullptr ? Mark() : newest,
                      std::memory_order_relaxed);
    // Sequentially consistent on success: if an executor announces its sleep
    // and then finds remote_ empty, this caller sees the announcement and wakes
    // it.
    if (remote_.compare_exchange_weak(newest, task, std::memory_order_seq_cst,
                                      std::memory_order_relaxed)) {
      return true;
    }
    // Another thread has the cache line. Gives it time for more than one push.
    for (int i = 0; i < kSpins; ++i) CpuRelax();
    newest = remote_.load(std::memory_order_relaxed);
  }
}

bool TaskQueue::Push(Task* task) {
  if (!Claim(task)) return false;
  TakeRemote();  // tasks from earlier PushRemote() calls come first
  Append(task, task, 1);
  return true;
}

Task* TaskQueue::Pop() {
  if (first_ == nullptr) TakeRemote();
  Task* const task = first_;
  if (task == nullptr) return nullptr;
  Task* const next = task->next_.load(std::memory_order_relaxed);
  first_ = next == Mark() ? nullptr : next;
  (first_ == nullptr ? last_ : first_->prev_) = nullptr;
  --size_;
  task->next_.store(nullptr);
  return task;
}

void TaskQueue::MoveTo(TaskQueue* to, size_t limit) {
  to->TakeRemote();
  if (limit > size_) TakeRemote();
  const size_t count = std::min(limit, size_);
  if (count == 0) return;
  Task* const first = first_;
  Task* last = last_;
  if (count < size_) {
    last = first;
    for (size_t i = 1; i < count; ++i) {
      last = last->next_.load(std::memory_order_relaxed);
    }
  }
  Task* const next = last->next_.load(std::memory_order_relaxed);
  first_ = next == Mark() ? nullptr : next;
  (first_ == nullptr ? last_ : first_->prev_) = nullptr;
  size_ -= count;
  last->next_.store(Mark(), std::memory_order_relaxed);
  to->Append(first, last, count);
}

void TaskQueue::Remove(Task* task) {
  if (!task->queued()) return;
  TakeRemote();
  Task* const next = task->next_.load(std::memory_order_relaxed);
  Task* const prev = task->prev_;
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

void TaskQueue::Append(Task* first, Task* last, size_t count) {
  first->prev_ = last_;
  if (last_ == nullptr) {
    first_ = first;
  } else {
    last_->next_.store(first, std::memory_order_relaxed);
  }
  last_ = last;
  size_ += count;
}

void TaskQueue::TakeRemote() {
  if (remote_.load(std::memory_order_relaxed) == nullptr) return;
  // Acquire: the consumer sees what the callers wrote before they pushed.
  Task* const newest = remote_.exchange(nullptr, std::memory_order_acquire);
  // Reverses the links: the stack has the newest task first.
  Task* newer = Mark();
  Task* task = newest;
  size_t count = 1;
  while (true) {
    Task* const older = task->next_.load(std::memory_order_relaxed);
    task->next_.store(newer, std::memory_order_relaxed);
    if (older == Mark()) break;
    task->prev_ = older;
    newer = task;
    task = older;
    ++count;
  }
  Append(task, newest, count);
}

}  // namespace sluice
