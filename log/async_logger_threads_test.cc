// Tests AsyncLogger with several threads, with threads that end, with threads
// that outlive it, and in the child of a fork.

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/config.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/base/testing/test_seed.h"
#include "sluice/log/async_logger.h"
#include "sluice/log/descriptor_writer.h"
#include "sluice/log/log.h"
#include "sluice/log/log_severity.h"
#include "sluice/log/log_writer.h"
#include "sluice/log/logger_thread.h"
#include "sluice/log/memory_log.h"
#include "sluice/timer/clock.h"
#include "sluice/timer/sim_clock.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

std::string Message(absl::string_view line) {
  return std::string(line.substr(line.find("] ") + 2));
}

std::vector<std::string> Messages(const MemoryLog& log) {
  std::vector<std::string> messages;
  for (const std::string& line : log.lines()) messages.push_back(Message(line));
  return messages;
}

// A thread that runs one function after the other, each when the test asks.
void OnThread(absl::AnyInvocable<void()> body) {
  std::thread thread([&] { body(); });
  thread.join();
}

TEST(AsyncLoggerThreadsTest, LinesOfThreadsAreOrderedByTime) {
  SimClock clock;
  MemoryLog log;
  AsyncLogger logger(log.NewWriter(), {.clock = &clock});
  std::vector<std::string> expected;
  // Each line is logged after the one before, by any of three threads.
  std::atomic<int> turn{0};
  std::vector<std::thread> threads;
  constexpr int kTurns = 300;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      for (int i = t; i < kTurns; i += 3) {
        while (turn.load() != i) std::this_thread::yield();
        clock.Advance(absl::Nanoseconds(1));
        SLUICE_LOG(&logger, kInfo, "{}", i);
        turn.store(i + 1);
      }
    });
  }
  for (int i = 0; i < kTurns; ++i) expected.push_back(absl::StrCat(i));
  for (std::thread& thread : threads) thread.join();
  logger.RunOnce();
  EXPECT_EQ(Messages(log), expected);
}

// Uses the real clock, while the back end runs.
TEST(AsyncLoggerThreadsTest, ALineComesAfterTheLineThatCausedIt) {
  MemoryLog log;
  AsyncLogger logger(log.NewWriter(), {.clock = Clock::Real()});
  std::atomic<int> turn{0};
  std::vector<std::thread> threads;
  constexpr int kTurns = 1000;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      for (int i = t; i < kTurns; i += 2) {
        while (turn.load() != i) std::this_thread::yield();
        SLUICE_LOG(&logger, kInfo, "{}", i);
        turn.store(i + 1);
      }
    });
  }
  while (turn.load() < kTurns) logger.RunOnce();
  for (std::thread& thread : threads) thread.join();
  logger.RunOnce();
  std::vector<std::string> expected;
  for (int i = 0; i < kTurns; ++i) expected.push_back(absl::StrCat(i));
  EXPECT_EQ(Messages(log), expected);
}

TEST(AsyncLoggerThreadsTest, AThreadMayEndBeforeItsLinesAreWritten) {
  SimClock clock;
  MemoryLog log;
  AsyncLogger logger(
      log.NewWriter(),
      {.clock = &clock, .ring_bytes = 1024, .max_line_bytes = 64});
  OnThread([&] {
    for (int i = 0; i < 1000; ++i) SLUICE_LOG(&logger, kInfo, "{}", i);
  });
  logger.RunOnce();
  const uint64_t dropped = logger.stats().dropped;
  EXPECT_GT(dropped, 0u);
  const std::vector<std::string> messages = Messages(log);
  ASSERT_EQ(messages.size(), 1000 - dropped + 1);
  EXPECT_EQ(messages.back(),
            absl::StrCat(dropped,
                         " lines of this thread were dropped here: its "
                         "ring was full"));
}

