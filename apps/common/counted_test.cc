#include "sluice/apps/common/counted.h"

#include "gtest/gtest.h"

namespace sluice {
namespace {

TEST(Counted, OneIsSingular) {
  EXPECT_EQ(Counted(0, "byte"), "0 bytes");
  EXPECT_EQ(Counted(1, "byte"), "1 byte");
  EXPECT_EQ(Counted(2, "byte"), "2 bytes");
}

}  // namespace
}  // namespace sluice
