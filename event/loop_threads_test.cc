#include "sluice/event/loop_threads.h"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/io_result.h"
#include "sluice/base/sequence_role.h"
#include "sluice/base/task.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/event/event_loop.h"
#include "sluice/event/poller/epoll_poller.h"
#include "sluice/event/poller/poller.h"
#include "sluice/timer/clock.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A poller whose next Wait() fails once the test asks for that.
class FragilePoller final : public Poller {
 public:
  explicit FragilePoller(std::unique_ptr<Poller> poller)
      : poller_(std::move(poller)) {}

  void Break() {
    broken_.store(true);
    Wake();
  }

  absl::Status Add(int fd, IoEvents interest, uint64_t token,
                   AddHint hint) override {
    return poller_->Add(fd, interest, token, hint);
  }
  absl::Status Modify(int fd, IoEvents interest, uint64_t token) override {
    return poller_->Modify(fd, interest, token);
  }
  absl::Status Remove(int fd) override { return poller_->Remove(fd); }
  absl::StatusOr<absl::Span<const IoEvent>> Wait(
      absl::Duration timeout) override {
    if (broken_.load()) {
      return ToStatus(IoResult::FromErrno(EIO), "wait", "a broken poller");
    }
    return poller_->Wait(timeout);
  }
  bool has_more() const override { return poller_->has_more(); }
  void Wake() override { poller_->Wake(); }
  absl::string_view name() const override { return "fragile"; }

 private:
  const std::unique_ptr<Poller> poller_;
  std::atomic<bool> broken_{false};
};

class LoopThreadsTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<EventLoop>> NewLoop() {
    auto poller = EpollPoller::Create();
    if (!poller.ok()) return poller.status();
    auto fragile = std::make_unique<FragilePoller>(*std::move(poller));
    pollers_.push_back(fragile.get());
    return EventLoop::Create(
        {.poller = std::move(fragile), .clock = Clock::Real()});
  }
  void Create(LoopThreads::Options options) {
    auto threads = LoopThreads::Create(options, [this] { return NewLoop(); });
    SLUICE_ASSERT_OK(threads);
    threads_ = *std::move(threads);
  }

  std::vector<FragilePoller*> pollers_;
  std::unique_ptr<LoopThreads> threads_;
};

std::string ThreadName() {
  char name[16];
  pthread_getname_np(pthread_self(), name, sizeof(name));
  return name;
}

TEST_F(LoopThreadsTest, RunsEachLoopOnANamedThreadOfItsOwn) {
  Create({.num_loops = 3, .name = "serve"});
  ASSERT_EQ(threads_->loops().size(), 3u);
  std::vector<std::string> names(3);
  std::vector<std::thread::id> ids(3);
  std::atomic<int> ran{0};
  for (int i = 0; i < 3; ++i) {
    EventLoop* const loop = threads_->loops()[i];
    SLUICE_ASSERT_OK(loop->Post([&, i] {
      names[i] = ThreadName();
      ids[i] = std::this_thread::get_id();
      if (ran.fetch_add(1) == 2) threads_->Stop();
    }));
  }
  SLUICE_ASSERT_OK(threads_->Start());
  SLUICE_EXPECT_OK(threads_->Join());
  EXPECT_THAT(names, ElementsAre("serve/0", "serve/1", "serve/2"));
  EXPECT_EQ(std::set<std::thread::id>(ids.begin(), ids.end()).size(), 3u);
}

