#include "sluice/timer/idle_list.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "sluice/base/check.h"

namespace sluice {

IdleList::IdleList(TimerWheel* wheel, Options options,
                   absl::AnyInvocable<void(IdleEntry*)> on_idle)
    : wheel_(wheel),
      // At least two ticks: longer than the wheel may make a step late.
      step_(std::max(
          absl::Ceil(options.timeout / kStepsPerTimeout, absl::Nanoseconds(1)),
          2 * wheel->tick())),
      max_visits_(options.max_visits),
      on_idle_(std::move(on_idle)) {
  SLUICE_CHECK(options.timeout > absl::ZeroDuration());
  SLUICE_CHECK(max_visits_ > 0);
}

IdleList::~IdleList() { SLUICE_CHECK(!visiting_); }

void IdleList::Add(IdleEntry* entry) {
  Touch(entry);
  SlotOf(now_ + kStepsToIdle).PushBack(entry);
  if (armed()) return;
  next_step_ = wheel_->now() + step_;
  wheel_->Arm(this, next_step_);
}

bool IdleList::HasMembers() const {
  return !due_.empty() ||
         std::any_of(std::begin(slots_), std::end(slots_),
                     [](const auto& slot) { return !slot.empty(); });
}

void IdleList::Fire() {
  if (wheel_->now() >= next_step_) BeginStep();
  // Before the visit, which may call Add().
  wheel_->Arm(this, next_step_);
  Visit();
  if (!HasMembers()) {
    Cancel();
  } else if (!due_.empty()) {
    wheel_->Arm(this, wheel_->now() + absl::Nanoseconds(1));  // the next tick
  }
}

// Steps keep to their grid, lest each add a tick to the lateness of all; but a
// step that begins later than the next one should moves the grid.
void IdleList::BeginStep() {
  const MonotonicTime now = wheel_->now();
  if (now - next_step_ >= step_) next_step_ = now;
  next_step_ = next_step_ + step_;
  ++now_;
  SlotOf(now_).MoveAllTo(&due_);
}

void IdleList::Visit() {
  visiting_ = true;
  for (size_t visits = 0; visits < max_visits_; ++visits) {
    IdleEntry* const entry = due_.front();
    if (entry == nullptr) break;
    entry->Unlink();
    if (now_ - entry->last_active_ < kStepsToIdle) {
      SlotOf(entry->last_active_ + kStepsToIdle).PushBack(entry);
    } else {
      on_idle_(entry);
    }
  }
  visiting_ = false;
}

}  // namespace sluice
