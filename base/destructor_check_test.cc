#include "sluice/base/destructor_check.h"

#include <memory>
#include <optional>

#include "gtest/gtest.h"

namespace sluice {
namespace {

static_assert(sizeof(DestructorCheck) == sizeof(void*));

TEST(DestructorCheckTest, SaysThatTheObjectLives) {
  DestructorCheck check;
  DestructorCheck::Scope scope(&check);
  EXPECT_FALSE(scope.destroyed());
}

TEST(DestructorCheckTest, SaysThatTheObjectIsDestroyed) {
  auto check = std::make_unique<DestructorCheck>();
  DestructorCheck::Scope scope(check.get());
  check.reset();
  EXPECT_TRUE(scope.destroyed());
}

TEST(DestructorCheckTest, OneScopeMayFollowAnother) {
  auto check = std::make_unique<DestructorCheck>();
  for (int i = 0; i < 2; ++i) {
    DestructorCheck::Scope scope(check.get());
    EXPECT_FALSE(scope.destroyed());
  }
  DestructorCheck::Scope scope(check.get());
  check.reset();
  EXPECT_TRUE(scope.destroyed());
}

TEST(DestructorCheckTest, AScopeThatHasEndedIsNotTouched) {
  std::optional<DestructorCheck::Scope> scope;
  {
    DestructorCheck check;
    scope.emplace(&check);
    EXPECT_TRUE(check.in_scope());
    scope.reset();
    EXPECT_FALSE(check.in_scope());
  }
  EXPECT_FALSE(scope.has_value());
}

TEST(DestructorCheckTest, AForgottenScopeIsNotTouched) {
  auto check = std::make_unique<DestructorCheck>();
  // As on the stack of a thread that the child does not have: never destroyed.
  union Stack {
    Stack() {}
    ~Stack() {}
    DestructorCheck::Scope scope;
  } stack;
  std::construct_at(&stack.scope, check.get());
  check->ForgetScope();
  check.reset();
  EXPECT_FALSE(stack.scope.destroyed());
}

#ifndef NDEBUG
TEST(DestructorCheckDeathTest, TwoScopesAtOnceAreFatal) {
  DestructorCheck check;
  DestructorCheck::Scope outer(&check);
  EXPECT_DEATH(DestructorCheck::Scope inner(&check), "in_scope");
}
#endif

}  // namespace
}  // namespace sluice
