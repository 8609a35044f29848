#ifndef SLUICE_BASE_DESTRUCTOR_CHECK_H_
#define SLUICE_BASE_DESTRUCTOR_CHECK_H_

#include "sluice/base/check.h"

namespace sluice {

// A member by which a function of an object notices that a callback has
// destroyed the object:
//
//   void Watch::OnIo() {
//     DestructorCheck::Scope scope(&destructor_check_);
//     handler_();
//     if (scope.destroyed()) return;  // `this` is gone
//     ...
//   }
//
// Thread-compatible. One pointer; allocates nothing.
class DestructorCheck {
 public:
  // Stands on the stack of the function, around its callbacks.
  class Scope {
   public:
    // REQUIRES: !check->in_scope().
    explicit Scope(DestructorCheck* check) : check_(check) {
      SLUICE_DCHECK(!check->in_scope());
      check->scope_ = this;
    }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    ~Scope() {
      if (check_ != nullptr) check_->scope_ = nullptr;
    }

    // Returns true if the check, and so its object, was destroyed since the
    // scope began.
    bool destroyed() const { return check_ == nullptr; }

   private:
    friend class DestructorCheck;

    mutable DestructorCheck* check_;  // written even if the scope is const
  };

  DestructorCheck() = default;
  DestructorCheck(const DestructorCheck&) = delete;
  DestructorCheck& operator=(const DestructorCheck&) = delete;
  ~DestructorCheck() {
    if (scope_ != nullptr) scope_->check_ = nullptr;
  }

  // Returns true while a Scope of this check exists.
  bool in_scope() const { return scope_ != nullptr; }

  // Makes the destructor leave the scope alone. For the child of a fork(), in
  // which the stack of the scope's thread may be gone.
  void ForgetScope() { scope_ = nullptr; }

 private:
  Scope* scope_ = nullptr;
};

}  // namespace sluice

#endif  // SLUICE_BASE_DESTRUCTOR_CHECK_H_
