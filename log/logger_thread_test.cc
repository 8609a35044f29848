// Tests how LoggerThread ends, whatever its writer does. How it writes the
// lines of several threads is tested in async_logger_threads_test.

#include "sluice/log/logger_thread.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/log/async_logger.h"
#include "sluice/log/descriptor_writer.h"
#include "sluice/log/log.h"
#include "sluice/log/log_crash_handler.h"
#include "sluice/log/log_severity.h"
#include "sluice/log/log_writer.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

using ::testing::EndsWith;

// A writer that blocks until the test releases it.
class HeldWriter final : public LogWriter {
 public:
  struct State {
    std::atomic<bool> held{true};
    std::atomic<bool> entered{false};
    std::string text;  // for the back end, until the thread has ended
  };
  explicit HeldWriter(State* state) : state_(*state) {}

  absl::Status Write(absl::string_view* lines) override {
    state_.entered.store(true);
    while (state_.held.load()) std::this_thread::yield();
    state_.text.append(lines->data(), lines->size());
    lines->remove_prefix(lines->size());
    return absl::OkStatus();
  }
  absl::Status Flush() override { return absl::OkStatus(); }

 private:
  State& state_;
};

TEST(LoggerThreadTest, StopWritesEarlierLines) {
  HeldWriter::State state;
  state.held.store(false);
  AsyncLogger logger(std::make_unique<HeldWriter>(&state),
                     {.clock = Clock::Real()});
  const auto thread = LoggerThread::Start(&logger);
  SLUICE_ASSERT_OK(thread.status());
  SLUICE_LOG(&logger, kInfo, "last words");
  EXPECT_TRUE((*thread)->Stop(absl::InfiniteDuration()));
  EXPECT_THAT(state.text, EndsWith("] last words\n"));
  EXPECT_EQ(logger.stats().waiting, 0u);
  EXPECT_TRUE((*thread)->Stop(absl::ZeroDuration()));
}

TEST(LoggerThreadTest, StopWaitsForABlockedWriterUpToItsLimit) {
  HeldWriter::State state;
  AsyncLogger logger(std::make_unique<HeldWriter>(&state),
                     {.clock = Clock::Real()});
  const auto thread = LoggerThread::Start(&logger);
  SLUICE_ASSERT_OK(thread.status());
  SLUICE_LOG(&logger, kInfo, "one");
  while (!state.entered.load()) std::this_thread::yield();
  SLUICE_LOG(&logger, kInfo, "two");
  EXPECT_FALSE((*thread)->Stop(absl::Milliseconds(1)));
  EXPECT_FALSE((*thread)->Stop(absl::ZeroDuration()));
  EXPECT_FALSE((*thread)->Stop(-absl::InfiniteDuration()));
  EXPECT_GT(logger.stats().waiting, 0u);
  state.held.store(false);
  EXPECT_TRUE((*thread)->Stop(absl::InfiniteDuration()));
  EXPECT_THAT(state.text, EndsWith("] two\n"));
}

// Otherwise a pool whose tasks log would not end either.
TEST(LoggerThreadTest, AfterAFailedStopNoThreadWaitsForRoom) {
  HeldWriter::State state;
  AsyncLogger logger(std::make_unique<HeldWriter>(&state),
                     {.clock = Clock::Real(),
                      .on_full = AsyncLogger::OnFull::kBlock,
                      .ring_bytes = 1024,
                      .max_line_bytes = 64});
  const auto thread = LoggerThread::Start(&logger);
  SLUICE_ASSERT_OK(thread.status());
  std::thread producer([&logger] {
    for (int i = 0; i < 1000; ++i) SLUICE_LOG(&logger, kInfo, "{}", i);
  });
  while (logger.stats().blocked == 0) std::this_thread::yield();
  EXPECT_FALSE((*thread)->Stop(absl::Milliseconds(1)));
  producer.join();
  EXPECT_GT(logger.stats().dropped, 0u);
  state.held.store(false);
  EXPECT_TRUE((*thread)->Stop(absl::InfiniteDuration()));
}

// Returns a descriptor of a full pipe that nobody reads.
int FullPipe() {
  int ends[2];
  if (pipe(ends) != 0) std::abort();
  fcntl(ends[1], F_SETFL, O_NONBLOCK);
  const std::string block(4096, '.');
  while (write(ends[1], block.data(), block.size()) > 0) {
  }
  if (errno != EAGAIN) std::abort();
  fcntl(ends[1], F_SETFL, 0);
  return ends[1];
}

class LoggerThreadDeathTest : public ::testing::Test {
 protected:
  // If the program hangs, the test sees this signal, and not 7.
  static void GiveTenSeconds() { alarm(10); }
};

// Ends by exit(), at which sanitizers look for leaks. Has a crash handler whose
// wait at exit() would exceed the time of the test.
TEST_F(LoggerThreadDeathTest, AProgramEndsIfNobodyReadsItsLog) {
  EXPECT_EXIT(
      {
        GiveTenSeconds();
        auto logger = std::make_unique<AsyncLogger>(
            std::make_unique<DescriptorWriter>(FullPipe()),
            AsyncLogger::Options{.clock = Clock::Real()});
        auto thread = LoggerThread::Start(logger.get()).value();
        auto handler =
            LogCrashHandler::Install(logger.get(), absl::Hours(1)).value();
        SLUICE_LOG(logger.get(), kInfo, "read by nobody");
        handler.reset();
        const bool stopped = thread->Stop(absl::Milliseconds(100));
        (void)thread.release();
        (void)logger.release();
        std::exit(stopped ? 1 : 7);
      },
      ::testing::ExitedWithCode(7), "");
}

}  // namespace
}  // namespace sluice
