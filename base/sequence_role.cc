#include "sluice/base/sequence_role.h"

namespace sluice {
namespace {

// The role of the innermost scope of this thread; null outside all scopes.
constinit thread_local SequenceRole* current_role = nullptr;

}  // namespace

bool SequenceRole::IsCurrent() const {
  if (current_role != nullptr) return current_role == this;
  return !running_.load(std::memory_order_relaxed);
}

bool SequenceRole::OnAny() { return current_role != nullptr; }

// Acquire and release: code in a scope sees all writes of the scope before it,
// which may have been on another thread.
SequenceScope::SequenceScope(SequenceRole* role)
    : role_(role), previous_(current_role) {
  SLUICE_CHECK(!role->running_.exchange(true, std::memory_order_acquire),
               "the sequence runs already, on this thread or another");
  current_role = role;
}

SequenceScope::~SequenceScope() {
  current_role = previous_;
  if (role_ != nullptr) role_->running_.store(false, std::memory_order_release);
}

}  // namespace sluice