TEST_F(LoopThreadsTest, ByDefaultThereIsALoopForEachCpuThatThreadsMayUse) {
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
  Create({});
  EXPECT_EQ(threads_->loops().size(), static_cast<size_t>(CPU_COUNT(&before)));
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(sched_getcpu(), &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
  Create({});
  EXPECT_EQ(threads_->loops().size(), 1u);
  EXPECT_EQ(sched_setaffinity(0, sizeof(before), &before), 0);
}

TEST_F(LoopThreadsTest, NothingRunsBeforeStart) {
  Create({.num_loops = 1});
  bool ran = false;
  SLUICE_ASSERT_OK(threads_->loops()[0]->Post([&ran] { ran = true; }));
  threads_.reset();
  EXPECT_FALSE(ran);
}

TEST_F(LoopThreadsTest, DoneIsCalledOnceAfterTheLastLoopHasEnded) {
  Create({.num_loops = 4});
  std::atomic<int> calls{0};
  bool on_a_loop = true;
  SLUICE_ASSERT_OK(threads_->Start([&](absl::Status status) {
    SLUICE_EXPECT_OK(status);
    on_a_loop = SequenceRole::OnAny();
    for (EventLoop* const loop : threads_->loops()) {
      EXPECT_TRUE(absl::IsCancelled(loop->Post([] {}))) << "it has not ended";
    }
    ++calls;
  }));
  threads_->Stop();
  SLUICE_EXPECT_OK(threads_->Join());
  EXPECT_EQ(calls, 1);
  EXPECT_FALSE(on_a_loop);
}

TEST_F(LoopThreadsTest, ALoopMayStopThemAll) {
  Create({.num_loops = 4});
  SLUICE_ASSERT_OK(threads_->Start());
  SLUICE_ASSERT_OK(threads_->loops()[2]->Post(
      [threads = threads_.get()] { threads->Stop(); }));
  SLUICE_EXPECT_OK(threads_->Join());
}

TEST_F(LoopThreadsTest, StoppedBeforeTheStartTheyTakeTheirLastIteration) {
  Create({.num_loops = 2});
  std::atomic<int> ran{0};
  struct Last : Task {
    explicit Last(std::atomic<int>* ran) : ran_(ran) {}
    void Run() override { ++*ran_; }
    void Abandon() override {}
    std::atomic<int>* const ran_;
  } first(&ran), second(&ran);
  threads_->loops()[0]->ScheduleLocal(&first);
  threads_->loops()[1]->ScheduleLocal(&second);
  threads_->Stop();
  SLUICE_ASSERT_OK(threads_->Start());
  SLUICE_EXPECT_OK(threads_->Join());
  EXPECT_EQ(ran, 2);
}

TEST_F(LoopThreadsTest, DestructionStopsAndJoins) {
  Create({.num_loops = 2});
  std::atomic<int> calls{0};
  SLUICE_ASSERT_OK(threads_->Start([&calls](absl::Status) { ++calls; }));
  threads_.reset();
  EXPECT_EQ(calls, 1);
}

TEST_F(LoopThreadsTest, ALoopThatFailsStopsTheOthersAndIsNamed) {
  Create({.num_loops = 3, .name = "serve"});
  absl::Status reported;
  SLUICE_ASSERT_OK(
      threads_->Start([&reported](absl::Status status) { reported = status; }));
  pollers_[1]->Break();
  const absl::Status joined = threads_->Join();
  EXPECT_THAT(joined, StatusIs(absl::StatusCode::kUnknown,
                               HasSubstr("serve/1: wait on a broken poller")));
  EXPECT_EQ(ErrnoOf(joined), EIO);
  EXPECT_EQ(reported, joined);
}

TEST_F(LoopThreadsTest, RefusesEachOptionOutOfRange) {
  for (const int bad : {INT_MIN, -1, 1025, INT_MAX}) {
    EXPECT_THAT(
        LoopThreads::Create({.num_loops = bad}, [this] { return NewLoop(); }),
        StatusIs(absl::StatusCode::kInvalidArgument,
                 HasSubstr(absl::StrCat("LoopThreads: num_loops is ", bad,
                                        ", and must be 0 to 1024"))));
  }
}

TEST_F(LoopThreadsTest, ALoopThatCannotBeMadeIsAnError) {
  int made = 0;
  const auto threads = LoopThreads::Create(
      {.num_loops = 3}, [&]() -> absl::StatusOr<std::unique_ptr<EventLoop>> {
        if (++made == 3) return absl::ResourceExhaustedError("no descriptors");
        return NewLoop();
      });
  EXPECT_THAT(threads, StatusIs(absl::StatusCode::kResourceExhausted,
                                HasSubstr("no descriptors")));
}

using LoopThreadsDeathTest = LoopThreadsTest;

TEST_F(LoopThreadsDeathTest, JoinOnALoopIsAnError) {
  EXPECT_DEATH(
      {
        Create({.num_loops = 1});
        SLUICE_ASSERT_OK(
            threads_->loops()[0]->Post([this] { (void)threads_->Join(); }));
        (void)threads_->Start();
        (void)threads_->Join();
      },
      "OnAny");
}

size_t AddressSpace() {
  std::FILE* const file = std::fopen("/proc/self/statm", "r");
  size_t pages = 0;
  if (file == nullptr || std::fscanf(file, "%zu", &pages) != 1) std::abort();
  std::fclose(file);
  return pages * sysconf(_SC_PAGESIZE);
}

// Leaves address space for two stacks at most.
void LimitStacksToTwo() {
  constexpr size_t kStack = size_t{4} << 30;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStack);
  pthread_setattr_default_np(&attributes);
  const rlimit limit = {.rlim_cur = AddressSpace() + 2 * kStack + kStack / 2,
                        .rlim_max = RLIM_INFINITY};
  setrlimit(RLIMIT_AS, &limit);
}

// Runs in a process of its own, because the limits stay.
TEST_F(LoopThreadsDeathTest, WithoutAThreadForEachLoopNoneRuns) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "the sanitizer's own memory does not fit into the limit";
#endif
  Create({.num_loops = 3, .name = "serve"});
  bool ran = false;
  bool reported = false;
  SLUICE_ASSERT_OK(threads_->loops()[0]->Post([&ran] { ran = true; }));
  EXPECT_EXIT(
      {
        LimitStacksToTwo();
        const absl::Status started =
            threads_->Start([&reported](absl::Status) { reported = true; });
        const bool named = absl::StrContains(started.message(), "serve/");
        threads_.reset();
        _exit(named && !ran && !reported ? 7 : 1);
      },
      ::testing::ExitedWithCode(7), "");
}

}  // namespace
}  // namespace sluice
