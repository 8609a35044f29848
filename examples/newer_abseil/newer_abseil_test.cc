// Shares types of the newer Abseil with Sluice: a Status, and a type that
// prints itself.

#include "absl/base/config.h"
#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/log/async_logger.h"
#include "sluice/log/log.h"
#include "sluice/log/logger_thread.h"
#include "sluice/log/memory_log.h"
#include "sluice/net/socket_address.h"
#include "sluice/timer/clock.h"

namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::StartsWith;

static_assert(ABSL_LTS_RELEASE_VERSION >= 20260107);

struct Point {
  int x;
  int y;
};

template <typename Sink>
void AbslStringify(Sink& sink, const Point& point) {
  absl::Format(&sink, "(%d, %d)", point.x, point.y);
}

TEST(NewerAbseilTest, AStatusOfSluiceIsAStatusOfTheNewerAbseil) {
  const absl::Status status =
      sluice::SocketAddress::Parse("no address").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  // The newest Abseil adds the place in the source that made the Status.
  EXPECT_THAT(absl::StrFormat("%v", status), StartsWith(status.ToString()));
}

TEST(NewerAbseilTest, TheLogPrintsATypeAsAbseilDoes) {
  sluice::MemoryLog log;
  sluice::AsyncLogger logger(log.NewWriter(), {.clock = sluice::Clock::Real()});
  const auto thread = sluice::LoggerThread::Start(&logger);
  ASSERT_TRUE(thread.ok()) << thread.status();
  SLUICE_LOG(&logger, kInfo, "at {}", Point{3, 4});
  EXPECT_TRUE((*thread)->Stop(absl::Seconds(5)));
  EXPECT_THAT(log.lines(), ElementsAre(EndsWith("] at (3, 4)")));
  EXPECT_EQ(absl::StrFormat("at %v", Point{3, 4}), "at (3, 4)");
}

}  // namespace
