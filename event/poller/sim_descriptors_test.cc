#include "sluice/event/poller/sim_descriptors.h"

#include "gtest/gtest.h"
#include "sluice/event/poller/poller.h"

namespace sluice {
namespace {

TEST(SimDescriptorsTest, TheLowestFreeNumberIsOpened) {
  SimDescriptors descriptors;
  for (int fd = 0; fd < 5; ++fd) EXPECT_EQ(descriptors.Open(), fd);
  descriptors.Close(3);
  descriptors.Close(1);
  EXPECT_EQ(descriptors.Open(), 1);
  EXPECT_EQ(descriptors.Open(), 3);
  EXPECT_EQ(descriptors.Open(), 5);
}

TEST(SimDescriptorsTest, KnowsOpenDescriptors) {
  SimDescriptors descriptors;
  EXPECT_FALSE(descriptors.IsOpen(0));
  const int fd = descriptors.Open();
  EXPECT_TRUE(descriptors.IsOpen(fd));
  EXPECT_FALSE(descriptors.IsOpen(-1));
  descriptors.Close(fd);
  EXPECT_FALSE(descriptors.IsOpen(fd));
}

TEST(SimDescriptorsTest, TheLastSetReadyCounts) {
  SimDescriptors descriptors;
  const int fd = descriptors.Open();
  EXPECT_EQ(descriptors.ready(fd), 0);
  descriptors.SetReady(fd, kReadable | kHangup);
  EXPECT_EQ(descriptors.ready(fd), kReadable | kHangup);
  descriptors.SetReady(fd, kWritable);
  EXPECT_EQ(descriptors.ready(fd), kWritable);
}

TEST(SimDescriptorsTest, AReusedNumberKeepsNoOldState) {
  SimDescriptors descriptors;
  descriptors.SetReady(descriptors.Open(), kReadable);
  descriptors.Close(0);
  EXPECT_EQ(descriptors.ready(descriptors.Open()), 0);
}

TEST(SimDescriptorsDeathTest, CallsOnClosedDescriptorsCheckFail) {
  SimDescriptors descriptors;
  EXPECT_DEATH(descriptors.SetReady(0, kReadable), "IsOpen");
  EXPECT_DEATH(descriptors.Close(0), "IsOpen");
}

}  // namespace
}  // namespace sluice
