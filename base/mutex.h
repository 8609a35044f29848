#ifndef SLUICE_BASE_MUTEX_H_
#define SLUICE_BASE_MUTEX_H_

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "sluice/base/owner_process.h"

namespace sluice {

// std::mutex with the annotations that clang's thread-safety analysis reads.
// In place of absl::Mutex, whose waits with a timeout run on the wall clock in
// the release that is pinned, and which thread sanitizers report falsely under
// contention. Thread-safe. Nothing on a loop may wait for one.
class ABSL_LOCKABLE Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() { mutex_.lock(); }
  // False: another thread has it, or it seems so.
  bool TryLock() ABSL_EXCLUSIVE_TRYLOCK_FUNCTION(true) {
    return mutex_.try_lock();
  }
  void Unlock() ABSL_UNLOCK_FUNCTION() { mutex_.unlock(); }

 private:
  friend class CondVar;

  std::mutex mutex_;
};

// Holds a Mutex while it lives.
class ABSL_SCOPED_LOCKABLE MutexLock {
 public:
  explicit MutexLock(Mutex* mutex) ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex)
      : mutex_(mutex) {
    mutex_->Lock();
  }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;
  ~MutexLock() ABSL_UNLOCK_FUNCTION() { mutex_->Unlock(); }

 private:
  Mutex* const mutex_;
};

// A condition variable; its timeouts run on the monotonic clock, so that a step
// of the wall clock moves none of them. Waits may end without a signal: ask in
// a loop. Thread-safe.
class CondVar {
 public:
  CondVar() { std::construct_at(&condition_); }
  CondVar(const CondVar&) = delete;
  CondVar& operator=(const CondVar&) = delete;
  // pthread_cond_destroy(3) blocks until no thread waits. In the child of a
  // fork() threads of the parent wait for ever, and nothing is done.
  ~CondVar() {
    if (owner_.IsCurrent()) std::destroy_at(&condition_);
  }

  // Lets go of `mutex` while it waits.
  void Wait(Mutex* mutex) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    std::unique_lock<std::mutex> lock(mutex->mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();
  }
  // True if `timeout` has passed. Never early; of an infinite one never.
  bool WaitWithTimeout(Mutex* mutex, absl::Duration timeout)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    // A sum with the time that there is must not overflow; such a wait ends
    // without a signal.
    constexpr absl::Duration kLongest = absl::Hours(24 * 365);
    std::unique_lock<std::mutex> lock(mutex->mutex_, std::adopt_lock);
    // wait_for() is on the steady clock: pthread_cond_clockwait(3).
    const std::cv_status status = condition_.wait_for(
        lock, absl::ToChronoNanoseconds(absl::Ceil(std::min(timeout, kLongest),
                                                   absl::Nanoseconds(1))));
    lock.release();
    return status == std::cv_status::timeout && timeout <= kLongest;
  }
  void Signal() { condition_.notify_one(); }
  void SignalAll() { condition_.notify_all(); }

 private:
  const OwnerProcess owner_;
  union {
    std::condition_variable condition_;
  };
};

}  // namespace sluice

#endif  // SLUICE_BASE_MUTEX_H_
