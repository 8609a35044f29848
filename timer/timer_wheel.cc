#include "sluice/timer/timer_wheel.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "sluice/base/check.h"

namespace sluice {

void Timer::Cancel() {
  if (wheel_ == nullptr) return;
  Unlink();
  --wheel_->size_;
  wheel_->next_tick_known_ = false;
  wheel_ = nullptr;
}

CallbackTimer::~CallbackTimer() {
  if (destroyed_ != nullptr) *destroyed_ = true;
}

void CallbackTimer::Fire() {
  // Fires in its own callable, by way of another wheel?
  SLUICE_CHECK(destroyed_ == nullptr);
  bool destroyed = false;
  destroyed_ = &destroyed;
  absl::AnyInvocable<void()> on_fire = std::move(on_fire_);
  on_fire();
  if (destroyed) return;
  on_fire_ = std::move(on_fire);
  destroyed_ = nullptr;
}

TimerWheel::TimerWheel(MonotonicTime now, Options options)
    : tick_ns_(absl::ToInt64Nanoseconds(options.tick)),
      origin_ns_(now.nanos()),
      now_(now) {
  SLUICE_CHECK(options.tick >= absl::Nanoseconds(1));
  SLUICE_CHECK(options.tick == absl::Nanoseconds(tick_ns_));
}

TimerWheel::~TimerWheel() {
  SLUICE_CHECK(!firing_);
  const auto disarm = [](IntrusiveList<Timer>& timers) {
    while (!timers.empty()) timers.front()->Cancel();
  };
  disarm(due_);
  disarm(due_next_);
  for (auto& level : slots_) {
    for (auto& slot : level) disarm(slot);
  }
  disarm(overflow_);
}

void TimerWheel::Arm(Timer* timer, MonotonicTime deadline) {
  timer->Cancel();
  timer->deadline_ = deadline;
  timer->wheel_ = this;
  ++size_;
  if (deadline <= now_ && deadline != MonotonicTime::InfiniteFuture()) {
    due_next_.PushBack(timer);
  } else {
    PutIn(timer, TickOf(deadline));
  }
}

size_t TimerWheel::AdvanceTo(MonotonicTime now, size_t max_fires) {
  SLUICE_CHECK(!firing_);
  SLUICE_CHECK(now >= now_);
  due_next_.MoveAllTo(&due_);
  const uint64_t elapsed = static_cast<uint64_t>(now.nanos()) - origin_ns_;
  CollectDue(std::min(elapsed / tick_ns_, kNever - 1));
  now_ = now;

  firing_ = true;
  size_t fired = 0;
  for (; fired < max_fires && !due_.empty(); ++fired) {
    Timer* const timer = due_.front();
    timer->Cancel();
    timer->Fire();
  }
  firing_ = false;
  return fired;
}

MonotonicTime TimerWheel::NextDeadline() {
  if (!due_.empty() || !due_next_.empty()) return now_;
  if (size_ == 0) return MonotonicTime::InfiniteFuture();
  return TimeOf(NextTick());
}

// The first tick that begins at or after `deadline`.
// REQUIRES: deadline >= origin. Unsigned, as the difference may need 64 bits.
uint64_t TimerWheel::TickOf(MonotonicTime deadline) const {
  if (deadline == MonotonicTime::InfiniteFuture()) return kNever;
  const uint64_t wait = static_cast<uint64_t>(deadline.nanos()) - origin_ns_;
  return wait / tick_ns_ + (wait % tick_ns_ != 0);
}

// When `tick` begins; InfiniteFuture() for those past the end of time.
MonotonicTime TimerWheel::TimeOf(uint64_t tick) const {
  uint64_t elapsed;
  if (__builtin_mul_overflow(tick, tick_ns_, &elapsed) ||
      elapsed > uint64_t{INT64_MAX} - origin_ns_) {
    return MonotonicTime::InfiniteFuture();
  }
  return MonotonicTime::FromNanos(static_cast<int64_t>(origin_ns_ + elapsed));
}

// Links `timer` where one of `tick` belongs. REQUIRES: tick >= cursor_.
void TimerWheel::PutIn(Timer* timer, uint64_t tick) {
  const uint64_t differing = tick ^ cursor_;
  if (differing == 0) {  // while CollectDue() runs
    due_.PushBack(timer);
    return;
  }
  const int level = (std::bit_width(differing) - 1) / kSlotBits;
  if (level >= kLevels) {
    overflow_.PushBack(timer);
    overflow_tick_ = std::min(overflow_tick_, tick >> kSpanBits << kSpanBits);
    next_tick_ = std::min(next_tick_, overflow_tick_);
    return;
  }
  const int shift = level * kSlotBits;
  const int slot = (tick >> shift) % kSlots;
  slots_[level][slot].PushBack(timer);
  occupied_[level] |= uint64_t{1} << slot;
  next_tick_ = std::min(next_tick_, tick >> shift << shift);
}

uint64_t TimerWheel::NextTick() {
  if (!next_tick_known_) {
    next_tick_ = FindEarliest().tick;
    next_tick_known_ = true;
  }
  return next_tick_;
}

// Any timer of a level is earlier than all of the levels above.
TimerWheel::Place TimerWheel::FindEarliest() {
  for (int level = 0; level < kLevels; ++level) {
    while (occupied_[level] != 0) {
      const int slot = std::countr_zero(occupied_[level]);
      if (!slots_[level][slot].empty()) {
        const int shift = level * kSlotBits;
        // The cursor's digits above this level, this slot's digit, and zeros.
        const uint64_t above = cursor_ >> (shift + kSlotBits) << kSlotBits;
        return {level, slot, (above | slot) << shift};
      }
      occupied_[level] &= occupied_[level] - 1;
    }
  }
  return {kLevels, 0, overflow_tick_};
}

// Empties the place that cursor_ has come to, into lower ones and due_.
void TimerWheel::TakeOut(const Place& place) {
  IntrusiveList<Timer> timers;
  if (place.level == 0) {
    slots_[0][place.slot].MoveAllTo(&due_);
  } else if (place.level < kLevels) {
    slots_[place.level][place.slot].MoveAllTo(&timers);
  } else {
    overflow_.MoveAllTo(&timers);
    overflow_tick_ = kNever;  // those that stay in overflow_ lower it again
  }
  while (Timer* const timer = timers.front()) {
    timer->Unlink();
    PutIn(timer, TickOf(timer->deadline_));
  }
}

// Moves cursor_ to `target` and all timers up to there to due_.
void TimerWheel::CollectDue(uint64_t target) {
  while (NextTick() <= target) {
    const Place place = FindEarliest();
    cursor_ = place.tick;
    next_tick_known_ = false;
    TakeOut(place);
  }
  cursor_ = target;
}

}  // namespace sluice
