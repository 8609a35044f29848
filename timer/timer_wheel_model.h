#ifndef SLUICE_TIMER_TIMER_WHEEL_MODEL_H_
#define SLUICE_TIMER_TIMER_WHEEL_MODEL_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "sluice/timer/timer_wheel.h"

namespace sluice {

// A test that calls a TimerWheel and a model, and compares them. The model is a
// sorted map of the timers, by tick and then by the order of arming, which
// shows the timer that must fire next. `choose` chooses the wheel's options and
// the calls, from a random number generator or from the bytes of a fuzzer: any
// calls in any order, also from callbacks. Thread-compatible.
class TimerWheelModel {
 public:
  // Returns a number in [0, bound).
  using Choose = absl::AnyInvocable<uint64_t(uint64_t bound)>;

  explicit TimerWheelModel(Choose choose);
  TimerWheelModel(const TimerWheelModel&) = delete;
  TimerWheelModel& operator=(const TimerWheelModel&) = delete;
  ~TimerWheelModel();

  // Makes one or more calls to the wheel, and compares all that the wheel shows
  // with the model. Returns the first difference as kInternal, and the same
  // again in later calls. REQUIRES: not AtTheEndOfTime().
  absl::Status Step();
  // Returns true if little is left of the 2^63 ns that a clock has.
  bool AtTheEndOfTime() const { return now_ns_ >= INT64_MAX / 8 * 7; }
  // Returns the number of calls made to the wheel, by callbacks too.
  int64_t operations() const { return operations_; }

 private:
  class ModelTimer;
  // (tick, order of arming); no computation of a tick overflows 128 bits.
  using Key = std::pair<__int128, int64_t>;
  struct Entry {
    std::unique_ptr<ModelTimer> timer;
    std::optional<Key> key;  // while armed
    int64_t deadline = 0;
  };

  int64_t NearZero() { return static_cast<int64_t>(choose_(3)) - 1; }
  int64_t AnyNanos();
  __int128 NowTick() const;
  int64_t AnyDeadline();
  void Disarm(Entry& entry);
  void Arm(size_t index, int64_t deadline);
  void ChangeSomeTimer();
  __int128 AnyBoundary();
  void ArmACrowd();
  int64_t AnyTimeToAdvanceTo();
  void Advance();
  bool IsDue() const;
  void OnFire(size_t index);
  void CheckWhatTheWheelSays();
  void Expect(bool holds, absl::string_view what);

  Choose choose_;
  absl::Status difference_;
  int64_t tick_ns_;
  int64_t origin_ns_;
  int64_t now_ns_;
  std::unique_ptr<TimerWheel> wheel_;
  std::vector<Entry> timers_;
  std::map<Key, size_t> model_;  // index of the timer
  int64_t arming_ = 0;
  int64_t last_arming_ = 0;  // arming_ at the last AdvanceTo()
  int64_t operations_ = 0;
  int64_t fired_ = 0;
};

}  // namespace sluice

#endif  // SLUICE_TIMER_TIMER_WHEEL_MODEL_H_
