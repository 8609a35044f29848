#ifndef SLUICE_TIMER_TIMER_WHEEL_H_
#define SLUICE_TIMER_TIMER_WHEEL_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

#include "absl/base/attributes.h"
#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "sluice/base/intrusive_list.h"
#include "sluice/timer/clock.h"

namespace sluice {

class TimerWheel;

// A one-shot timer, owned by its user: a base or a member. Destroying or
// cancelling it means that Fire() will not be called afterwards. Linked in
// place: not movable, no allocation. On the same sequence as its wheel.
class Timer : private IntrusiveNode {
 public:
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // No-op when not armed; O(1).
  void Cancel();
  bool armed() const { return wheel_ != nullptr; }
  // As armed, not as rounded. REQUIRES: armed().
  MonotonicTime deadline() const { return deadline_; }

 protected:
  Timer() = default;
  virtual ~Timer() { Cancel(); }

  // Called once per arming, from TimerWheel::AdvanceTo(), disarmed already: may
  // arm, cancel or destroy any timer, this one included. The wheel touches the
  // timer no more.
  virtual void Fire() = 0;

 private:
  friend class IntrusiveList<Timer>;
  friend class TimerWheel;

  MonotonicTime deadline_;
  TimerWheel* wheel_ = nullptr;
};
static_assert(sizeof(void*) != 8 || sizeof(Timer) == 40);

// A Timer with a callable, kept from one firing to the next. The callable may
// destroy its timer: it then ends after it has returned, not under its feet.
class CallbackTimer final : public Timer {
 public:
  explicit CallbackTimer(absl::AnyInvocable<void()> on_fire)
      : on_fire_(std::move(on_fire)) {}
  ~CallbackTimer() override;

 private:
  void Fire() override;

  bool* destroyed_ = nullptr;  // on the stack of Fire() while it runs
  absl::AnyInvocable<void()> on_fire_;
};
static_assert(sizeof(void*) != 8 || sizeof(CallbackTimer) <= 80);

// A hierarchical timer wheel. Reads no clock and never sleeps: its owner asks
// NextDeadline(), waits by whatever means, and calls AdvanceTo(). Owns no
// timer. Thread-compatible, together with its timers.
//
// An exception that leaves a timer ends the process by std::terminate() at the
// throw: docs/architecture.md, "Exceptions".
//
// Time is cut into ticks, counted from the `now` of the constructor. A timer
// stands in the first tick that begins at or after its deadline, and fires when
// AdvanceTo() reaches it: never early, and at most a tick late plus the delay
// until that call. Timers fire in the order of their ticks; within one, in the
// order armed. A deadline at or before the time of the last AdvanceTo() is due
// at once: it fires in the next AdvanceTo(), behind all that was due before it.
//
// Arm() and Cancel() are O(1) and allocate nothing. A timer is moved at most
// five times before it fires, and no call moves many: more than 64 that stand
// together are moved ahead of time, 64 in each tick if that is enough, else in
// equal portions. A caller who comes later than NextDeadline() asks pays at
// once for all that he missed.
//
// There is no bound on the number of timers. A wheel is 51 KiB: six levels of
// 64 slots, twice, which span 2^36 ticks, two years of milliseconds; later
// deadlines are as good, but cost a visit to each such timer once per span.
class TimerWheel {
 public:
  struct Options {
    // At least a nanosecond, of which it has a whole number.
    absl::Duration tick = absl::Milliseconds(1);
  };

  explicit TimerWheel(MonotonicTime now) : TimerWheel(now, Options{}) {}
  // REQUIRES: `options` are in their ranges.
  TimerWheel(MonotonicTime now, Options options);
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;
  // Disarms what is left, and fires nothing. REQUIRES: not in a callback.
  ~TimerWheel();

  // Re-arms if armed. Never fires inside this call, even for a past deadline.
  // A timer for InfiniteFuture() is armed and never fires.
  void Arm(Timer* timer, MonotonicTime deadline);

  // Fires what is due at `now`, at most `max_fires`; returns how many fired. If
  // that is `max_fires`, more may be due: call again, with the same `now` or a
  // later one. What a callback arms for `now` or before waits for the next
  // call. Skips stretches without timers: costs nothing per tick.
  // REQUIRES: not called from a callback; `now` does not go back.
  size_t AdvanceTo(MonotonicTime now,
                   size_t max_fires = std::numeric_limits<size_t>::max());

  // Tells the time, and fires nothing. For an owner that has something to do
  // before it fires timers, while others arm timers relative to now().
  // REQUIRES: `now` does not go back.
  void SetNow(MonotonicTime now);

  // A time no later than the earliest firing: that of the last AdvanceTo() when
  // a timer is due, else after it; InfiniteFuture() when empty. Exact when that
  // timer's tick lies in the same block of 64 ticks and nothing is to be moved
  // ahead until then; else the time of an AdvanceTo() that moves timers and may
  // fire none: at most five times per timer. Amortized O(1), and two
  // comparisons if no timer has fired or been cancelled since; not const
  // because it forgets slots that it finds empty.
  MonotonicTime NextDeadline();

