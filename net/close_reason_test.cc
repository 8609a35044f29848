#include "sluice/net/close_reason.h"

#include <cstddef>
#include <set>
#include <string>

#include "gtest/gtest.h"

namespace sluice {
namespace {

TEST(CloseReasonTest, EachHasANameOfItsOwn) {
  std::set<std::string> names;
  const int last = static_cast<int>(CloseReason::kIoError);
  for (int i = 0; i <= last; ++i) {
    names.emplace(CloseReasonName(static_cast<CloseReason>(i)));
  }
  EXPECT_EQ(names.size(), static_cast<size_t>(last) + 1);
  EXPECT_EQ(names.count(""), 0u);
}

}  // namespace
}  // namespace sluice
