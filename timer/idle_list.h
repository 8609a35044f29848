#ifndef SLUICE_TIMER_IDLE_LIST_H_
#define SLUICE_TIMER_IDLE_LIST_H_

#include <cstddef>
#include <cstdint>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "sluice/base/intrusive_list.h"
#include "sluice/timer/clock.h"
#include "sluice/timer/timer_wheel.h"

namespace sluice {

// What an object that may idle derives from. Unlink() or destruction takes it
// out of its IdleList. 24 bytes.
class IdleEntry : public IntrusiveNode {
 protected:
  IdleEntry() = default;
  ~IdleEntry() = default;

 private:
  friend class IdleList;

  uint32_t last_active_ = 0;  // a step of the list
};
static_assert(sizeof(void*) != 8 || sizeof(IdleEntry) == 24);

// One timeout for very many objects, for one timer per (loop, timeout) and one
// store per touch. Coarse, for idle limits and not for deadlines: an entry that
// nobody touches for the timeout is reported, by the wheel's time, never early
// and at most an eighth of the timeout plus a tick late, while the wheel itself
// is advanced in time. (There, a timeout under 32 ticks counts as 32.) Bound to
// the sequence of its wheel. Owns no entry.
//
// Time moves in steps of a sixteenth of the timeout, by a timer that is armed
// while there are members; after the last one has left it fires once more. A
// member is looked at when it would be idle if nobody had touched it, so once
// per timeout, and moved on if somebody has. A firing looks at `max_visits`
// members, and at as many in each of the next ticks while any are left: these
// may be reported later than said above.
class IdleList : private Timer {
 public:
  struct Options {
    absl::Duration timeout = absl::Seconds(60);
    size_t max_visits = 1024;
  };

  // `on_idle` runs in the wheel's AdvanceTo(), once per Add() at most. It gets
  // an entry that is unlinked already; it may add it again, and may add, unlink
  // or destroy any entry, but not destroy the list. `wheel` must outlive this.
  // REQUIRES: timeout and max_visits are positive.
  IdleList(TimerWheel* wheel, Options options,
           absl::AnyInvocable<void(IdleEntry*)> on_idle);
  // Unlinks all, calls nothing.
  ~IdleList() override;

  // Counts as a touch. REQUIRES: `entry` is in no list.
  void Add(IdleEntry* entry);
  // Starts the timeout anew. REQUIRES: `entry` is in this list.
  void Touch(IdleEntry* entry) { entry->last_active_ = now_; }

 private:
  // A step lasts a sixteenth, and may begin up to that much late. So between a
  // touch and the 18th step after the one it fell in lie 16 sixteenths.
  static constexpr int kStepsPerTimeout = 16;
  static constexpr uint32_t kStepsToIdle = 18;
  // More than kStepsToIdle, and divides 2^32, as steps wrap there.
  static constexpr uint32_t kSlots = 32;

  IntrusiveList<IdleEntry>& SlotOf(uint32_t step) {
    return slots_[step % kSlots];
  }
  bool HasMembers() const;
  void Fire() override;
  void BeginStep();
  void Visit();

  TimerWheel* const wheel_;
  const absl::Duration step_;
  const size_t max_visits_;
  absl::AnyInvocable<void(IdleEntry*)> on_idle_;

  // Moved by the timer, so that a touch reads no clock. Starts short of its
  // wrap-around, so that no program is the first to see one after months.
  uint32_t now_ = uint32_t{0} - 64;
  MonotonicTime next_step_;  // when now_ moves; meaningful while armed
  bool visiting_ = false;
  IntrusiveList<IdleEntry> slots_[kSlots];
  IntrusiveList<IdleEntry> due_;  // whose slots came, but who are not visited
};

}  // namespace sluice

#endif  // SLUICE_TIMER_IDLE_LIST_H_
