#ifndef SLUICE_BASE_DESTRUCTOR_CHECK_H_
#define SLUICE_BASE_DESTRUCTOR_CHECK_H_

#include <utility>

#include "sluice/base/check.h"

namespace sluice {

// A member by which an object notices that a callback has destroyed it:
//
//   if (!destructor_check_.Survives([&](const bool&) { handler(); })) return;
//
// Thread-compatible. One pointer; allocates nothing.
class DestructorCheck {
 public:
  DestructorCheck() = default;
  DestructorCheck(const DestructorCheck&) = delete;
  DestructorCheck& operator=(const DestructorCheck&) = delete;
  ~DestructorCheck() {
    if (destroyed_ != nullptr) *destroyed_ = true;
  }

  // Calls call(destroyed), and returns !destroyed. `destroyed` becomes true
  // when `call` destroys this check, and so the object; neither `call` nor the
  // caller may use the object then. REQUIRES: !in_call().
  template <typename Call>
  [[nodiscard]] bool Survives(Call call) {
    SLUICE_DCHECK(!in_call());
    bool destroyed = false;
// g++ 13 and later warn that the member keeps this address after the return. It
// does not: when this returns early, the member does not exist any more.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdangling-pointer"
#endif
    destroyed_ = &destroyed;
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
    call(std::as_const(destroyed));
    if (destroyed) return false;
    destroyed_ = nullptr;
    return true;
  }
  // Returns true inside Survives().
  bool in_call() const { return destroyed_ != nullptr; }

  // Makes the destructor write nothing. For the child of a fork(), in which the
  // stack of the thread that is inside Survives() may be gone.
  void Forget() { destroyed_ = nullptr; }

 private:
  bool* destroyed_ = nullptr;  // on the stack of Survives()
};

}  // namespace sluice

#endif  // SLUICE_BASE_DESTRUCTOR_CHECK_H_
