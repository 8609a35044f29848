#include "sluice/base/open_descriptors.h"

#include <unistd.h>

#include <cerrno>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/io_result.h"
#include "sluice/base/testing/status_matchers.h"

namespace sluice {
namespace {

TEST(OpenDescriptorsTest, HasEachOpenDescriptorOfThisProcess) {
  const auto before = OpenDescriptors();
  SLUICE_ASSERT_OK(before);
  const int fd = dup(STDERR_FILENO);
  ASSERT_GE(fd, 0);
  EXPECT_THAT(*before, ::testing::Not(::testing::Contains(fd)));
  auto expected = *before;
  expected.push_back(fd);
  EXPECT_THAT(OpenDescriptors().value(),
              ::testing::UnorderedElementsAreArray(expected));
  close(fd);
  EXPECT_THAT(OpenDescriptors().value(),
              ::testing::UnorderedElementsAreArray(*before));
}

TEST(OpenDescriptorsTest, FailsForAProcessThatDoesNotExist) {
  const auto none = OpenDescriptors(/*pid=*/0);
  EXPECT_EQ(ErrnoOf(none.status()), ENOENT) << none.status();
}

}  // namespace
}  // namespace sluice
