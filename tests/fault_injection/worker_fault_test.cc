// Tests of workers, while each of their system calls fails in one
// run.

#include <atomic>
#include <cstdio>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/check.h"
#include "sluice/tests/fault_injection/fault_runner.h"
#include "sluice/threadpool/worker_pool.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

TEST(WorkerFaultTest, WithoutAThreadThereIsNoPool) {
  const FaultReport report = RunWithFaults([] {
    std::atomic<uint64_t> ran{0};
    auto pool = WorkerPool::Create({.clock = Clock::Real(), .num_threads = 4});
    if (!pool.ok()) return pool.status();
    for (int i = 0; i < 100; ++i) {
      const absl::Status posted = (*pool)->Post([&] { ++ran; });
      SLUICE_CHECK(posted.ok());
    }
    bool done = false;
    (*pool)->Shutdown(WorkerPool::OnShutdown::kDrain,
                      [&](WorkerPool::Report) { done = true; });
    (*pool)->Join();
    SLUICE_CHECK(done && ran == 100);
    return absl::OkStatus();
  });
  std::printf("%s\n", report.Summary().c_str());
  EXPECT_THAT(report.failures, ::testing::IsEmpty());
  EXPECT_EQ(report.calls, 4);
  EXPECT_EQ(report.reported, 8);
}

}  // namespace
}  // namespace sluice
