#include "sluice/base/sequence_role.h"

namespace sluice {
namespace {

// The role whose scope this thread is inside; null outside all.
SequenceRole*& CurrentRole() {
  static thread_local SequenceRole* current = nullptr;
  return current;
}

}  // namespace

bool SequenceRole::IsCurrent() const {
  const SequenceRole* const current = CurrentRole();
  if (current != nullptr) return current == this;
  return !running_.load(std::memory_order_relaxed);
}

bool SequenceRole::OnAny() { return CurrentRole() != nullptr; }

// Acquire and release: one thread's scope sees all that the last one, perhaps
// on another thread, did.
SequenceScope::SequenceScope(SequenceRole* role)
    : role_(role), previous_(CurrentRole()) {
  SLUICE_CHECK(!role->running_.exchange(true, std::memory_order_acquire));
  CurrentRole() = role;
}

SequenceScope::~SequenceScope() {
  CurrentRole() = previous_;
  if (role_ != nullptr) role_->running_.store(false, std::memory_order_release);
}

}  // namespace sluice