  // Of the last AdvanceTo() or SetNow().
  MonotonicTime now() const { return now_; }
  size_t size() const { return size_; }  // timers armed
  // How often a timer was moved so far, within AdvanceTo(): its work beside
  // what it fires.
  uint64_t moves() const { return moves_; }
  absl::Duration tick() const { return absl::Nanoseconds(tick_ns_); }

 private:
  friend class Timer;

  // Ticks are numbers in base 64: a level for each of their six lowest digits.
  static constexpr int kLevels = 6;
  static constexpr int kDigitBits = 6;
  static constexpr int kBlock = 1 << kDigitBits;
  static constexpr int kSpanBits = kLevels * kDigitBits;
  // Of a level: two blocks of slots.
  static constexpr int kSlots = 2 * kBlock;
  // Lists of a slot, by the lowest bits of the tick. To walk a list of timers
  // that nobody has touched for long is to wait for memory at each; several
  // lists are walked at once.
  static constexpr int kLanes = 4;
  static constexpr uint64_t kMovesPerTick = 64;
  // The tick of InfiniteFuture(); past all others.
  static constexpr uint64_t kNever = std::numeric_limits<uint64_t>::max();

  // Where timers stand that are not due: a slot, or `overflow_`.
  struct Place {
    int level = 0;           // kLevels for overflow_
    int slot = 0;            // of all levels' slots
    uint64_t tick = kNever;  // the first of those that the slot stands for
  };

  static int SlotOf(int level, uint64_t tick) {
    return level * kSlots + (tick >> level * kDigitBits) % kSlots;
  }
  // Of those of its slot.
  static uint64_t FirstTick(int level, uint64_t tick) {
    return tick >> level * kDigitBits << level * kDigitBits;
  }

  uint64_t TickAt(uint64_t elapsed_ns) const;
  uint64_t TickOf(MonotonicTime deadline) const;
  MonotonicTime TimeOf(uint64_t tick) const;
  void Put(Timer* timer, uint64_t tick);
  void PutInLevel(Timer* timer, uint64_t tick, int level);
  // Out of the way of Arm(), whose registers it would take.
  ABSL_ATTRIBUTE_NOINLINE void LeadHasGrown(int level, uint64_t tick);
  Place FirstOf(int level);
  Place FindEarliest();
  uint64_t NextTick();
  void CollectDue(uint64_t target);
  void EnterSlots(int level);
  void MoveDown(int level, int slot, uint64_t limit);
  uint64_t LeadOf(const Place& place) const;
  uint64_t AheadTick(const Place& place) const;
  void MoveAhead(uint64_t elapsed);

  const uint64_t tick_ns_;
  // Division by tick_ns_: multiplication by 2^(63 + shift) / tick_ns_.
  const int reciprocal_shift_;
  const uint64_t reciprocal_;
  const uint64_t origin_ns_;  // modulo 2^64
  MonotonicTime now_;
  MonotonicTime advanced_to_;
  // The last tick that began at or before advanced_to_, except while
  // CollectDue() runs.
  uint64_t cursor_ = 0;
  size_t size_ = 0;
  uint64_t moves_ = 0;
  // What FindEarliest() would say, so that a loop which turns often asks it
  // rarely: unknown after a timer has left its place.
  uint64_t next_tick_ = kNever;
  // No later than the first tick in which MoveAhead() has something to do.
  uint64_t ahead_tick_ = kNever;
  bool next_tick_known_ = true;
  bool firing_ = false;

  // Due, in the order in which they will fire: those that were due when
  // AdvanceTo() was called last, then those armed since for that time or
  // before.
  IntrusiveList<Timer> due_;
  IntrusiveList<Timer> due_next_;

  // A timer for tick t that is not due is armed at the level of the highest
  // digit in which t differs from cursor_, in the slot of that digit; or in
  // overflow_, if that is a higher digit than the levels have. When the cursor
  // comes to a slot, its timers move to the level below, into the slots of
  // their next digit, or fire. So a level has the block of slots that cursor_
  // is in; and the one after it, for timers that are moved ahead, while the
  // cursor is still in the slot before theirs. Odd blocks have the upper half
  // of the slots.
  //
  // All lists are in the order of arming. Those of one tick may be in several
  // lists, at several levels, but lower ones are older: a slot is moved from
  // its oldest timers on, and what is armed meanwhile joins its end.
  IntrusiveList<Timer> lanes_[kLevels * kSlots][kLanes];
  // At least as many as the slot has, unless that is more than 2^32.
  uint32_t counts_[kLevels * kSlots] = {};
  // A bit per slot: clear means empty. Set means nothing, as Cancel() leaves
  // it; FirstOf() clears those of slots that it finds empty.
  uint64_t occupied_[kLevels * kSlots / kBlock] = {};
  IntrusiveList<Timer> overflow_;
  // Past cursor_, and no later than the first tick of the span (2^36 ticks)
  // that the earliest timer of overflow_ is in.
  uint64_t overflow_tick_ = kNever;
};

inline void Timer::Cancel() {
  if (wheel_ == nullptr) return;
  Unlink();
  --wheel_->size_;
  wheel_->next_tick_known_ = false;
  wheel_ = nullptr;
}

}  // namespace sluice

#endif  // SLUICE_TIMER_TIMER_WHEEL_H_
