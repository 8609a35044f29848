#include "sluice/timer/timer_wheel_model.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "sluice/timer/clock.h"

namespace sluice {

class TimerWheelModel::ModelTimer final : public Timer {
 public:
  ModelTimer(TimerWheelModel* model, size_t index)
      : model_(model), index_(index) {}

 private:
  void Fire() override { model_->OnFire(index_); }

  TimerWheelModel* const model_;
  const size_t index_;
};

TimerWheelModel::TimerWheelModel(Choose choose) : choose_(std::move(choose)) {
  constexpr int64_t kTicks[] = {1, 1, 7, 1'000, 1'000'000};
  tick_ns_ = kTicks[choose_(std::size(kTicks))];
  // Any time that leaves at least 2^62 ns.
  origin_ns_ = static_cast<int64_t>(choose_(UINT64_MAX)) >> choose_(63);
  origin_ns_ = std::min(origin_ns_, INT64_MAX - (int64_t{1} << 62));
  now_ns_ = origin_ns_;
  wheel_ = std::make_unique<TimerWheel>(
      MonotonicTime::FromNanos(origin_ns_),
      TimerWheel::Options{.tick = absl::Nanoseconds(tick_ns_)});
  timers_.resize(1 + choose_(choose_(4) == 0 ? 3'000 : 200));
}

TimerWheelModel::~TimerWheelModel() = default;

absl::Status TimerWheelModel::Step() {
  if (choose_(4) == 0) {
    Advance();
  } else if (choose_(300) == 0) {
    ArmACrowd();
  } else {
    ChangeSomeTimer();
  }
  CheckWhatTheWheelSays();
  return difference_;
}

void TimerWheelModel::Expect(bool holds, absl::string_view what) {
  if (holds || !difference_.ok()) return;
  difference_ = absl::InternalError(
      absl::StrCat("TimerWheel, operation ", operations_, ": ", what));
}

// Returns a number of any magnitude.
int64_t TimerWheelModel::AnyNanos() {
  return static_cast<int64_t>(choose_(UINT64_MAX) >> (2 + choose_(62)));
}

__int128 TimerWheelModel::NowTick() const {
  return (__int128{now_ns_} - origin_ns_) / tick_ns_;
}

int64_t TimerWheelModel::AnyDeadline() {
  __int128 deadline = now_ns_;
  switch (choose_(6)) {
    case 0:  // the past, or now
      if (choose_(2) == 0) deadline -= AnyNanos();
      break;
    case 1:  // soon
      deadline += choose_(100 * tick_ns_);
      break;
    case 2: {  // at or next to the deadline of another timer
      const Entry& other = timers_[choose_(timers_.size())];
      if (other.key) {
        deadline = other.deadline;
        deadline += NearZero();
      }
      break;
    }
    case 3: {  // around a boundary of some level
      const int shift = 6 * static_cast<int>(choose_(7));
      const __int128 tick = ((NowTick() >> shift) + 1 + choose_(3)) << shift;
      deadline = origin_ns_ + tick * tick_ns_ + NearZero();
      break;
    }
    case 4:
      deadline += AnyNanos();
      break;
    default:
      deadline += choose_(100'000 * tick_ns_);
  }
  if (choose_(50) == 0) deadline = INT64_MAX;
  deadline = std::min<__int128>(deadline, INT64_MAX);
  return static_cast<int64_t>(std::max<__int128>(deadline, INT64_MIN));
}

void TimerWheelModel::Disarm(Entry& entry) {
  if (entry.key) model_.erase(*entry.key);
  entry.key.reset();
}

void TimerWheelModel::Arm(size_t index, int64_t deadline) {
  Entry& entry = timers_[index];
  if (entry.timer == nullptr) {
    entry.timer = std::make_unique<ModelTimer>(this, index);
  }
  Disarm(entry);
  entry.deadline = deadline;
  __int128 tick;
  if (deadline == INT64_MAX) {
    tick = __int128{1} << 100;
  } else if (deadline <= now_ns_) {
    tick = NowTick();
  } else {
    tick = (__int128{deadline} - origin_ns_ + tick_ns_ - 1) / tick_ns_;
  }
  entry.key = Key(tick, ++arming_);
  model_[*entry.key] = index;
  wheel_->Arm(entry.timer.get(), MonotonicTime::FromNanos(deadline));
  Expect(entry.timer->deadline().nanos() == deadline, "changed a deadline");
}

void TimerWheelModel::ChangeSomeTimer() {
  ++operations_;
  const size_t index = choose_(timers_.size());
  Entry& entry = timers_[index];
  switch (choose_(8)) {
    case 0:
    case 1:
      Disarm(entry);
      if (entry.timer != nullptr) entry.timer->Cancel();
      break;
    case 2:
      Disarm(entry);
      entry.timer.reset();
      break;
    default:
      Arm(index, AnyDeadline());
  }
}

// Returns the first tick of a slot that comes soon, at a low level.
__int128 TimerWheelModel::AnyBoundary() {
  const int shift = 6 * static_cast<int>(1 + choose_(3));
  return ((NowTick() >> shift) + 1 + choose_(2)) << shift;
}

// Arms hundreds of timers in the same slot, so that the wheel moves them ahead.
// The slot is near a boundary of a level, where slots of several levels begin.
void TimerWheelModel::ArmACrowd() {
  const __int128 first = std::max(NowTick() + 1, AnyBoundary() - choose_(200));
  const uint64_t ticks = uint64_t{1} << choose_(14);
  for (uint64_t i = choose_(timers_.size()); i > 0; --i) {
    ++operations_;
    const __int128 deadline = origin_ns_ + (first + choose_(ticks)) * tick_ns_;
    Arm(choose_(timers_.size()),
        static_cast<int64_t>(std::min<__int128>(deadline, INT64_MAX)));
  }
}

int64_t TimerWheelModel::AnyTimeToAdvanceTo() {
  __int128 now = now_ns_;
  switch (choose_(9)) {
    case 0:
      break;
    case 1:
    case 2:
      now += choose_(3 * tick_ns_ + 1);
      break;
    case 3:
      now += choose_(16) == 0 ? AnyNanos() : choose_(300 * tick_ns_);
      break;
    case 4: {  // around a boundary of some level
      const __int128 tick = AnyBoundary() + choose_(128) - 64;
      now = origin_ns_ + tick * tick_ns_;
      break;
    }
    case 5:  // just before a firing, at it, or just after it
      if (!model_.empty()) {
        now = origin_ns_ + model_.begin()->first.first * tick_ns_ + NearZero();
      }
      break;
    default:  // as a loop would
      now = wheel_->NextDeadline().nanos();
  }
  // Mostly not too far, so that the clock does not reach its end soon.
  const __int128 farthest =
      now_ns_ + (__int128{1} << (choose_(100) == 0 ? 60 : 50));
  return static_cast<int64_t>(
      std::max<__int128>(now_ns_, std::min(now, farthest)));
}

void TimerWheelModel::Advance() {
  ++operations_;
  now_ns_ = AnyTimeToAdvanceTo();
  const int64_t fired_before = fired_;
  const size_t max_fires =
      choose_(3) == 0 ? choose_(5) : std::numeric_limits<size_t>::max();
  last_arming_ = arming_;
  const size_t fired =
      wheel_->AdvanceTo(MonotonicTime::FromNanos(now_ns_), max_fires);
  Expect(fired == static_cast<size_t>(fired_ - fired_before),
         "returned a wrong number of firings");
  Expect(fired <= max_fires, "fired more than max_fires");
  if (fired < max_fires) Expect(!IsDue(), "did not fire a timer that is due");
}

// Returns true if the model's first timer must fire in the current AdvanceTo().
bool TimerWheelModel::IsDue() const {
  if (model_.empty()) return false;
  const Key& key = model_.begin()->first;
  return key.first <= NowTick() && key.second <= last_arming_;
}

void TimerWheelModel::OnFire(size_t index) {
  ++fired_;
  Expect(IsDue(), "fired a timer, and none is due");
  Expect(!model_.empty() && model_.begin()->second == index,
         "fired a timer before an earlier one");
  Entry& entry = timers_[index];
  Expect(!entry.timer->armed(), "fired a timer that is armed");
  Expect(entry.deadline <= now_ns_, "fired a timer early");
  Disarm(entry);
  switch (choose_(4)) {
    case 0:
      entry.timer.reset();
      break;
    case 1:
      Arm(index, AnyDeadline());
      break;
    default:
      break;
  }
  for (uint64_t i = choose_(4); i > 0; --i) ChangeSomeTimer();
}

void TimerWheelModel::CheckWhatTheWheelSays() {
  Expect(wheel_->size() == model_.size(), "has a wrong size");
  Expect(wheel_->now().nanos() == now_ns_, "has a wrong time");
  const int64_t next = wheel_->NextDeadline().nanos();
  if (model_.empty()) {
    Expect(next == INT64_MAX, "has a deadline although no timer is armed");
    return;
  }
  const __int128 tick = model_.begin()->first.first;
  if (tick <= NowTick()) {
    Expect(next == now_ns_, "does not show that a timer is due");
    return;
  }
  const __int128 fires_at =
      std::min<__int128>(origin_ns_ + tick * tick_ns_, INT64_MAX);
  Expect(next > now_ns_, "shows a timer as due, and none is");
  Expect(next <= fires_at, "has a next deadline that is too late");
  // Fewer than 64 timers are never moved ahead.
  if (timers_.size() < 64 && tick >> 6 == NowTick() >> 6) {
    Expect(next == fires_at, "has a next deadline that is not exact");
  }
}

}  // namespace sluice
