#include "sluice/bench/report/cpu_time.h"

#include <thread>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace sluice {
namespace {

void ComputeFor(absl::Duration duration) {
  const absl::Duration begin = ThreadCpuTime();
  while (ThreadCpuTime() - begin < duration) {
  }
}

TEST(CpuTimeTest, AnotherThreadsTimeCountsOnlyForTheProcess) {
  const absl::Duration thread = ThreadCpuTime();
  const absl::Duration process = ProcessCpuTime();
  std::thread(ComputeFor, absl::Milliseconds(50)).join();
  EXPECT_LT(ThreadCpuTime() - thread, absl::Milliseconds(50));
  EXPECT_GE(ProcessCpuTime() - process, absl::Milliseconds(50));
}

}  // namespace
}  // namespace sluice
