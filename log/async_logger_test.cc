#include "sluice/log/async_logger.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/status_matchers.h"
#include "sluice/log/log.h"
#include "sluice/log/log_severity.h"
#include "sluice/log/logger_thread.h"
#include "sluice/log/memory_log.h"
#include "sluice/timer/sim_clock.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;

class AsyncLoggerTest : public ::testing::Test {
 protected:
  AsyncLogger* Make(AsyncLogger::Options options = {}) {
    options.clock = &clock_;
    logger_ =
        std::make_unique<AsyncLogger>(log_.NewWriter(), std::move(options));
    return logger_.get();
  }

  SimClock clock_;
  MemoryLog log_;
  std::unique_ptr<AsyncLogger> logger_;
};

TEST_F(AsyncLoggerTest, WritesLinesWithTimeSeverityThreadAndPlace) {
  AsyncLogger* const logger = Make();
  std::string peer = "10.0.0.1:80";
  SLUICE_LOG(logger, kInfo, "accepted {} after {}", peer, 1.5);
  const int line = __LINE__ - 1;
  peer = "gone";
  clock_.Advance(absl::Milliseconds(1500));
  SLUICE_LOG(logger, kWarning, "no arguments");
  EXPECT_EQ(log_.text(), "");
  EXPECT_EQ(logger->RunOnce(), 2u);
  ASSERT_EQ(log_.lines().size(), 2u);
  EXPECT_THAT(log_.lines()[0],
              EndsWith(absl::StrCat(" async_logger_test.cc:", line,
                                    "] accepted 10.0.0.1:80 after 1.5")));
  EXPECT_THAT(log_.lines()[1], HasSubstr(" W async_logger_te"));
  EXPECT_EQ(logger->RunOnce(), 0u);
}

}  // namespace
}  // namespace sluice