// Otherwise many rings would be kept, or the later threads would get none.
TEST(AsyncLoggerThreadsTest, RingsOfEndedThreadsAreFreed) {
  SimClock clock;
  MemoryLog log;
  AsyncLogger logger(log.NewWriter(), {.clock = &clock, .max_threads = 2});
  for (int i = 0; i < 1000; ++i) {
    OnThread([&] { SLUICE_LOG(&logger, kInfo, "{}", i); });
    logger.RunOnce();
  }
  EXPECT_THAT(log.lines(), SizeIs(1000));
  EXPECT_THAT(log.text(), Not(HasSubstr(" others ")));
}

TEST(AsyncLoggerThreadsTest, ThreadsBeyondTheLimitShareARing) {
  SimClock clock;
  MemoryLog log;
  AsyncLogger logger(log.NewWriter(), {.clock = &clock, .max_threads = 2});
  std::vector<std::thread> threads;
  std::atomic<int> logged{0};
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) SLUICE_LOG(&logger, kInfo, "{}", i);
      logged.fetch_add(1);
      while (logged.load() < 6) std::this_thread::yield();
    });
  }
  for (std::thread& thread : threads) thread.join();
  logger.RunOnce();
  EXPECT_THAT(log.lines(), SizeIs(600));
  EXPECT_EQ(logger.stats().dropped, 0u);
  int others = 0;
  for (const std::string& line : log.lines()) {
    if (absl::StrContains(line, " others ")) ++others;
  }
  EXPECT_EQ(others, 400);
}

TEST(AsyncLoggerThreadsTest, ThreadsWithTheSameNameAreDistinguished) {
  SimClock clock;
  MemoryLog log;
  AsyncLogger logger(log.NewWriter(), {.clock = &clock});
  OnThread([&] {
    pthread_setname_np(pthread_self(), "twin");
    SLUICE_LOG(&logger, kInfo, "one");
    OnThread([&] { SLUICE_LOG(&logger, kInfo, "inherits the name"); });
  });
  logger.RunOnce();
  EXPECT_THAT(log.lines()[0], HasSubstr(" twin async_"));
  EXPECT_THAT(log.lines()[1], HasSubstr(" twin/"));
}

struct LogsAtItsEnd {
  ~LogsAtItsEnd() {
    if (logger != nullptr) SLUICE_LOG(logger, kInfo, "while the thread ends");
  }
  AsyncLogger* logger = nullptr;
};

TEST(AsyncLoggerThreadsTest, AThreadMayLogWhileItEnds) {
  SimClock clock;
  MemoryLog log;
  AsyncLogger logger(log.NewWriter(), {.clock = &clock});
  OnThread([&] {
    // Destroyed after the objects that this thread's first line makes.
    thread_local LogsAtItsEnd at_end;
    at_end.logger = &logger;
    SLUICE_LOG(&logger, kInfo, "first");
  });
  logger.RunOnce();
  EXPECT_THAT(Messages(log), ElementsAre("first", "while the thread ends"));
}

// The second logger has the same address: a thread must not confuse the two.
TEST(AsyncLoggerThreadsTest, ALoggerMayEndBeforeThreadsThatHaveLogged) {
  SimClock clock;
  MemoryLog log;
  std::optional<AsyncLogger> logger;
  std::atomic<int> step{0};
  const auto await = [&step](int s) {
    while (step.load() != s) std::this_thread::yield();
  };
  logger.emplace(log.NewWriter(), AsyncLogger::Options{.clock = &clock});
  std::thread thread([&] {
    SLUICE_LOG(&*logger, kInfo, "one");
    step.store(1);
    await(2);
    SLUICE_LOG(&*logger, kInfo, "two");
    step.store(3);
    await(4);
  });
  await(1);
  logger.reset();
  EXPECT_THAT(Messages(log), ElementsAre("one"));
  logger.emplace(log.NewWriter(), AsyncLogger::Options{.clock = &clock});
  step.store(2);
  await(3);
  logger->RunOnce();
  EXPECT_THAT(Messages(log), ElementsAre("one", "two"));
  logger.reset();
  step.store(4);
  thread.join();
}

