#ifndef SLUICE_NET_TCP_CONNECTION_LIMIT_H_
#define SLUICE_NET_TCP_CONNECTION_LIMIT_H_

#include <atomic>
#include <cstddef>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "sluice/base/executor.h"
#include "sluice/base/mutex.h"
#include "sluice/base/sleep_flag.h"

namespace sluice {

// Counts the connections that several loops hold together. Schedules tasks of
// loops that have stopped accepting when there is room again. Makes no
// reservations: if n loops see room for one connection, they may take n.
// Thread-safe; an addition costs one atomic increment.
class ConnectionLimit {
 public:
  // REQUIRES: max > 0.
  explicit ConnectionLimit(size_t max);

  // Adds a connection, in any case. Returns false if there is no room for
  // another.
  bool Add() { return open_.fetch_add(1) + 1 < max_; }
  // Removes a connection. May schedule the tasks of all loops that wait: only a
  // loop knows whether it has a connection to accept.
  void Remove();

  // Schedules `task` on `executor` once, as soon as there is room; inside this
  // call if there is room now. Both live until then or until StopWaiting().
  // REQUIRES: `task` is not waiting.
  void AwaitRoom(Executor* executor, Task* task) ABSL_LOCKS_EXCLUDED(mutex_);
  // Makes `task` stop waiting: it is not scheduled after this call, but it may
  // be queued already. Does nothing if `task` is not waiting.
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

#endif  // SLUICE_NET_TCP_CONNECTION_LIMIT_H_
