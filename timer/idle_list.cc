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
      // At least two ticks, which is longer than the lateness of the wheel.
      step_(std::max(
          absl::Ceil(options.timeout / kStepsPerTimeout, absl::Nanoseconds(1)),
          2 * wheel->tick())),
      max_visits_(options.max_visits),
      on_idle_(std::move(on_idle)) {
  SLUICE_CHECK_GT(options.timeout, absl::ZeroDuration());
  SLUICE_CHECK_GT(max_visits_, 0u);
}

IdleList::~IdleList() {
  SLUICE_CHECK(!visiting_, "a callback destroyed the list that called it");
}

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
  // Arms before the visit, which may call Add().
  wheel_->Arm(this, next_step_);
  Visit();
  if (!HasMembers()) {
    Cancel();
  } else if (!due_.empty()) {
    wheel_->Arm(this, wheel_->now() + absl::Nanoseconds(1));  // the next tick
  }
}

// Steps keep to a grid: otherwise each step would add a tick to the lateness.
// If a step begins after the time of the next one, the grid moves.
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
