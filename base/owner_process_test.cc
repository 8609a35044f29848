#include "sluice/base/owner_process.h"

#include <unistd.h>

#include "gtest/gtest.h"
#include "sluice/base/testing/in_child.h"

namespace sluice {
namespace {

TEST(OwnerProcess, IsNotCurrentInAChild) {
  const OwnerProcess owner;
  const OwnerProcess copy = owner;
  EXPECT_TRUE(owner.IsCurrent());
  EXPECT_EQ(InChild([&] {
              const OwnerProcess own;
              if (!own.IsCurrent()) _exit(1);
              if (owner.IsCurrent() || copy.IsCurrent()) _exit(2);
            }),
            0);
  EXPECT_TRUE(owner.IsCurrent());
}

}  // namespace
}  // namespace sluice
