#ifndef SLUICE_NET_CONNECTION_LIMIT_H_
#define SLUICE_NET_CONNECTION_LIMIT_H_

#include <atomic>
#include <cstddef>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "sluice/base/executor.h"
#include "sluice/base/mutex.h"
#include "sluice/base/sleep_flag.h"

namespace sluice {

// Counts the connections that several loops hold together, and tells loops that
// have stopped accepting when there is room. Does not reserve: n loops that see
// room for one may take n. Thread-safe; an addition costs one atomic increment.
class ConnectionLimit {
 public:
  // REQUIRES: max > 0.
  explicit ConnectionLimit(size_t max);

  // One more, in any case. False: there is no room for another.
  bool Add() { return open_.fetch_add(1) + 1 < max_; }
  // One less. May submit the tasks of those who wait, all of them: which of
  // them has somebody to let in, only they know.
  void Remove();

  // Submits `task` to `executor` when there is room, once; at once if there is.
  // REQUIRES: `task` does not wait already.
  void AwaitRoom(Executor* executor, Task* task) ABSL_LOCKS_EXCLUDED(mutex_);
  // From now on `task` is not submitted; it may be queued. No-op if it does not
  // wait.
  void StopWaiting(Task* task) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Waiter {
    Executor* executor;
    Task* task;
  };

  void ScheduleWaitersIfRoom() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const size_t max_;
  std::atomic<size_t> open_{0};

  Mutex mutex_;
  // Set while waiters_ wait for Remove(). Its consumer holds mutex_; the work
  // is room.
  SleepFlag sleep_flag_;
  std::vector<Waiter> waiters_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace sluice

#endif  // SLUICE_NET_CONNECTION_LIMIT_H_
