#include "sluice/base/strand.h"

#include <limits>
#include <memory>

#include "sluice/base/call_without_unwind.h"
#include "sluice/base/check.h"

namespace sluice {

Strand::Strand(Executor* executor, size_t max_tasks_per_run)
    : executor_(executor), max_tasks_per_run_(max_tasks_per_run) {
  std::construct_at(&tasks_);
  SLUICE_CHECK_GT(max_tasks_per_run, 0u);
}

Strand::~Strand() {
  if (outstanding_.load(std::memory_order_acquire) > 0 && !owner_.IsCurrent()) {
    // A thread of the parent may have been changing tasks_ at the fork().
    TaskQueue::Forget(this);
    destructor_check_.Forget();
    return;
  }
  std::destroy_at(&tasks_);
}

bool Strand::Schedule(Task* task) {
  if (!tasks_.PushRemote(task)) return false;
  // Acquire and release: the run that sees this count sees the task.
  if (outstanding_.fetch_add(1, std::memory_order_acq_rel) == 0) {
    executor_->Schedule(this);
  }
  return true;
}

bool Strand::ForEach(size_t limit, void (*each)(Task*)) {
  size_t done = 0;
  {
    SequenceScope scope(&role_);
    const auto run = [&](const bool& destroyed) {
      while (done < limit && !destroyed) {
        Task* const task = tasks_.Pop();
        if (task == nullptr) break;
        ++done;
        each(task);
      }
    };
    if (!destructor_check_.Survives(run)) {
      scope.RoleDestroyed();
      return false;
    }
  }
  return outstanding_.fetch_sub(done, std::memory_order_acq_rel) > done;
}

void Strand::Run() {
  CallWithoutUnwind([this] {
    if (ForEach(max_tasks_per_run_, [](Task* task) { task->Run(); })) {
      executor_->Schedule(this);
    }
  });
}

void Strand::Abandon() {
  CallWithoutUnwind([this] {
    // The executor has ended: abandons tasks that are scheduled meanwhile, too.
    while (ForEach(std::numeric_limits<size_t>::max(),
                   [](Task* task) { task->Abandon(); })) {
    }
  });
}

}  // namespace sluice
