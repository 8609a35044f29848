#include "sluice/base/destructor_check.h"

#include <memory>
#include <new>

#include "absl/base/attributes.h"
#include "gtest/gtest.h"

namespace sluice {
namespace {

static_assert(sizeof(DestructorCheck) == sizeof(void*));

// Not inlined: g++ would warn of uses that `destroyed` rules out.
ABSL_ATTRIBUTE_NOINLINE void Destroy(std::unique_ptr<DestructorCheck>* check) {
  check->reset();
}

TEST(DestructorCheckTest, AnObjectSurvivesCallsThatDoNotDestroyIt) {
  DestructorCheck check;
  int calls = 0;
  EXPECT_TRUE(check.Survives([&](const bool&) { ++calls; }));
  EXPECT_TRUE(check.Survives([&](const bool&) { ++calls; }));
  EXPECT_EQ(calls, 2);
}

TEST(DestructorCheckTest, AnObjectDoesNotSurviveACallThatDestroysIt) {
  auto check = std::make_unique<DestructorCheck>();
  EXPECT_TRUE(check->Survives([](const bool&) {}));
  EXPECT_FALSE(check->Survives([&](const bool& destroyed) {
    EXPECT_FALSE(destroyed);
    Destroy(&check);
    EXPECT_TRUE(destroyed);
  }));
  EXPECT_EQ(check, nullptr);
}

TEST(DestructorCheckTest, SaysWhetherACallIsUnderWay) {
  DestructorCheck check;
  EXPECT_FALSE(check.in_call());
  EXPECT_TRUE(
      check.Survives([&](const bool&) { EXPECT_TRUE(check.in_call()); }));
  EXPECT_FALSE(check.in_call());
}

TEST(DestructorCheckTest, TheDestructorWritesNothingAfterForget) {
  alignas(DestructorCheck) char memory[sizeof(DestructorCheck)];
  auto* const check = new (memory) DestructorCheck;
  EXPECT_TRUE(check->Survives([&](const bool&) {
    check->Forget();
    std::destroy_at(check);
    std::construct_at(check);
  }));
}

#ifndef NDEBUG
TEST(DestructorCheckDeathTest, ACallInsideACallIsFatal) {
  DestructorCheck check;
  const auto nested = [&](const bool&) {
    (void)check.Survives([](const bool&) {});
  };
  EXPECT_DEATH((void)check.Survives(nested), "in_call");
}
#endif

}  // namespace
}  // namespace sluice
