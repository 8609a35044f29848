#ifndef SLUICE_BASE_SEQUENCE_ROLE_H_
#define SLUICE_BASE_SEQUENCE_ROLE_H_

#include <atomic>

#include "absl/base/thread_annotations.h"
#include "sluice/base/check.h"

namespace sluice {

// A capability that says "this code runs on the sequence", such as a loop or a
// strand. Clang's thread-safety analysis checks it: fields are
// ABSL_GUARDED_BY(role_), private functions are
// ABSL_EXCLUSIVE_LOCKS_REQUIRED(role_), and entry points call role_.Assert().
// Not a lock: it makes no thread wait.
//
// A role does not compare thread ids, because a simulator runs all loops on one
// thread, and a strand moves between threads. It looks at the SequenceScope
// that the thread is inside. Thread-safe.
class ABSL_LOCKABLE SequenceRole {
 public:
  SequenceRole() = default;
  SequenceRole(const SequenceRole&) = delete;
  SequenceRole& operator=(const SequenceRole&) = delete;

  // Returns true if the innermost SequenceScope of this thread is of this role.
  // Returns true for set-up and teardown as well: if this thread is inside no
  // scope, and no thread is inside a scope of this role.
  bool IsCurrent() const;

  // CHECKs IsCurrent() in debug builds. Does nothing in release builds.
  void Assert() const ABSL_ASSERT_EXCLUSIVE_LOCK() {
    SLUICE_DCHECK(IsCurrent());
  }

  // Returns true if this thread is inside a scope of any role: on a loop, a
  // strand or a worker, where code must not wait for another thread.
  static bool OnAny();

 private:
  friend class SequenceScope;

  std::atomic<bool> running_{false};
};

// Marks the calling thread as running on a role, from the constructor to the
// destructor. Scopes of different roles nest. The constructor CHECKs that no
// thread is inside a scope of the same role. For authors of executors.
class ABSL_SCOPED_LOCKABLE SequenceScope {
 public:
  explicit SequenceScope(SequenceRole* role) ABSL_EXCLUSIVE_LOCK_FUNCTION(role);
  SequenceScope(const SequenceScope&) = delete;
  SequenceScope& operator=(const SequenceScope&) = delete;
  ~SequenceScope() ABSL_UNLOCK_FUNCTION();

  // Tells the scope that its role was destroyed inside it. The destructor then
  // does not touch the role.
  void RoleDestroyed() { role_ = nullptr; }

 private:
  SequenceRole* role_;
  SequenceRole* const previous_;
};

}  // namespace sluice

#endif  // SLUICE_BASE_SEQUENCE_ROLE_H_
