// Tests the logger's back end on a loop or a worker of a simulated host. The
// log's writer fails now and then.
//
// A logger with a simulated clock takes its ticks from that clock, so a seed
// repeats a run. Only the thread name in the lines is real: one thread runs all
// loops of the world.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "sluice/base/task.h"
#include "sluice/event/event_loop.h"
#include "sluice/log/async_logger.h"
#include "sluice/log/log.h"
#include "sluice/log/log_writer.h"
#include "sluice/log/memory_log.h"
#include "sluice/net/sim/sim_network.h"
#include "sluice/net/sim/sim_random.h"
#include "sluice/net/sim/sim_test_runner.h"
#include "sluice/timer/clock.h"
#include "sluice/timer/repeating_timer.h"
#include "sluice/timer/timer_wheel.h"

namespace sluice {
namespace {

constexpr absl::Duration kPeriod =
    absl::Milliseconds(20);  // time between RunOnce()
constexpr absl::Duration kLongestDelay = absl::Seconds(10);

// A writer that checks when the logger calls it again after an error: after 100
// ms, then after twice the previous delay, up to 10 s. A call must be neither
// early nor late.
class WatchedWriter final : public LogWriter {
 public:
  // The number of flushes, which may call the writer earlier.
  using Flushing = const int*;

  WatchedWriter(std::unique_ptr<LogWriter> writer, const Clock* clock,
                Flushing flushing, int* outages)
      : writer_(std::move(writer)),
        clock_(*clock),
        flushing_(*flushing),
        outages_(*outages) {}

  absl::Status Write(absl::string_view* lines) override {
    const MonotonicTime now = clock_.Now();
    if (next_.has_value()) {
      if (flushing_ == 0) {
        EXPECT_GE(now, *next_) << "tried again too early";
      }
      EXPECT_LE(now, *next_ + kPeriod + absl::Milliseconds(2))
          << "tried again too late";
    }
    const absl::Status status = writer_->Write(lines);
    if (status.ok()) {
      next_.reset();
      return status;
    }
    if (next_.has_value()) {
      delay_ = std::min(2 * delay_, kLongestDelay);
    } else {
      ++outages_;
      delay_ = absl::Milliseconds(100);
    }
    next_ = now + delay_;
    return status;
  }
  absl::Status Flush() override { return writer_->Flush(); }

 private:
  const std::unique_ptr<LogWriter> writer_;
  const Clock& clock_;
  const int& flushing_;
  int& outages_;
  std::optional<MonotonicTime> next_;  // next attempt, while it fails
  absl::Duration delay_;
};

// A world with loops that log numbered lines, and one loop that runs the back
// end.
class LogWorld {
 public:
  LogWorld(SimNetwork* network, SimRandom* random)
      : random_(*random), host_(*network->AddHost("host")) {
    AsyncLogger::Options options;
    options.clock = host_.platform().clock;
    options.on_full = random_.Below(2) == 0 ? AsyncLogger::OnFull::kDrop
                                            : AsyncLogger::OnFull::kBlock;
    options.ring_bytes = size_t{1024} << random_.Below(4);
    options.max_line_bytes = options.ring_bytes / 4;
    options.on_error = [this](const absl::Status&) { ++reported_; };
    logger_ = std::make_unique<AsyncLogger>(
        std::make_unique<WatchedWriter>(
            log_.NewWriter(), host_.platform().clock, &flushing_, &outages_),
        std::move(options));
    for (uint64_t i = 1 + random_.Below(3); i > 0; --i) {
      EventLoop* const loop = NewLoop();
      timers_.push_back(std::make_unique<CallbackTimer>(
          [this, loop, n = timers_.size()] { LogSome(loop, n); }));
      loop->Arm(timers_.back().get(), absl::ZeroDuration());
    }
    EventLoop* const loop = NewLoop();
    const bool on_worker = random_.Below(2) == 0;
    back_end_ = std::make_unique<RepeatingTimer>(
        loop->timers(), [this, on_worker](uint64_t) {
          if (on_worker) {
            host_.workers()->Schedule(&back_end_task_);
          } else {
            (void)logger_->RunOnce();
          }
        });
    back_end_->Start(kPeriod);
  }

  SimHost& host() { return host_; }
  MemoryLog& log() { return log_; }

  // Stops new lines and flushes. Waiting lines are still written.
  void StopLogging() { stopped_ = true; }
  bool all_written() { return flushing_ == 0 && CheckedLines() == logged_; }
  void ExpectAllWritten() {
    EXPECT_EQ(flushing_, 0) << "a flush is not answered";
    const AsyncLogger::Stats stats = logger_->stats();
    EXPECT_EQ(CheckedLines(), logged_);
    EXPECT_EQ(dropped_, stats.dropped);
    EXPECT_EQ(reported_, outages_);
    back_end_->Stop();
    logger_.reset();
    EXPECT_EQ(CheckedLines(), logged_);
    EXPECT_EQ(reported_, outages_) << "lines are dropped at the end";
  }