TEST(AsyncLoggerThreadsTest, AThreadMayAlternateBetweenLoggers) {
  SimClock clock;
  MemoryLog log_a, log_b;
  AsyncLogger a(log_a.NewWriter(), {.clock = &clock});
  AsyncLogger b(log_b.NewWriter(), {.clock = &clock});
  for (int i = 0; i < 10; ++i) {
    SLUICE_LOG(&a, kInfo, "a{}", i);
    SLUICE_LOG(&b, kInfo, "b{}", i);
  }
  a.RunOnce();
  b.RunOnce();
  EXPECT_THAT(log_a.lines(), SizeIs(10));
  EXPECT_THAT(log_b.lines(), SizeIs(10));
  EXPECT_EQ(Message(log_b.lines()[9]), "b9");
}

// ---------------------------------------------------------------------------
// With its thread
// ---------------------------------------------------------------------------

TEST(LoggerThreadTest, WritesLinesWithoutAFlush) {
  MemoryLog log;
  AsyncLogger logger(log.NewWriter(), {.clock = Clock::Real()});
  auto thread = LoggerThread::Start(&logger);
  SLUICE_ASSERT_OK(thread.status());
  SLUICE_LOG(&logger, kInfo, "one");
  while (log.text().empty()) std::this_thread::yield();
  SLUICE_LOG(&logger, kInfo, "two");
  SLUICE_EXPECT_OK(logger.FlushAndWait(absl::InfiniteDuration()));
  EXPECT_THAT(Messages(log), ElementsAre("one", "two"));
  SLUICE_LOG(&logger, kInfo, "three");
  thread->reset();
  EXPECT_THAT(Messages(log), ElementsAre("one", "two", "three"));
}

TEST(LoggerThreadTest, AnotherOneMayFollow) {
  MemoryLog log;
  AsyncLogger logger(log.NewWriter(), {.clock = Clock::Real()});
  for (int i = 0; i < 3; ++i) {
    auto thread = LoggerThread::Start(&logger);
    SLUICE_ASSERT_OK(thread.status());
    SLUICE_LOG(&logger, kInfo, "{}", i);
  }
  EXPECT_THAT(Messages(log), ElementsAre("0", "1", "2"));
}

// A writer that blocks until the test releases it.
class HeldWriter final : public LogWriter {
 public:
  explicit HeldWriter(std::atomic<bool>* held) : held_(*held) {}
  absl::Status Write(absl::string_view* lines) override {
    while (held_.load()) std::this_thread::yield();
    lines->remove_prefix(lines->size());
    return absl::OkStatus();
  }
  absl::Status Flush() override { return absl::OkStatus(); }

 private:
  std::atomic<bool>& held_;
};

