#include "sluice/net/tcp/connection_limit.h"

#include "sluice/base/check.h"

namespace sluice {

ConnectionLimit::ConnectionLimit(size_t max) : max_(max) {
  SLUICE_CHECK(max > 0);
}

void ConnectionLimit::Remove() {
  const size_t before = open_.fetch_sub(1);
  SLUICE_DCHECK(before > 0);
  if (before > max_ || !sleep_flag_.TakeWake()) return;
  MutexLock lock(&mutex_);
  ScheduleWaitersIfRoom();
}

void ConnectionLimit::AwaitRoom(Executor* executor, Task* task) {
  MutexLock lock(&mutex_);
  waiters_.push_back({executor, task});
  ScheduleWaitersIfRoom();
}

void ConnectionLimit::StopWaiting(Task* task) {
  MutexLock lock(&mutex_);
  std::erase_if(waiters_, [task](const Waiter& w) { return w.task == task; });
}

void ConnectionLimit::ScheduleWaitersIfRoom() {
  const auto has_room = [this] { return open_.load() < max_; };
  if (sleep_flag_.PrepareToSleep(has_room)) return;
  for (const Waiter& waiter : waiters_) waiter.executor->Schedule(waiter.task);
  waiters_.clear();
}

}  // namespace sluice
