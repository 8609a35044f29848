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
  SLUICE_CHECK(tick >= absl::Nanoseconds(1));
  const int64_t nanos = absl::ToInt64Nanoseconds(tick);
  SLUICE_CHECK(tick == absl::Nanoseconds(nanos));
  return nanos;
}

// 2^shift / divisor, rounded up.
uint64_t Reciprocal(uint64_t divisor, int shift) {
  const auto power = static_cast<unsigned __int128>(1) << shift;
  return static_cast<uint64_t>((power + divisor - 1) / divisor);
}

}  // namespace

void CallbackTimer::Fire() {
  // Fires in its own callable, by way of another wheel?
  SLUICE_CHECK(!destructor_check_.in_call());
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
  SLUICE_CHECK(!firing_);
  const auto disarm = [](IntrusiveList<Timer>& timers) {
    while (!timers.empty()) timers.front()->Cancel();
  };
  disarm(due_);
  disarm(due_next_);
  for (auto& lanes : lanes_) {
    for (auto& lane : lanes) disarm(lane);
  }
  disarm(overflow_);
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
  SLUICE_CHECK(!firing_);
  SLUICE_CHECK(now >= advanced_to_);
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
  SLUICE_CHECK(now >= now_);
  now_ = now;
}

MonotonicTime TimerWheel::NextDeadline() {
  if (!due_.empty() || !due_next_.empty()) return advanced_to_;
  if (size_ == 0) return MonotonicTime::InfiniteFuture();
  return TimeOf(std::min(NextTick(), ahead_tick_));
}

// The tick that is under way `elapsed_ns` after the origin. The product is
// exact below 2^63: the reciprocal is less than 1 / 2^63 of itself too large.
uint64_t TimerWheel::TickAt(uint64_t elapsed_ns) const {
  if (elapsed_ns >> 63 != 0) return elapsed_ns / tick_ns_;
  const auto product =
      static_cast<unsigned __int128>(2 * elapsed_ns) * reciprocal_;
  return static_cast<uint64_t>(product >> 64) >> reciprocal_shift_;
}

// The first tick that begins at or after `deadline`.
// REQUIRES: deadline > origin. Unsigned, as the difference may need 64 bits.
uint64_t TimerWheel::TickOf(MonotonicTime deadline) const {
  if (deadline == MonotonicTime::InfiniteFuture()) return kNever;
  return TickAt(static_cast<uint64_t>(deadline.nanos()) - origin_ns_ - 1) + 1;
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

// The earliest slot of `level` that is not empty; tick kNever if there is none.
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

// The first tick of what stands in the block that cursor_ is in is earlier than
// all of the levels above. Of places with the same tick the highest counts.
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

// Moves cursor_ to `target` and all timers up to there to due_.
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

// Empties the slots that begin where cursor_ is: those of `level` and below,
// from the top, as each may give to the next.
void TimerWheel::EnterSlots(int level) {
  if (level > 0) ahead_tick_ = 0;  // it is another slot's turn
  if (level == kLevels) {
    IntrusiveList<Timer> timers;
    overflow_.MoveAllTo(&timers);
    overflow_tick_ = kNever;  // those that stay in overflow_ lower it again
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

// Moves the slot's oldest timers, at most `limit`, to the level below.
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

// How many ticks before its own a slot's timers begin to move: not before the
// slot that precedes it. REQUIRES: a level above 0.
uint64_t TimerWheel::LeadOf(const Place& place) const {
  const uint64_t count = std::min<uint64_t>(counts_[place.slot], size_);
  return std::min(count / kMovesPerTick,
                  uint64_t{1} << place.level * kDigitBits);
}

// The next tick in which timers of `place` are to be moved ahead.
uint64_t TimerWheel::AheadTick(const Place& place) const {
  if (place.level == 0 || place.tick == kNever) return kNever;
  const uint64_t lead = LeadOf(place);
  return lead == 0 ? kNever : std::max(cursor_ + 1, place.tick - lead);
}

// Moves timers of the next slots down so that, in equal portions of ticks, all
// are moved when the cursor comes there. `elapsed` ticks passed since the last
// AdvanceTo(). From the top, for what comes down may have to go on.
void TimerWheel::MoveAhead(uint64_t elapsed) {
  for (int level = kLevels - 1; level > 0; --level) {
    const Place place = FirstOf(level);
    const uint64_t lead = LeadOf(place);
    const uint64_t left = place.tick - cursor_;
    if (left > lead) continue;
    // Ticks whose portion is due; it is not the wheel that was late before.
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
