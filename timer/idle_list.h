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

// The base class of an object that may become idle. Unlink() and the destructor
// take the object out of its IdleList. 24 bytes.
class IdleEntry : public IntrusiveNode {
 protected:
  IdleEntry() = default;
  ~IdleEntry() = default;

 private:
  friend class IdleList;

  uint32_t last_active_ = 0;  // the step of the last touch
};
static_assert(sizeof(void*) != 8 || sizeof(IdleEntry) == 24);

// A list of objects with the same idle timeout. It needs one timer for all
// objects, and a touch is one store. For idle limits and not for deadlines,
// because it is coarse: an entry that was not touched for the timeout is
// reported never early, and at most an eighth of the timeout plus a tick late,
// as long as the wheel is advanced in time. If the timeout is less than 32
// ticks, an entry may be reported as late as an entry with a timeout of 32
// ticks. Bound to the sequence of its wheel. Owns no entry.
//
// Time moves in steps of a sixteenth of the timeout. A timer makes the steps
// while the list has members, and fires once more after the last member has
// left. The list visits a member at the time when the member would be idle if
// it was not touched, so once per timeout; if the member was touched, the list
// moves it to a later step. Each firing visits at most `max_visits` members,
// and so does each of the next ticks while members are left to visit. Such
// members may be reported later than stated above.
class IdleList : private Timer {
 public:
  struct Options {
    absl::Duration timeout = absl::Seconds(60);
    size_t max_visits = 1024;  // members to visit in one tick
  };

  // Calls `on_idle` from the wheel's AdvanceTo(), at most once per Add(), with
  // an entry that is unlinked already. `on_idle` may add, unlink or destroy any
  // entry, this one included, but must not destroy the list. REQUIRES: timeout
  // and max_visits are positive; `wheel` outlives the list.
  IdleList(TimerWheel* wheel, Options options,
           absl::AnyInvocable<void(IdleEntry*)> on_idle);
  // Unlinks all entries, and calls nothing.
  ~IdleList() override;

  // Adds `entry` and starts its timeout. REQUIRES: `entry` is in no list.
  void Add(IdleEntry* entry);
  // Restarts the timeout of `entry`. REQUIRES: `entry` is in this list.
  void Touch(IdleEntry* entry) { entry->last_active_ = now_; }

 private:
  // A step lasts a sixteenth of the timeout, and may begin up to a sixteenth of
  // the timeout late. So at least the timeout passes from a touch to the 18th
  // step after the step of the touch.
  static constexpr int kStepsPerTimeout = 16;
  static constexpr uint32_t kStepsToIdle = 18;
  // Must be more than kStepsToIdle, and divide 2^32, where steps wrap around.
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

  // The current step. The timer moves it, so that a touch reads no clock. It
  // starts shortly before its wrap-around, so that each program has a
  // wrap-around early, and not only a program that runs for months.
  uint32_t now_ = uint32_t{0} - 64;
  MonotonicTime next_step_;  // when now_ moves; valid while armed
  bool visiting_ = false;
  IntrusiveList<IdleEntry> slots_[kSlots];
  IntrusiveList<IdleEntry> due_;  // members to visit; their slots came
};

}  // namespace sluice

#endif  // SLUICE_TIMER_IDLE_LIST_H_
