#include "sluice/base/thread.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "sluice/base/sequence_role.h"
#include "sluice/base/testing/in_child.h"
#include "sluice/base/testing/status_matchers.h"

namespace sluice {
namespace {

TEST(ThreadTest, RunsItsBodyOnANewThreadAndJoinWaitsForItsEnd) {
  auto alive = std::make_shared<int>(0);
  pthread_t ran_on = pthread_self();
  auto thread = Thread::Start("t", [&ran_on, held = alive] {
    ran_on = pthread_self();
    *held = 1;
  });
  SLUICE_ASSERT_OK(thread);
  thread->Join();
  EXPECT_EQ(*alive, 1);
  EXPECT_FALSE(pthread_equal(ran_on, pthread_self()));
  EXPECT_EQ(alive.use_count(), 1)
      << "Join() returned before the body was destroyed";
}

TEST(ThreadTest, HasTheFirst15BytesOfItsName) {
  std::string name(16, '?');
  auto thread = Thread::Start("a-name-that-is-too-long", [&name] {
    pthread_getname_np(pthread_self(), name.data(), name.size());
  });
  SLUICE_ASSERT_OK(thread);
  thread->Join();
  EXPECT_STREQ(name.c_str(), "a-name-that-is-");
}

TEST(ThreadTest, BlocksSignalsOfTheProcessAndItsCreatorDoesNot) {
  sigset_t inside;
  sigset_t outside;
  auto thread = Thread::Start(
      "t", [&inside] { pthread_sigmask(SIG_BLOCK, nullptr, &inside); });
  SLUICE_ASSERT_OK(thread);
  thread->Join();
  pthread_sigmask(SIG_BLOCK, nullptr, &outside);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD}) {
    EXPECT_TRUE(sigismember(&inside, signal)) << signal;
    EXPECT_FALSE(sigismember(&outside, signal)) << signal;
  }
  for (const int signal : {SIGSEGV, SIGABRT, SIGPROF}) {
    EXPECT_FALSE(sigismember(&inside, signal)) << signal;
  }
}

TEST(ThreadTest, AMovedFromThreadNeedsNoJoin) {
  std::atomic<int> runs{0};
  auto thread = Thread::Start("t", [&runs] { ++runs; });
  SLUICE_ASSERT_OK(thread);
  Thread moved = *std::move(thread);
  moved.Join();
  EXPECT_EQ(runs, 1);
}

using ThreadDeathTest = ::testing::Test;

TEST_F(ThreadDeathTest, DestructionWithoutJoinIsAnError) {
  EXPECT_DEATH({ auto thread = Thread::Start("t", [] {}); },
               "thread_.has_value");
}

TEST_F(ThreadDeathTest, JoinOnASequenceIsAnError) {
  EXPECT_DEATH(
      {
        auto thread = Thread::Start("t", [] {});
        SequenceRole role;
        SequenceScope scope(&role);
        thread->Join();
      },
      "OnAny");
}

// Needs a process of its own, because it changes a default of the process.
TEST_F(ThreadDeathTest, AFailedStartIsAStatusThatNamesTheThread) {
  EXPECT_EXIT(
      {
        // A stack that no address space can hold.
        pthread_attr_t attributes;
        pthread_attr_init(&attributes);
        pthread_attr_setstacksize(&attributes, size_t{1} << 60);
        pthread_setattr_default_np(&attributes);
        const auto thread = Thread::Start("loop/7", [] {});
        const bool named =
            !thread.ok() &&
            absl::StrContains(thread.status().message(), "loop/7") &&
            absl::StrContains(thread.status().message(), "pthread_create");
        _exit(named ? 7 : 1);
      },
      ::testing::ExitedWithCode(7), "");
}

TEST(Thread, AChildOfForkDoesNotWaitForThreadsOfItsParent) {
  std::atomic<bool> stop{false};
  auto joined = Thread::Start("joined", [&] { stop.wait(false); });
  auto destroyed = Thread::Start("destroyed", [&] { stop.wait(false); });
  SLUICE_ASSERT_OK(joined);
  SLUICE_ASSERT_OK(destroyed);
  EXPECT_EQ(InChild([&] {
              joined->Join();
              Thread moved = *std::move(destroyed);
            }),
            0);
  stop.store(true);
  stop.notify_all();
  joined->Join();
  destroyed->Join();
}

}  // namespace
}  // namespace sluice
