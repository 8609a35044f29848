#ifndef SLUICE_TIMER_TIMER_WHEEL_H_
#define SLUICE_TIMER_TIMER_WHEEL_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

#include "absl/base/attributes.h"
#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "sluice/base/destructor_check.h"
#include "sluice/base/intrusive_list.h"
#include "sluice/timer/clock.h"

namespace sluice {

class TimerWheel;

// A one-shot timer, armed by TimerWheel::Arm(). Its user owns it, and derives
// from it or has it as a member. After Cancel(), Fire() is not called until the
// timer is armed again. Not movable; allocates nothing. Bound to the sequence
// of its wheel.
class Timer : private IntrusiveNode {
 public:
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Disarms the timer. Does nothing if it is not armed. O(1).
  void Cancel();
  bool armed() const { return wheel_ != nullptr; }
  // Returns the deadline that was given to Arm(), not rounded to a tick.
  // REQUIRES: armed().
  MonotonicTime deadline() const { return deadline_; }

 protected:
  Timer() = default;
  virtual ~Timer() { Cancel(); }

  // Called once per arming, from TimerWheel::AdvanceTo(). The timer is disarmed
  // already, and the wheel does not touch it after the call: Fire() may arm,
  // cancel or destroy any timer, this one included. Must not destroy the wheel.
  virtual void Fire() = 0;

 private:
  friend class IntrusiveList<Timer>;
  friend class TimerWheel;

  MonotonicTime deadline_;
  TimerWheel* wheel_ = nullptr;
};
static_assert(sizeof(void*) != 8 || sizeof(Timer) == 40);

// A Timer with a callable, which it keeps from one firing to the next. The
// callable may destroy its timer; the callable itself is then destroyed after
// it has returned. CHECKs that the timer does not fire inside its own callable,
// as it could if the callable armed it on a second wheel and advanced that.
class CallbackTimer final : public Timer {
 public:
  explicit CallbackTimer(absl::AnyInvocable<void()> on_fire)
      : on_fire_(std::move(on_fire)) {}

 private:
  void Fire() override;

  DestructorCheck destructor_check_;
  absl::AnyInvocable<void()> on_fire_;
};
static_assert(sizeof(void*) != 8 || sizeof(CallbackTimer) <= 80);

// A hierarchical timer wheel. Reads no clock and never sleeps: its owner calls
// NextDeadline(), waits until then, and calls AdvanceTo(). Owns no timer.
// Thread-compatible, together with its timers.
//
// An exception that leaves a timer ends the process by std::terminate() at the
// throw: docs/architecture.md, "Exceptions".
//
// Time is divided into ticks, which are counted from the `now` of the
// constructor. A timer belongs to the first tick that begins at or after its
// deadline, and fires when AdvanceTo() reaches that tick. So a timer is never
// early, and at most a tick late, plus the delay of the call. Timers fire in
// the order of their ticks, and within a tick in the order in which they were
// armed. If a deadline is at or before the time of the last AdvanceTo(), the
// timer is due at once: it fires in the next AdvanceTo(), after all timers that
// were due before it.
//
// Arm() and Cancel() are O(1) and allocate nothing. A timer is moved at most
// five times before it fires, and no call moves many timers: if a slot has more
// than 64, they are moved ahead of time, 64 in each tick, or in equal portions
// if the ticks are too few for that. If AdvanceTo() is called later than
// NextDeadline() says, that call does all the work that was missed.
//
// The number of timers has no limit. A wheel takes 51 KiB: six levels, each
// with two blocks of 64 slots. The levels span 2^36 ticks, which is two years
// if a tick is 1 ms. Later deadlines are as exact, but the wheel visits each
// such timer once per span.
class TimerWheel {
 public:
  struct Options {
    // A whole number of nanoseconds, at least 1 ns.
    absl::Duration tick = absl::Milliseconds(1);
  };

  explicit TimerWheel(MonotonicTime now) : TimerWheel(now, Options{}) {}
  // REQUIRES: `options` are in their ranges.
  TimerWheel(MonotonicTime now, Options options);
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;
  // Disarms all timers, and fires none. REQUIRES: not called from a callback.
  ~TimerWheel();

  // Arms `timer` for `deadline`. If the timer is armed already, on this wheel
  // or another, cancels it first. Does not fire the timer inside the call, even
  // if the deadline has passed. A timer for InfiniteFuture() is armed and never
  // fires.
  void Arm(Timer* timer, MonotonicTime deadline);

  // Fires the timers that are due at `now`, at most `max_fires` of them, and
  // returns how many fired. If that is `max_fires`, more may be due: call
  // again, with the same `now` or a later one. A timer that a callback arms for
  // `now` or before fires in the next call. Skips stretches without timers: an
  // empty tick costs nothing. REQUIRES: not called from a callback; `now` is
  // not before the `now` of the last AdvanceTo(), or of the constructor. It may
  // be before now(), if SetNow() has moved that.
  size_t AdvanceTo(MonotonicTime now,
                   size_t max_fires = std::numeric_limits<size_t>::max());

