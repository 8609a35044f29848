#include "sluice/apps/common/descriptor_limit.h"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>

#include "gtest/gtest.h"

namespace sluice {
namespace {

TEST(DescriptorLimit, IsRaisedToTheHardLimit) {
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit lowered = {limit.rlim_max < 100 ? limit.rlim_max : 100,
                          limit.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &lowered), 0);
  const int64_t raised = RaiseDescriptorLimit();
  rlimit now{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &now), 0);
  EXPECT_EQ(now.rlim_cur, limit.rlim_max);
  EXPECT_EQ(now.rlim_max, limit.rlim_max);
  EXPECT_EQ(raised, limit.rlim_max == RLIM_INFINITY
                        ? INT64_MAX
                        : static_cast<int64_t>(limit.rlim_max));
}

TEST(DescriptorLimit, OpenDescriptorsAreCounted) {
  const int64_t before = OpenDescriptors();
  const int fd = dup(STDERR_FILENO);
  ASSERT_GE(fd, 0);
  EXPECT_EQ(OpenDescriptors(), before + 1);
  close(fd);
  EXPECT_EQ(OpenDescriptors(), before);
}

}  // namespace
}  // namespace sluice