 private:
  EventLoop* NewLoop() {
    EventLoop::Options options;
    options.receive_buffer_size = 1;
    options.max_posted = 1;
    return host_.NewLoop(std::move(options));
  }

  void LogSome(EventLoop* loop, size_t timer) {
    if (stopped_) return;
    for (uint64_t i = random_.Below(8); i > 0; --i) {
      const std::string rest(random_.Below(150), 'x');
      SLUICE_LOG(logger_.get(), kInfo, "{} {}", logged_++, rest);
    }
    if (random_.Below(10) == 0) Flush();
    loop->Arm(timers_[timer].get(), random_.UpTo(absl::Milliseconds(40)));
  }

  void Flush() {
    ++flushing_;
    logger_->Flush([this, logged = logged_,
                    answered = false](absl::Status status) mutable {
      EXPECT_FALSE(std::exchange(answered, true))
          << "a flush is answered twice";
      --flushing_;
      if (status.ok()) {
        EXPECT_GE(CheckedLines(), logged) << "a flush is answered early";
      } else {
        EXPECT_TRUE(absl::IsUnavailable(status)) << status;
      }
    });
  }

  // Returns the number of lines that are in the log, once and in order, plus
  // the number of lines that the log reports as dropped.
  uint64_t CheckedLines() {
    const std::string text = log_.text();
    absl::string_view rest(text);
    rest.remove_prefix(checked_bytes_);
    for (size_t end = rest.find('\n'); end != rest.npos;
         end = rest.find('\n')) {
      CheckLine(rest.substr(0, end));
      rest.remove_prefix(end + 1);
    }
    checked_bytes_ = text.size() - rest.size();
    return checked_lines_;
  }
  void CheckLine(absl::string_view line) {
    const absl::string_view message = line.substr(line.find("] ") + 2);
    uint64_t number;
    ASSERT_TRUE(absl::SimpleAtoi(message.substr(0, message.find(' ')), &number))
        << line;
    if (absl::StrContains(message, "lines of this thread were dropped here")) {
      checked_lines_ += number;
      dropped_ += number;
    } else {
      EXPECT_EQ(number, checked_lines_) << "twice, missing, or out of order";
      checked_lines_ = number + 1;
    }
  }
  void RunBackEnd() { (void)logger_->RunOnce(); }

  SimRandom& random_;
  SimHost& host_;
  MemoryLog log_;
  int flushing_ = 0;  // flushes without an answer
  int outages_ = 0, reported_ = 0;
  uint64_t logged_ = 0;
  uint64_t checked_lines_ = 0, dropped_ = 0;
  size_t checked_bytes_ = 0;
  bool stopped_ = false;
  std::unique_ptr<AsyncLogger> logger_;
  std::vector<std::unique_ptr<CallbackTimer>> timers_;
  MemberTask<&LogWorld::RunBackEnd> back_end_task_{this};
  std::unique_ptr<RepeatingTimer> back_end_;
};

TEST(SimLoggerTest, EachLineIsWrittenOnceInOrderOrCounted) {
  SimTestWorlds worlds;
  worlds.seeds = 100;
  RunSimTest(worlds, [](SimNetwork& network) {
    SimRandom random(~network.seed() * 3);
    LogWorld world(&network, &random);
    for (int i = 0; i < 10; ++i) {
      network.RunFor(random.UpTo(absl::Milliseconds(300)));
      switch (random.Below(4)) {
        case 0:
          world.log().Recover();
          break;
        case 1:
          world.host().StepWall(random.UpTo(absl::Hours(2)) - absl::Hours(1));
          break;
        case 2:
          world.host().SetDrift(static_cast<int>(random.Below(400'001)) -
                                200'000);
          break;
        default:
          world.log().FailAfter(random.Below(500),
                                absl::UnavailableError("no disk"));
      }
    }
    world.StopLogging();
    network.RunFor(random.UpTo(absl::Seconds(random.Below(8) == 0 ? 30 : 3)));
    world.log().Recover();
    // The host's clock may be a fifth slow.
    const MonotonicTime latest =
        network.now() + 1.25 * (kLongestDelay + 2 * kPeriod);
    while (!world.all_written() && network.now() < latest) {
      network.RunFor(absl::Milliseconds(100));
    }
    world.ExpectAllWritten();
  });
}

}  // namespace
}  // namespace sluice