  // Sets now() and fires nothing. For an owner that calls other code before it
  // fires timers, if that code arms timers relative to now(). REQUIRES: `now`
  // is not before now().
  void SetNow(MonotonicTime now);

  // Returns a time that is not later than the next firing: the time of the last
  // AdvanceTo() if a timer is due, else a later time; InfiniteFuture() if no
  // timer is armed. The time is exact if the timer's tick is in the current
  // block of 64 ticks and no timers must be moved ahead before that tick.
  // Otherwise, an AdvanceTo() at the returned time moves timers and may fire
  // none; this happens at most five times per timer. Amortized O(1); two
  // comparisons if no timer has fired or been cancelled since the last call.
  // Not const, because it forgets slots that it finds empty.
  MonotonicTime NextDeadline();

  // Returns the latest of the times given to the constructor, AdvanceTo() and
  // SetNow().
  MonotonicTime now() const { return now_; }
  size_t size() const { return size_; }  // timers armed
  // Returns how many times AdvanceTo() has moved a timer to a lower level: its
  // work in addition to the firing.
  uint64_t moves() const { return moves_; }
  absl::Duration tick() const { return absl::Nanoseconds(tick_ns_); }

 private:
  friend class Timer;

  // Ticks are numbers in base 64, and each of their six lowest digits has a
  // level.
  static constexpr int kLevels = 6;
  static constexpr int kDigitBits = 6;
  static constexpr int kBlock = 1 << kDigitBits;
  static constexpr int kSpanBits = kLevels * kDigitBits;
  // The slots of a level: two blocks.
  static constexpr int kSlots = 2 * kBlock;
  // The lists of a slot; the lowest bits of the tick choose one. A walk over a
  // list of timers that were not touched for long waits for memory at each
  // timer, so several lists are walked at once.
  static constexpr int kLanes = 4;
  static constexpr uint64_t kMovesPerTick = 64;
  // The tick of InfiniteFuture(), which is after all others.
  static constexpr uint64_t kNever = std::numeric_limits<uint64_t>::max();

  // The place of timers that are not due: a slot, or `overflow_`.
  struct Place {
    int level = 0;           // kLevels for overflow_
    int slot = 0;            // index into the slots of all levels
    uint64_t tick = kNever;  // the slot's first tick
  };

  static int SlotOf(int level, uint64_t tick) {
    return level * kSlots + (tick >> level * kDigitBits) % kSlots;
  }
  // Returns the first tick of the slot that `tick` is in.
  static uint64_t FirstTick(int level, uint64_t tick) {
    return tick >> level * kDigitBits << level * kDigitBits;
  }

  uint64_t TickAt(uint64_t elapsed_ns) const;
  uint64_t TickOf(MonotonicTime deadline) const;
  MonotonicTime TimeOf(uint64_t tick) const;
  void Put(Timer* timer, uint64_t tick);
  void PutInLevel(Timer* timer, uint64_t tick, int level);
  // Not inlined, because it would take registers from Arm().
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
  // For division by tick_ns_: a multiplication by 2^(63 + shift) / tick_ns_.
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
  // The result of FindEarliest(), which a loop with many iterations would call
  // too often. Unknown after a timer has left its place.
  uint64_t next_tick_ = kNever;
  // No later than the first tick in which MoveAhead() has something to do.
  uint64_t ahead_tick_ = kNever;
  bool next_tick_known_ = true;
  bool firing_ = false;

  // The timers that are due, in the order in which they will fire: first the
  // timers that were due at the last AdvanceTo(), then timers that were armed
  // after it for that time or before.
  IntrusiveList<Timer> due_;
  IntrusiveList<Timer> due_next_;

  // A timer for tick t that is not due is put at the level of the highest digit
  // in which t differs from cursor_, into the slot of that digit. If the levels
  // have no such digit, the timer is put into overflow_. When the cursor
  // reaches a slot, its timers move to the level below, into the slots of their
  // next digit, or fire. So a level has the block of slots that cursor_ is in.
  // It has the next block as well, for timers that are moved ahead while the
  // cursor is still in the slot before theirs. Odd blocks use the upper half of
  // the slots.
  //
  // All lists are in the order of arming. Timers of one tick may be in several
  // lists, at several levels; the ones at lower levels are older, because a
  // slot moves its oldest timers first, and new timers join its end.
  IntrusiveList<Timer> lanes_[kLevels * kSlots][kLanes];
  // Upper bounds of the numbers of timers in the slots, modulo 2^32.
  uint32_t counts_[kLevels * kSlots] = {};
  // A bit per slot. If it is clear, the slot is empty. If it is set, the slot
  // may be empty too, because Cancel() does not clear it; FirstOf() clears the
  // bits of slots that it finds empty.
  uint64_t occupied_[kLevels * kSlots / kBlock] = {};
  IntrusiveList<Timer> overflow_;
  // A tick after cursor_, and not after the first tick of the span (2^36 ticks)
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
