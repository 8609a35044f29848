#include "sluice/timer/timer_wheel.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "sluice/base/call_without_unwind.h"
#include "sluice/base/check.h"

namespace sluice {
namespace {

uint64_t TickNanos(absl::Duration tick) {
  SLUICE_CHECK_GE(tick, absl::Nanoseconds(1));
  const int64_t nanos = absl::ToInt64Nanoseconds(tick);
  SLUICE_CHECK_EQ(tick, absl::Nanoseconds(nanos),
                  "a tick is a whole number of nanoseconds");
  return nanos;
}

// Returns 2^shift / divisor, rounded up.
uint64_t Reciprocal(uint64_t divisor, int shift) {
  const auto power = static_cast<unsigned __int128>(1) << shift;
  return static_cast<uint64_t>((power + divisor - 1) / divisor);
}

}  // namespace

void CallbackTimer::Fire() {
  SLUICE_CHECK(!destructor_check_.in_call(),
               "a CallbackTimer was armed on a second wheel and fired inside "
               "its own callable");
  absl::AnyInvocable<void()> on_fire = std::move(on_fire_);
  const auto call = [&](const bool&) { on_fire(); };
  if (destructor_check_.Survives(call)) on_fire_ = std::move(on_fire);
}

TimerWheel::TimerWheel(MonotonicTime now, Options options)
    : tick_ns_(TickNanos(options.tick)),
      reciprocal_shift_(std::bit_width(tick_ns_ - 1)),
      reciprocal_(Reciprocal(tick_ns_, 63 + reciprocal_shift_)),
      origin_ns_(now.nanos()),
      now_(now),
      advanced_to_(now) {}

TimerWheel::~TimerWheel() {
  SLUICE_CHECK(!firing_, "a callback destroyed the wheel that called it");
  due_next_.MoveAllTo(&due_);
  overflow_.MoveAllTo(&due_);
  for (auto& lanes : lanes_) {
    for (auto& lane : lanes) lane.MoveAllTo(&due_);
  }
  while (Timer* const timer = due_.front()) timer->Cancel();
}

void TimerWheel::Arm(Timer* timer, MonotonicTime deadline) {
  timer->Cancel();
  timer->deadline_ = deadline;
  timer->wheel_ = this;
  ++size_;
  if (deadline <= advanced_to_ && deadline != MonotonicTime::InfiniteFuture()) {
    due_next_.PushBack(timer);
  } else {
    Put(timer, TickOf(deadline));
  }
}

size_t TimerWheel::AdvanceTo(MonotonicTime now, size_t max_fires) {
  SLUICE_CHECK(!firing_, "a callback called AdvanceTo()");
  SLUICE_CHECK_GE(now.nanos(), advanced_to_.nanos(), "time went back");
  due_next_.MoveAllTo(&due_);
  const uint64_t elapsed = static_cast<uint64_t>(now.nanos()) - origin_ns_;
  CollectDue(std::min(TickAt(elapsed), kNever - 1));
  advanced_to_ = now;
  now_ = std::max(now_, now);

  if (due_.empty()) return 0;
  size_t fired = 0;
  CallWithoutUnwind([&] {
    firing_ = true;
    for (; fired < max_fires && !due_.empty(); ++fired) {
      Timer* const timer = due_.front();
      timer->Cancel();
      timer->Fire();
    }
    firing_ = false;
  });
  return fired;
}

void TimerWheel::SetNow(MonotonicTime now) {
  SLUICE_CHECK_GE(now.nanos(), now_.nanos(), "time went back");
  now_ = now;
}

MonotonicTime TimerWheel::NextDeadline() {
  if (!due_.empty() || !due_next_.empty()) return advanced_to_;
  if (size_ == 0) return MonotonicTime::InfiniteFuture();
  return TimeOf(std::min(NextTick(), ahead_tick_));
}

// Returns the tick that contains the time `elapsed_ns` after the origin. Below
// 2^63 the product is exact, because the relative error of the reciprocal is
// less than 2^-63.
uint64_t TimerWheel::TickAt(uint64_t elapsed_ns) const {
  if (elapsed_ns >> 63 != 0) return elapsed_ns / tick_ns_;
  const auto product =
      static_cast<unsigned __int128>(2 * elapsed_ns) * reciprocal_;
  return static_cast<uint64_t>(product >> 64) >> reciprocal_shift_;
}

// Returns the first tick that begins at or after `deadline`. Unsigned, because
// the difference may need 64 bits. REQUIRES: deadline > origin.
uint64_t TimerWheel::TickOf(MonotonicTime deadline) const {
  if (deadline == MonotonicTime::InfiniteFuture()) return kNever;
  return TickAt(static_cast<uint64_t>(deadline.nanos()) - origin_ns_ - 1) + 1;
}

// Returns the begin of `tick`; InfiniteFuture() if that is past the end of
// time.
MonotonicTime TimerWheel::TimeOf(uint64_t tick) const {
  uint64_t elapsed;
  if (__builtin_mul_overflow(tick, tick_ns_, &elapsed) ||
      elapsed > uint64_t{INT64_MAX} - origin_ns_) {
    return MonotonicTime::InfiniteFuture();
  }
  return MonotonicTime::FromNanos(static_cast<int64_t>(origin_ns_ + elapsed));
}

// Links `timer` into the place for `tick`. REQUIRES: tick >= cursor_.
void TimerWheel::Put(Timer* timer, uint64_t tick) {
  const uint64_t differing = (tick ^ cursor_) | 1;
  if (differing >> kSpanBits != 0) {
    overflow_.PushBack(timer);
    overflow_tick_ = std::min(overflow_tick_, tick >> kSpanBits << kSpanBits);
    next_tick_ = std::min(next_tick_, overflow_tick_);
    return;
  }
  const int level =
      (static_cast<unsigned>(std::bit_width(differing)) - 1) / kDigitBits;
  next_tick_ = std::min(next_tick_, FirstTick(level, tick));
  PutInLevel(timer, tick, level);
}

inline void TimerWheel::PutInLevel(Timer* timer, uint64_t tick, int level) {
  const unsigned slot = SlotOf(level, tick);
  lanes_[slot][tick % kLanes].PushBack(timer);
  occupied_[slot / kBlock] |= uint64_t{1} << slot % kBlock;
  if (++counts_[slot] % kMovesPerTick == 0) LeadHasGrown(level, tick);
}

void TimerWheel::LeadHasGrown(int level, uint64_t tick) {
  const Place place = {level, SlotOf(level, tick), FirstTick(level, tick)};
  ahead_tick_ = std::min(ahead_tick_, AheadTick(place));
}

// Returns the earliest slot of `level` that is not empty. If there is none, the
// tick of the result is kNever.
TimerWheel::Place TimerWheel::FirstOf(int level) {
  const int shift = level * kDigitBits;
  const uint64_t current = cursor_ >> shift >> kDigitBits;
  for (const uint64_t block : {current, current + 1}) {
    const int first_slot = level * kSlots + block % 2 * kBlock;
    uint64_t& occupied = occupied_[first_slot / kBlock];
    for (; occupied != 0; occupied &= occupied - 1) {
      const int digit = std::countr_zero(occupied);
      const int slot = first_slot + digit;
      for (const IntrusiveList<Timer>& lane : lanes_[slot]) {
        if (lane.empty()) continue;
        return {level, slot, (block << kDigitBits | digit) << shift};
      }
      counts_[slot] = 0;
    }
  }
  return {};
}

// Returns the place with the earliest tick; among places with the same tick,
// the one at the highest level. A level's timers in the block of cursor_ are
// earlier than all timers of the levels above, so the search ends there.
TimerWheel::Place TimerWheel::FindEarliest() {
  Place earliest;
  for (int level = 0; level < kLevels; ++level) {
    if ((occupied_[2 * level] | occupied_[2 * level + 1]) == 0) continue;
    const Place place = FirstOf(level);
    if (place.tick <= earliest.tick) earliest = place;
    const int block_shift = (level + 1) * kDigitBits;
    if (place.tick >> block_shift == cursor_ >> block_shift) return earliest;
  }
  if (overflow_tick_ > earliest.tick) return earliest;
  return {kLevels, 0, overflow_tick_};
}

uint64_t TimerWheel::NextTick() {
  if (!next_tick_known_) {
    next_tick_ = FindEarliest().tick;
    next_tick_known_ = true;
  }
  return next_tick_;
}

// Moves cursor_ to `target`, and all timers up to that tick to due_.
void TimerWheel::CollectDue(uint64_t target) {
  const uint64_t elapsed = target - cursor_;
  if (NextTick() <= target) {
    for (Place place = FindEarliest(); place.tick <= target;
         place = FindEarliest()) {
      cursor_ = place.tick;
      EnterSlots(place.level);
    }
    next_tick_known_ = false;
  }
  cursor_ = target;
  if (ahead_tick_ <= target) MoveAhead(elapsed);
}

// Empties the slots that begin at cursor_, at `level` and below. Begins at the
// top, because timers move from each level to the next.
void TimerWheel::EnterSlots(int level) {
  if (level > 0) ahead_tick_ = 0;  // the next slot may have to move ahead
  if (level == kLevels) {
    IntrusiveList<Timer> timers;
    overflow_.MoveAllTo(&timers);
    overflow_tick_ = kNever;  // Put() lowers it for timers that stay
    while (Timer* const timer = timers.front()) {
      timer->Unlink();
      Put(timer, TickOf(timer->deadline_));
    }
    --level;
  }
  for (; level > 0; --level) MoveDown(level, SlotOf(level, cursor_), kNever);
  const int slot = SlotOf(0, cursor_);
  for (IntrusiveList<Timer>& lane : lanes_[slot]) lane.MoveAllTo(&due_);
  counts_[slot] = 0;
}

// Moves the oldest timers of the slot, at most `limit`, to the level below.
void TimerWheel::MoveDown(int level, int slot, uint64_t limit) {
  for (bool found = true; found;) {
    found = false;
    for (IntrusiveList<Timer>& lane : lanes_[slot]) {
      Timer* const timer = lane.front();
      if (timer == nullptr) continue;
      if (limit-- == 0) return;
      found = true;
      timer->Unlink();
      --counts_[slot];
      ++moves_;
      PutInLevel(timer, TickOf(timer->deadline_), level - 1);
    }
  }
  counts_[slot] = 0;
}

// Returns how many ticks before their slot the timers of `place` begin to move:
// at most the length of a slot. REQUIRES: a level above 0.
uint64_t TimerWheel::LeadOf(const Place& place) const {
  const uint64_t count = std::min<uint64_t>(counts_[place.slot], size_);
  return std::min(count / kMovesPerTick,
                  uint64_t{1} << place.level * kDigitBits);
}

// Returns the next tick in which timers of `place` must be moved ahead.
uint64_t TimerWheel::AheadTick(const Place& place) const {
  if (place.level == 0 || place.tick == kNever) return kNever;
  const uint64_t lead = LeadOf(place);
  return lead == 0 ? kNever : std::max(cursor_ + 1, place.tick - lead);
}

// Moves timers of each level's next slot down, in equal portions per tick, so
// that all are moved when the cursor reaches the slot. `elapsed` is the number
// of ticks since the last AdvanceTo(). Begins at the top, because a timer that
// moves down may have to move again.
void TimerWheel::MoveAhead(uint64_t elapsed) {
  for (int level = kLevels - 1; level > 0; --level) {
    const Place place = FirstOf(level);
    const uint64_t lead = LeadOf(place);
    const uint64_t left = place.tick - cursor_;
    if (left > lead) continue;
    // The ticks whose portions are due: those since the last AdvanceTo(), and
    // since the move ahead began.
    const uint64_t portion = std::min(elapsed, lead - left + 1);
    const uint64_t count = std::min<uint64_t>(counts_[place.slot], size_);
    MoveDown(level, place.slot, count * portion / (portion + left) + 1);
  }
  ahead_tick_ = kNever;
  for (int level = 1; level < kLevels; ++level) {
    ahead_tick_ = std::min(ahead_tick_, AheadTick(FirstOf(level)));
  }
}

}  // namespace sluice
