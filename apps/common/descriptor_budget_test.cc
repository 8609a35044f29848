#include "sluice/apps/common/descriptor_budget.h"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>

#include "gtest/gtest.h"
#include "sluice/event/poller/poller_kind.h"

namespace sluice {
namespace {

TEST(DescriptorBudget, RaisesTheLimitOfTheProcess) {
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit lowered = {limit.rlim_max < 100 ? limit.rlim_max : 100,
                          limit.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &lowered), 0);
  const DescriptorBudget budget(PollerKind::kAuto);
  rlimit now{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &now), 0);
  EXPECT_EQ(now.rlim_cur, limit.rlim_max);
  EXPECT_EQ(now.rlim_max, limit.rlim_max);
  EXPECT_EQ(budget.limit(), limit.rlim_max == RLIM_INFINITY
                                ? INT64_MAX
                                : static_cast<int64_t>(limit.rlim_max));
}

TEST(DescriptorBudget, SelectLimitsConnectionsMoreThanTheKernel) {
  rlimit now{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &now), 0);
  if (now.rlim_max <= 1024) GTEST_SKIP() << "the kernel allows no more";
  const DescriptorBudget budget(PollerKind::kSelect);
  EXPECT_EQ(budget.limit(), 1024);
  EXPECT_EQ(budget.LimitText(), "--poller=select takes descriptors below 1024");
  EXPECT_EQ(budget.RoomForConnections(10),
            1024 - 10 - DescriptorBudget::Open());
}

TEST(DescriptorBudget, TheKernelLimitsConnectionsOtherwise) {
  const rlimit lowered = {200, 200};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &lowered), 0);
  for (const PollerKind poller : {PollerKind::kAuto, PollerKind::kSelect}) {
    const DescriptorBudget budget(poller);
    EXPECT_EQ(budget.limit(), 200);
    EXPECT_EQ(budget.LimitText(),
              "the limit on descriptors (RLIMIT_NOFILE) is 200");
    const int64_t room = budget.RoomForConnections(0);
    const int fd = dup(STDERR_FILENO);
    EXPECT_EQ(budget.RoomForConnections(0), room - 1);
    close(fd);
    EXPECT_EQ(budget.RoomForConnections(room), 0);
    EXPECT_EQ(budget.RoomForConnections(room + 1), 0);
  }
}

}  // namespace
}  // namespace sluice
