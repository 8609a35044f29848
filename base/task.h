#ifndef SLUICE_BASE_TASK_H_
#define SLUICE_BASE_TASK_H_

#include <atomic>

#include "sluice/base/check.h"

namespace sluice {

// A unit of work that an Executor runs: a loop, a strand or a worker pool. Its
// owner embeds it or derives from it, so that scheduling allocates nothing. A
// task is in at most one queue at a time. 24 bytes.
//
// After each successful Executor::Schedule() the executor calls either Run() or
// Abandon(), once. The exception is EventLoop::Cancel(), which takes a task
// back. The task is out of the queue before the call: both functions may
// destroy the task, and Run() may schedule it again.
class Task {
 public:
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  virtual void Run() = 0;
  // Called in place of Run() if the executor ends first: on a thread of the
  // executor, in the executor's destructor, or inside a call of Schedule() on
  // any thread. Releases the task's resources. Must not schedule a task.
  virtual void Abandon() = 0;

  // Returns true if the task is in a queue. Exact on the executor's sequence;
  // on other threads the answer may be out of date.
  bool queued() const {
    return next_.load(std::memory_order_relaxed) != nullptr;
  }

 protected:
  Task() = default;
  // REQUIRES: not queued.
  virtual ~Task() { SLUICE_CHECK(!queued(), "the task is in a queue"); }

 private:
  friend class TaskQueue;

  // Null if not queued. The queue's end marks, which point to no task, are not
  // null.
  std::atomic<Task*> next_{nullptr};
  Task* prev_ = nullptr;
};

// A task that calls a member function, for an owner with several duties:
//   MemberTask<&Server::FinishDrain> finish_drain_{this};
// If the executor ends first, calls `kOnAbandon`, unless it is null. If the
// owner may be destroyed while the task is queued, its destructor calls
// EventLoop::Cancel(). 32 bytes.
template <auto kMethod, auto kOnAbandon = nullptr>
class MemberTask;

template <typename Owner, void (Owner::*kMethod)(), auto kOnAbandon>
class MemberTask<kMethod, kOnAbandon> final : public Task {
 public:
  explicit MemberTask(Owner* owner) : owner_(owner) {}
  void Run() override { (owner_->*kMethod)(); }
  void Abandon() override {
    if constexpr (kOnAbandon != nullptr) (owner_->*kOnAbandon)();
  }

 private:
  Owner* const owner_;
};

}  // namespace sluice

#endif  // SLUICE_BASE_TASK_H_
