#include "sluice/tests/fault_injection/fault_runner.h"

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <exception>
#include <new>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sluice {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// listen(2) has one error in the table, and so two runs: one in which it fails.
bool ListenFails() { return listen(-1, 1) != 0 && errno == EADDRINUSE; }

TEST(FaultRunnerTest, FailsEachCallWithEachErrorOnce) {
  const FaultReport report = RunWithFaults([] {
    const int fd = eventfd(0, EFD_NONBLOCK);
    if (fd < 0) return absl::ErrnoToStatus(errno, "eventfd");
    close(fd);
    return absl::OkStatus();
  });
  EXPECT_THAT(report.failures, IsEmpty());
  EXPECT_EQ(report.calls, 2);
  EXPECT_EQ(report.points, 10);
  EXPECT_EQ(report.reached, 10);
  EXPECT_EQ(report.served, 4);  // errors of close(2), which are ignored
  EXPECT_EQ(report.reported, 6);
}

TEST(FaultRunnerTest, FailsASampleOfMoreCallsThanTheLimit) {
  const FaultReport report = RunWithFaults(
      [] {
        for (int i = 0; i < 100; ++i) (void)ListenFails();
        return absl::OkStatus();
      },
      {.max_calls_per_kind = 10});
  EXPECT_EQ(report.calls, 100);
  EXPECT_EQ(report.reached, 10);
}

TEST(FaultRunnerTest, FailsCallsInARow) {
  const FaultReport report = RunWithFaults(
      [] {
        int failed = 0;
        for (int i = 0; i < 12; ++i) failed += ListenFails();
        if (failed == 0 || failed == 3) return absl::OkStatus();
        return absl::InternalError("not three");
      },
      {.max_calls_per_kind = 5, .in_a_row = 3});
  EXPECT_THAT(report.failures, IsEmpty());
  EXPECT_EQ(report.reached, 5);
  EXPECT_EQ(report.served, 5);
}

TEST(FaultRunnerTest, FailsAllocationsWhichMayEndTheProcess) {
  const FaultReport report = RunWithFaults(
      [] {
        const std::string one(100, 'x');
        try {
          const std::string two(100, 'x');
        } catch (const std::bad_alloc&) {
          return absl::ResourceExhaustedError("");
        }
        return absl::OkStatus();
      },
      {.what = FaultOptions::What::kAllocations});
  EXPECT_THAT(report.failures, IsEmpty());
  EXPECT_EQ(report.points, 2);
  EXPECT_EQ(report.aborted, 1);
  EXPECT_EQ(report.reported, 1);
}

TEST(FaultRunnerTest, ATerminationForAnotherReasonIsACrash) {
  const FaultReport report = RunWithFaults([] {
    if (ListenFails()) std::terminate();
    return absl::OkStatus();
  });
  EXPECT_THAT(report.failures,
              ElementsAre(HasSubstr("EADDRINUSE: exited with")));
}

TEST(FaultRunnerTest, FindsACrash) {
  const FaultReport report = RunWithFaults([] {
    if (ListenFails()) std::abort();
    return absl::OkStatus();
  });
  EXPECT_THAT(report.failures,
              ElementsAre("listen 1 EADDRINUSE: ended by signal 6"));
}

TEST(FaultRunnerTest, FindsAHang) {
  const FaultReport report = RunWithFaults(
      [] {
        if (ListenFails()) pause();
        return absl::OkStatus();
      },
      {.deadline = absl::Seconds(1)});
  EXPECT_THAT(report.failures,
              ElementsAre("listen 1 EADDRINUSE: did not end within 1s"));
}

TEST(FaultRunnerTest, FindsADescriptorThatIsLeft) {
  const FaultReport report = RunWithFaults([] {
    if (ListenFails() && dup(0) == -1) return absl::InternalError("dup()");
    return absl::OkStatus();
  });
  EXPECT_THAT(report.failures,
              ElementsAre("listen 1 EADDRINUSE: left a descriptor"));
}

TEST(FaultRunnerTest, FindsASpin) {
  const FaultReport report = RunWithFaults([] {
    if (ListenFails()) {
      for (int i = 0; i < 2000; ++i) (void)ListenFails();
    }
    return absl::OkStatus();
  });
  EXPECT_THAT(report.failures,
              ElementsAre(HasSubstr("EADDRINUSE: spun: 2001 calls")));
}

TEST(FaultRunnerTest, ReportsAScenarioThatFailsWithoutAFault) {
  const FaultReport report =
      RunWithFaults([] { return absl::InternalError("by itself"); });
  EXPECT_THAT(report.failures,
              ElementsAre(AllOf(HasSubstr("no fault: "), HasSubstr("itself"))));
}

#ifdef __SANITIZE_ADDRESS__
TEST(FaultRunnerTest, FindsALeak) {
  const FaultReport report = RunWithFaults([] {
    static volatile char* leaked = nullptr;
    if (ListenFails()) {
      leaked = new char[100];
      leaked[0] = 1;
      leaked = nullptr;
    }
    return absl::OkStatus();
  });
  EXPECT_THAT(report.failures,
              ElementsAre("listen 1 EADDRINUSE: leaked memory"));
}
#endif

}  // namespace
}  // namespace sluice
