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

// Makes calls to a TimerWheel, beside a model that says which timer must fire
// next: the timers by tick and then by arming, in a sorted map. What is called
// is chosen by whoever runs it, from a random number generator or from a
// fuzzer's bytes: any calls in any order, from callbacks too.
// Thread-compatible.
class TimerWheelModel {
 public:
  // A number in [0, bound).
  using Choose = absl::AnyInvocable<uint64_t(uint64_t bound)>;

  explicit TimerWheelModel(Choose choose);
  TimerWheelModel(const TimerWheelModel&) = delete;
  TimerWheelModel& operator=(const TimerWheelModel&) = delete;
  ~TimerWheelModel();

  // One call to the wheel, and all that can be asked afterwards. The first
  // difference between wheel and model, as kInternal; the same again if called
  // again.
  absl::Status Step();
  // Whether little is left of the 2^63 ns that a clock has.
  bool AtTheEndOfTime() const { return now_ns_ >= INT64_MAX / 8 * 7; }
  // Calls made to the wheel, those of callbacks included.
  int64_t operations() const { return operations_; }

 private:
  class ModelTimer;
  // By (tick, order of arming); 128 bits hold every tick without care.
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
  int64_t last_arming_ = 0;  // when AdvanceTo() was called last
  int64_t operations_ = 0;
  int64_t fired_ = 0;
};

}  // namespace sluice

#endif  // SLUICE_TIMER_TIMER_WHEEL_MODEL_H_
