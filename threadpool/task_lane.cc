#include "sluice/threadpool/task_lane.h"

#include <algorithm>
#include <limits>

#include "sluice/base/cpu_relax.h"

namespace sluice {

bool TaskLane::Push(Task* task) {
  if (!pushed_.PushRemote(task)) return false;
  if (!seems_used_.load()) seems_used_.store(true);
  return true;
}

// Spins before it sleeps. A thread holds the lock for a few instructions only,
// unless it is preempted; to sleep and be woken takes a hundred times as long.
void TaskLane::Lock() {
  constexpr int kTries = 16;
  constexpr int kSpins = 8;
  for (int i = 0; i < kTries; ++i) {
    if (mutex_.TryLock()) return;
    // Each try takes the cache line from the holder of the lock. The pause lets
    // the holder take several tasks before that.
    for (int j = 0; j < kSpins; ++j) CpuRelax();
  }
  mutex_.Lock();
}

void TaskLane::TakeIn() {
  pushed_.MoveTo(&tasks_, std::numeric_limits<size_t>::max());
}

Task* TaskLane::PopLocked() {
  if (Task* const task = tasks_.Pop()) return task;
  TakeIn();
  Task* const task = tasks_.Pop();
  if (task == nullptr) {
    seems_used_.store(false);
    if (!pushed_.empty()) seems_used_.store(true);
  }
  return task;
}

Task* TaskLane::PopUsed() {
  Lock();
  Task* const task = PopLocked();
  mutex_.Unlock();
  return task;
}

Task* TaskLane::PopExactly() {
  MutexLock lock(&mutex_);
  return tasks_.empty() && pushed_.empty() ? nullptr : PopLocked();
}

Task* TaskLane::StealFrom(TaskLane* other, size_t limit) {
  if (!other->seems_used_.load(std::memory_order_relaxed)) return nullptr;
  TaskQueue stolen;
  other->Lock();
  Task* const task = other->PopLocked();
  if (task != nullptr && limit > 0) {
    if (limit > other->tasks_.Count() / 2) other->TakeIn();
    other->tasks_.MoveTo(&stolen, std::min(limit, other->tasks_.Count() / 2));
  }
  other->mutex_.Unlock();
  if (!stolen.empty()) {
    Lock();
    stolen.MoveTo(&tasks_, limit);
    mutex_.Unlock();
    seems_used_.store(true);
  }
  return task;
}

size_t TaskLane::Count() {
  MutexLock lock(&mutex_);
  TakeIn();
  return tasks_.Count();
}

}  // namespace sluice
