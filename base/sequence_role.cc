#include "sluice/base/sequence_role.h"

namespace sluice {
namespace {

// The role of the innermost scope of this thread; null outside all scopes.
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

// Acquire and release: code in a scope sees all writes of the scope before it,
// which may have been on another thread.
SequenceScope::SequenceScope(SequenceRole* role)
    : role_(role), previous_(CurrentRole()) {
  SLUICE_CHECK(!role->running_.exchange(true, std::memory_order_acquire),
               "the sequence runs already, on this thread or another");
  CurrentRole() = role;
}

SequenceScope::~SequenceScope() {
  CurrentRole() = previous_;
  if (role_ != nullptr) role_->running_.store(false, std::memory_order_release);
}

}  // namespace sluice
