#ifndef SLUICE_BASE_SLEEP_FLAG_H_
#define SLUICE_BASE_SLEEP_FLAG_H_

#include <atomic>

namespace sluice {

// A flag by which a consumer that has no work says that it sleeps, so that
// producers wake it only then, and once. The consumer sets the flag and then
// looks for work; a producer makes work visible and then looks at the flag.
// Both sides are sequentially consistent, so one of them sees the other:
// sleep_flag_model_test.cc.
//
// The flag itself wakes no thread. It has one consumer: one thread, or several
// threads that use the flag under one lock and share all work. Lock-free, and
// async-signal-safe.
class SleepFlag {
 public:
  SleepFlag() = default;
  SleepFlag(const SleepFlag&) = delete;
  SleepFlag& operator=(const SleepFlag&) = delete;

  // Consumer only. Sets the flag, calls `has_work`, and returns true if the
  // consumer may sleep: there is no work, and the first producer of some will
  // wake the consumer. Otherwise clears the flag and returns false.
  // REQUIRES: `has_work` reads what producers write by sequentially consistent
  // operations.
  template <typename HasWork>
  [[nodiscard]] bool PrepareToSleep(HasWork has_work) {
    asleep_.store(true);
    if (!has_work()) return true;
    EndSleep();
    return false;
  }
  // Consumer only. Clears the flag; no-op if a producer has cleared it.
  void EndSleep() { asleep_.store(false, std::memory_order_relaxed); }

  // Any thread. Clears the flag, and returns true if it was set: the caller
  // then must wake the consumer. At most one call per PrepareToSleep() returns
  // true. Costs a load while the consumer does not sleep.
  // REQUIRES: the caller has made its work visible by a sequentially consistent
  // operation.
  [[nodiscard]] bool TakeWake() {
    return asleep_.load() && asleep_.exchange(false);
  }

 private:
  std::atomic<bool> asleep_{false};
};

}  // namespace sluice

#endif  // SLUICE_BASE_SLEEP_FLAG_H_