TEST(LoggerThreadTest, ASlowWriterDoesNotBlockThreadsThatMayDropLines) {
  std::atomic<bool> held{true};
  AsyncLogger logger(std::make_unique<HeldWriter>(&held),
                     {.clock = Clock::Real()});
  auto thread = LoggerThread::Start(&logger);
  SLUICE_ASSERT_OK(thread.status());
  for (int i = 0; i < 100'000; ++i) SLUICE_LOG(&logger, kInfo, "{}", i);
  EXPECT_GT(logger.stats().dropped, 0u);
  EXPECT_THAT(logger.FlushAndWait(absl::Milliseconds(1)),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  held.store(false);
  SLUICE_EXPECT_OK(logger.FlushAndWait(absl::InfiniteDuration()));
}

TEST(LoggerThreadTest, BlockedThreadsContinueWhenItEndsWhileTheWriterFails) {
  MemoryLog log;
  log.FailAfter(0, absl::UnavailableError("gone"));
  AsyncLogger logger(log.NewWriter(), {.clock = Clock::Real(),
                                       .on_full = AsyncLogger::OnFull::kBlock,
                                       .ring_bytes = 1024,
                                       .max_line_bytes = 64,
                                       .on_error = [](const absl::Status&) {}});
  auto thread = LoggerThread::Start(&logger);
  SLUICE_ASSERT_OK(thread.status());
  std::thread producer([&] {
    for (int i = 0; i < 200; ++i) SLUICE_LOG(&logger, kInfo, "{}", i);
  });
  while (logger.stats().blocked == 0) std::this_thread::yield();
  thread->reset();
  producer.join();
  EXPECT_GT(logger.stats().dropped, 0u);
}

struct LogsWhenPrinted {
  AsyncLogger* logger;
};
LogsWhenPrinted SluiceLogCopy(const LogsWhenPrinted& value) { return value; }
template <typename Sink>
void AbslStringify(Sink& sink, const LogsWhenPrinted& value) {
  for (int i = 0; i < 100; ++i) SLUICE_LOG(value.logger, kInfo, "printed");
  sink.Append("!");
}

// The ring of the back end's thread is full, and no other thread makes room.
TEST(LoggerThreadTest, LinesLoggedByTheBackEndDoNotWaitForIt) {
  MemoryLog log;
  AsyncLogger logger(log.NewWriter(), {.clock = Clock::Real(),
                                       .on_full = AsyncLogger::OnFull::kBlock,
                                       .ring_bytes = 1024,
                                       .max_line_bytes = 64});
  auto thread = LoggerThread::Start(&logger);
  SLUICE_ASSERT_OK(thread.status());
  SLUICE_LOG(&logger, kInfo, "{}", LogsWhenPrinted{&logger});
  SLUICE_EXPECT_OK(logger.FlushAndWait(absl::InfiniteDuration()));
  EXPECT_GT(logger.stats().dropped, 0u);
}

// Threads log as fast as they can into rings of random sizes. Each thread's
// lines are in order, and the number of dropped lines stands where they are
// missing.
void RunRandomly(uint64_t seed, AsyncLogger::OnFull on_full) {
  SCOPED_TRACE(absl::StrCat("SLUICE_SEED=", seed));
  std::mt19937_64 random(seed);
  MemoryLog log;
  AsyncLogger logger(log.NewWriter(),
                     {.clock = Clock::Real(),
                      .on_full = on_full,
                      .ring_bytes = size_t{1024} << (random() % 6),
                      .max_threads = 1 + random() % 4,
                      .max_line_bytes = 128});
  auto thread = LoggerThread::Start(&logger);
  SLUICE_ASSERT_OK(thread.status());
  const int lines = static_cast<int>(random() % 20'000);
  std::vector<std::thread> producers;
  const int threads = 1 + static_cast<int>(random() % 4);
  for (int t = 0; t < threads; ++t) {
    producers.emplace_back([&, t, seed_of_thread = random()] {
      std::mt19937 sizes(static_cast<uint32_t>(seed_of_thread));
      const std::string padding(100, '.');
      for (int i = 0; i < lines; ++i) {
        SLUICE_LOG(&logger, kInfo, "{} {} {}", t, i,
                   absl::string_view(padding).substr(sizes() % 100));
      }
    });
  }
  for (std::thread& producer : producers) producer.join();
  SLUICE_EXPECT_OK(logger.FlushAndWait(absl::InfiniteDuration()));
  std::map<int, int> next;
  uint64_t written = 0, missing = 0;
  for (const std::string& line : log.lines()) {
    const std::vector<std::string> words = absl::StrSplit(Message(line), ' ');
    int t, i;
    ASSERT_TRUE(absl::SimpleAtoi(words[0], &t)) << line;
    if (words[1] == "lines") {
      missing += static_cast<uint64_t>(t);
      continue;
    }
    ASSERT_TRUE(absl::SimpleAtoi(words[1], &i)) << line;
    ASSERT_GE(i, next[t]) << line;
    next[t] = i + 1;
    ++written;
  }
  EXPECT_EQ(missing, logger.stats().dropped);
  EXPECT_EQ(written + missing, static_cast<uint64_t>(threads) * lines);
  if (on_full == AsyncLogger::OnFull::kBlock) {
    EXPECT_EQ(missing, 0u);
  }
}

TEST(LoggerThreadTest, WritesEachLineWhenCallersWait) {
  for (int i = 0; i < 5; ++i) {
    RunRandomly(TestSeed(), AsyncLogger::OnFull::kBlock);
  }
}

TEST(LoggerThreadTest, CountsEachLineWhenCallersDoNotWait) {
  for (int i = 0; i < 5; ++i) {
    RunRandomly(TestSeed(), AsyncLogger::OnFull::kDrop);
  }
}

// ---------------------------------------------------------------------------
// Fork
// ---------------------------------------------------------------------------

// Runs `body` in a child. Returns its exit code, or 1000 plus the number of the
// signal that ended it. The child may take 20 seconds.
int InChild(absl::AnyInvocable<void()> body) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);
    body();
    _exit(0);
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

std::string Content(std::FILE* file) {
  std::string content(100'000, '\0');
  const ssize_t size = pread(fileno(file), content.data(), content.size(), 0);
  content.resize(size < 0 ? 0 : static_cast<size_t>(size));
  return content;
}

TEST(AsyncLoggerForkTest, AChildWritesNothingTwiceAndDoesNotWait) {
  std::FILE* const file = std::tmpfile();
  ASSERT_NE(file, nullptr);
  auto logger = std::make_unique<AsyncLogger>(
      std::make_unique<DescriptorWriter>(fileno(file)),
      AsyncLogger::Options{.clock = Clock::Real(),
                           .on_full = AsyncLogger::OnFull::kBlock,
                           .ring_bytes = 1024,
                           .max_line_bytes = 64});
  auto thread = LoggerThread::Start(logger.get());
  SLUICE_ASSERT_OK(thread.status());
  SLUICE_EXPECT_OK(logger->FlushAndWait(absl::InfiniteDuration()));
  SLUICE_LOG(logger.get(), kInfo, "the parent's");
  EXPECT_EQ(InChild([&] {
              for (int i = 0; i < 1000; ++i) {
                SLUICE_LOG(logger.get(), kInfo, "the child's");
              }
              int flushed = 0;
              logger->Flush([&](absl::Status status) {
                flushed += absl::IsFailedPrecondition(status) ? 1 : 0;
              });
              if (flushed != 1 || logger->RunOnce() != 0) _exit(2);
              if (logger->stats().dropped == 0) _exit(3);
#ifndef ABSL_HAVE_THREAD_SANITIZER  // which starts no threads after a fork
              std::thread other(
                  [&] { SLUICE_LOG(logger.get(), kInfo, "its thread's"); });
              other.join();
#endif
              thread->reset();
              logger.reset();
            }),
            0);
  thread->reset();
  logger.reset();
  EXPECT_EQ(Message(Content(file)), "the parent's\n");
  std::fclose(file);
}

TEST(AsyncLoggerForkTest, AChildMayMakeALoggerOfItsOwn) {
  std::FILE* const file = std::tmpfile();
  ASSERT_NE(file, nullptr);
  SimClock clock;
  MemoryLog log;
  AsyncLogger parents(log.NewWriter(), {.clock = &clock});
  SLUICE_LOG(&parents, kInfo, "the parent's");
  EXPECT_EQ(InChild([&] {
              AsyncLogger logger(
                  std::make_unique<DescriptorWriter>(fileno(file)),
                  {.clock = Clock::Real()});
              auto thread = LoggerThread::Start(&logger);
              if (!thread.ok()) _exit(2);
              SLUICE_LOG(&logger, kInfo, "the child's");
              if (!logger.FlushAndWait(absl::Seconds(10)).ok()) _exit(3);
            }),
            0);
  EXPECT_EQ(Message(Content(file)), "the child's\n");
  parents.RunOnce();
  EXPECT_THAT(Messages(log), ElementsAre("the parent's"));
  std::fclose(file);
}

}  // namespace
}  // namespace sluice
