#include "sluice/base/sequence_role.h"

#include <optional>
#include <thread>

#include "gtest/gtest.h"

namespace sluice {
namespace {

bool IsCurrentElsewhere(const SequenceRole& role) {
  bool result = false;
  std::thread([&] { result = role.IsCurrent(); }).join();
  return result;
}

TEST(SequenceRoleTest, IsCurrentOutsideAllScopes) {
  SequenceRole role;
  EXPECT_TRUE(role.IsCurrent());
  EXPECT_FALSE(SequenceRole::OnAny());
}

TEST(SequenceRoleTest, IsCurrentOnlyOnTheThreadOfItsScope) {
  SequenceRole role;
  SequenceScope scope(&role);
  EXPECT_TRUE(role.IsCurrent());
  EXPECT_TRUE(SequenceRole::OnAny());
  EXPECT_FALSE(IsCurrentElsewhere(role));
}

TEST(SequenceRoleTest, IsNotCurrentInsideAScopeOfAnotherRole) {
  SequenceRole outer, inner;
  SequenceScope outer_scope(&outer);
  {
    SequenceScope inner_scope(&inner);
    EXPECT_TRUE(inner.IsCurrent());
    EXPECT_FALSE(outer.IsCurrent());
  }
  EXPECT_TRUE(outer.IsCurrent());
  EXPECT_FALSE(inner.IsCurrent());
}

TEST(SequenceRoleTest, MayMoveBetweenThreads) {
  SequenceRole role;
  int shared = 0;  // guarded by the role; tsan checks that scopes order it
  std::thread([&] {
    SequenceScope scope(&role);
    shared = 1;
  }).join();
  SequenceScope scope(&role);
  EXPECT_EQ(shared, 1);
}

TEST(SequenceRoleDeathTest, ASecondScopeOfARoleIsAnError) {
  SequenceRole role;
  SequenceScope scope(&role);
  std::optional<SequenceScope> second;
  EXPECT_DEATH(second.emplace(&role), "SLUICE_CHECK failed");
}

#ifndef NDEBUG
TEST(SequenceRoleDeathTest, AssertOnAnotherSequenceIsAnError) {
  SequenceRole role, other;
  SequenceScope scope(&other);
  EXPECT_DEATH(role.Assert(), "SLUICE_CHECK failed: IsCurrent");
}
#endif

}  // namespace
}  // namespace sluice
