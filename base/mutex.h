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

// A std::mutex with the annotations that clang's thread-safety analysis reads.
// The library does not use absl::Mutex, because in the pinned release its waits
// with a timeout use the wall clock, and because thread sanitizers report false
// races in it under contention. Code on a loop must not wait for a mutex.
// Thread-safe.
class ABSL_LOCKABLE Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() { mutex_.lock(); }
  // Locks the mutex and returns true, or returns false at once. May return
  // false although no thread holds the mutex.
  bool TryLock() ABSL_EXCLUSIVE_TRYLOCK_FUNCTION(true) {
    return mutex_.try_lock();
  }
  void Unlock() ABSL_UNLOCK_FUNCTION() { mutex_.unlock(); }

 private:
  friend class CondVar;

  std::mutex mutex_;
};

// Locks a Mutex in the constructor, and unlocks it in the destructor.
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

// A condition variable. Its timeouts use the monotonic clock, so that a step of
// the wall clock does not change them. A wait may end without a signal: call it
// in a loop that checks the condition. Thread-safe.
class CondVar {
 public:
  CondVar() { std::construct_at(&condition_); }
  CondVar(const CondVar&) = delete;
  CondVar& operator=(const CondVar&) = delete;
  // Blocks until no thread waits, as pthread_cond_destroy(3) does. In the child
  // of a fork(), does nothing: threads of the parent that wait are not there to
  // stop waiting.
  ~CondVar() {
    if (owner_.IsCurrent()) std::destroy_at(&condition_);
  }

  // Unlocks `mutex` while it waits, and locks it again before it returns.
  void Wait(Mutex* mutex) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    std::unique_lock<std::mutex> lock(mutex->mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();
  }
  // Does the same as Wait(), for at most `timeout`. Returns true if the timeout
  // has expired: never early, and never for an infinite timeout. Returns false
  // if the wait ended before, by a signal or without one.
  bool WaitWithTimeout(Mutex* mutex, absl::Duration timeout)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    // The current time plus the timeout must not overflow. A longer wait ends
    // after a year, without a signal.
    constexpr absl::Duration kLongest = absl::Hours(24 * 365);
    std::unique_lock<std::mutex> lock(mutex->mutex_, std::adopt_lock);
    // wait_for() uses the steady clock: pthread_cond_clockwait(3).
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
