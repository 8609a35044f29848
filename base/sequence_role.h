#ifndef SLUICE_BASE_SEQUENCE_ROLE_H_
#define SLUICE_BASE_SEQUENCE_ROLE_H_

#include <atomic>

#include "absl/base/thread_annotations.h"
#include "sluice/base/check.h"

namespace sluice {

// "Runs on this sequence", a loop or a strand, as a capability that clang's
// thread-safety analysis checks: fields are ABSL_GUARDED_BY(role_), private
// functions ABSL_EXCLUSIVE_LOCKS_REQUIRED(role_), entry points call
// role_.Assert(). Not a lock: it excludes nobody.
//
// Judged by what the thread is doing rather than by its id: a simulator runs
// all loops on one thread, and a strand moves between threads. Thread-safe.
class ABSL_LOCKABLE SequenceRole {
 public:
  SequenceRole() = default;
  SequenceRole(const SequenceRole&) = delete;
  SequenceRole& operator=(const SequenceRole&) = delete;

  // Inside a SequenceScope of this role. Or set-up and teardown: this thread is
  // inside no scope, and no thread is inside one of this role.
  bool IsCurrent() const;

  // CHECKs IsCurrent() in debug builds; free in release.
  void Assert() const ABSL_ASSERT_EXCLUSIVE_LOCK() {
    SLUICE_DCHECK(IsCurrent());
  }

  // Whether this thread is inside a scope of any role: on some loop, strand or
  // worker, where nothing may block.
  static bool OnAny();

 private:
  friend class SequenceScope;

  std::atomic<bool> running_{false};
};

// Marks the calling thread as being on `role` until destroyed. Scopes of
// different roles nest; the same role twice, from whatever threads, is a CHECK.
// For executors, not for their users.
class ABSL_SCOPED_LOCKABLE SequenceScope {
 public:
  explicit SequenceScope(SequenceRole* role) ABSL_EXCLUSIVE_LOCK_FUNCTION(role);
  SequenceScope(const SequenceScope&) = delete;
  SequenceScope& operator=(const SequenceScope&) = delete;
  ~SequenceScope() ABSL_UNLOCK_FUNCTION();

  // The role was destroyed inside this scope: leaves without touching it.
  void RoleDestroyed() { role_ = nullptr; }

 private:
  SequenceRole* role_;
  SequenceRole* const previous_;
};

}  // namespace sluice

#endif  // SLUICE_BASE_SEQUENCE_ROLE_H_
