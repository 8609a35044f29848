#include "sluice/event/event_loop.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/sequence_role.h"
#include "sluice/base/task.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/event/io_target.h"
#include "sluice/event/poller/epoll_poller.h"
#include "sluice/event/poller/poller.h"
#include "sluice/timer/clock.h"
#include "sluice/timer/sim_clock.h"
#include "sluice/timer/timer_wheel.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A poller whose readiness the test sets. If a Wait() has nothing to report, it
// lets its timeout pass on the clock.
class FakePoller final : public Poller {
 public:
  explicit FakePoller(SimClock* clock) : clock_(clock) {}

  void SetReady(int fd, IoEvents events) { ready_[fd] = events; }
  void FailNextWait(absl::Status status) { error_ = std::move(status); }
  absl::Duration last_timeout() const { return last_timeout_; }
  bool watches(int fd) const { return registered_.contains(fd); }

  absl::Status Add(int fd, IoEvents interest, uint64_t token,
                   AddHint) override {
    if (refuse_adds) return absl::ResourceExhaustedError("refused");
    registered_[fd] = {interest, token};
    return absl::OkStatus();
  }
  absl::Status Modify(int fd, IoEvents interest, uint64_t token) override {
    registered_[fd] = {interest, token};
    return absl::OkStatus();
  }
  absl::Status Remove(int fd) override {
    registered_.erase(fd);
    return absl::OkStatus();
  }
  absl::StatusOr<absl::Span<const IoEvent>> Wait(
      absl::Duration timeout) override {
    last_timeout_ = timeout;
    if (!error_.ok()) return std::exchange(error_, absl::OkStatus());
    events_.clear();
    auto it = registered_.upper_bound(last_reported_);
    size_t left = registered_.size();
    for (; left > 0 && events_.size() < max_events; --left, ++it) {
      if (it == registered_.end()) it = registered_.begin();
      const auto& [fd, registration] = *it;
      const uint32_t flags = ready_[fd] & registration.first;
      if (flags == 0) continue;
      events_.push_back({registration.second, 0, flags});
      last_reported_ = fd;
    }
    has_more_ = left > 0;
    const bool woken = std::exchange(woken_, false);
    if (events_.empty() && !woken && timeout > absl::ZeroDuration() &&
        timeout < absl::InfiniteDuration()) {
      clock_->Advance(timeout);
    }
    return absl::MakeConstSpan(events_);
  }
  bool has_more() const override { return has_more_ || interrupted; }
  void Wake() override { woken_ = true; }
  absl::string_view name() const override { return "fake"; }

  bool refuse_adds = false;
  size_t max_events = SIZE_MAX;  // per Wait()
  bool interrupted = false;      // a signal interrupts each Wait()

 private:
  SimClock* const clock_;
  std::map<int, std::pair<IoEvents, uint64_t>> registered_;
  std::map<int, IoEvents> ready_;
  std::vector<IoEvent> events_;
  int last_reported_ = -1;
  bool has_more_ = false;
  absl::Duration last_timeout_;
  absl::Status error_;
  bool woken_ = false;
};

// A clock that calls a function once, at the next Now().
class HookedClock final : public Clock {
 public:
  explicit HookedClock(const Clock* clock) : clock_(clock) {}
  MonotonicTime Now() const override {
    if (on_now) std::exchange(on_now, nullptr)();
    return clock_->Now();
  }
  absl::Time WallNow() const override { return clock_->WallNow(); }

  mutable std::function<void()> on_now;

 private:
  const Clock* const clock_;
};

class Target : public IoTarget {
 public:
  explicit Target(std::function<void(IoEvents)> f) : on_io_(std::move(f)) {}

 private:
  void OnIo(const IoEvent& event) override {
    on_io_(static_cast<IoEvents>(event.flags));
  }
  std::function<void(IoEvents)> on_io_;
};

class TestTask : public Task {
 public:
  explicit TestTask(std::function<void()> f) : run_(std::move(f)) {}
  void Run() override { run_(); }
  void Abandon() override { abandoned = true; }
  bool abandoned = false;

 private:
  std::function<void()> run_;
};

class Hook : public IterationHook {
 public:
  explicit Hook(std::function<void()> f) : on_iteration_(std::move(f)) {}
  void OnIteration() override { on_iteration_(); }

 private:
  std::function<void()> on_iteration_;
};

class EventLoopTest : public ::testing::Test {
 protected:
  EventLoopTest() { NewLoop({}); }

  void NewLoop(EventLoop::Options options) {
    auto poller = std::make_unique<FakePoller>(&clock_);
    poller_ = poller.get();
    options.poller = std::move(poller);
    if (options.clock == nullptr) options.clock = &clock_;
    auto loop = EventLoop::Create(std::move(options));
    ASSERT_TRUE(loop.ok()) << loop.status();
    loop_ = *std::move(loop);
  }
  void RunIteration(absl::Duration max_wait = absl::ZeroDuration()) {
    SLUICE_ASSERT_OK(loop_->RunOnce(max_wait));
  }
  // Returns a task, hook or handler that records its run.
  std::function<void()> Note(std::string what) {
    return [this, what = std::move(what)] { log_.push_back(what); };
  }
  std::vector<std::string> TakeLog() { return std::exchange(log_, {}); }

  SimClock clock_;
  FakePoller* poller_ = nullptr;
  std::unique_ptr<EventLoop> loop_;
  std::vector<std::string> log_;
};

TEST_F(EventLoopTest, RefusesEachOptionOutOfRange) {
  using Options = EventLoop::Options;
  const auto create = [this](const std::function<void(Options&)>& change) {
    Options options;
    options.poller = std::make_unique<FakePoller>(&clock_);
    options.clock = &clock_;
    change(options);
    return EventLoop::Create(std::move(options)).status();
  };
  EXPECT_THAT(create([](Options& o) { o.timer_tick = absl::Hours(1); }),
              IsOk());
  EXPECT_THAT(create([](Options& o) { o.max_tasks_per_iteration = SIZE_MAX; }),
              IsOk());
  EXPECT_THAT(create([](Options& o) { o.max_timers_per_iteration = SIZE_MAX; }),
              IsOk());
  const struct {
    const char* name;
    std::function<void(Options&)> change;
  } kBad[] = {
      {"poller is", [](Options& o) { o.poller = nullptr; }},
      {"clock is", [](Options& o) { o.clock = nullptr; }},
      {"timer_tick is 0", [](Options& o) { o.timer_tick = {}; }},
      {"timer_tick is -1ms",
       [](Options& o) { o.timer_tick = -absl::Milliseconds(1); }},
      {"timer_tick is 1.5ns",
       [](Options& o) { o.timer_tick = absl::Nanoseconds(1.5); }},
      {"timer_tick is inf",
       [](Options& o) { o.timer_tick = absl::InfiniteDuration(); }},
      {"timer_tick is 2h", [](Options& o) { o.timer_tick = absl::Hours(2); }},
      {"receive_buffer_size is 0",
       [](Options& o) { o.receive_buffer_size = 0; }},
      {"receive_buffer_size is 1844",
       [](Options& o) { o.receive_buffer_size = SIZE_MAX; }},
      {"max_posted is 0", [](Options& o) { o.max_posted = 0; }},
      {"max_posted is 1844", [](Options& o) { o.max_posted = SIZE_MAX; }},
      {"max_tasks_per_iteration is 0",
       [](Options& o) { o.max_tasks_per_iteration = 0; }},
      {"max_timers_per_iteration is 0",
       [](Options& o) { o.max_timers_per_iteration = 0; }},
  };
  for (const auto& bad : kBad) {
    EXPECT_THAT(create(bad.change),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr(absl::StrCat("EventLoop: ", bad.name))));
  }
}

TEST_F(EventLoopTest, AnIterationKeepsTheDocumentedOrder) {
  Hook before(Note("before wait")), after(Note("after urgent"));
  loop_->Hook(IterationHook::Point::kBeforeWait, &before);
  loop_->Hook(IterationHook::Point::kAfterUrgent, &after);
  Target plain([&](IoEvents) { Note("target")(); });
  Target urgent([&](IoEvents) { Note("urgent")(); });
  SLUICE_ASSERT_OK(loop_->Add(&plain, 3, kReadable));
  SLUICE_ASSERT_OK(loop_->Add(&urgent, 4, kReadable, {.urgent = true}));
  poller_->SetReady(3, kReadable);
  poller_->SetReady(4, kReadable);
  CallbackTimer timer(Note("timer"));
  loop_->Arm(&timer, absl::Milliseconds(1));
  clock_.Advance(absl::Milliseconds(5));
  TestTask task(Note("task"));
  loop_->ScheduleLocal(&task);
  RunIteration();
  EXPECT_THAT(TakeLog(), ElementsAre("before wait", "urgent", "after urgent",
                                     "target", "task", "timer"));
  loop_->Remove(&plain);
  loop_->Remove(&urgent);
}

TEST_F(EventLoopTest, PassesTheConditionsToTheTarget) {
  IoEvents seen = 0;
  Target target([&](IoEvents events) { seen = events; });
  SLUICE_ASSERT_OK(loop_->Add(&target, 3, kReadable));
  poller_->SetReady(3, kReadable | kWritable);
  RunIteration();
  EXPECT_EQ(seen, kReadable);
  SLUICE_ASSERT_OK(loop_->SetInterest(&target, kReadable | kWritable));
  RunIteration();
  EXPECT_EQ(seen, kReadable | kWritable);
  loop_->Remove(&target);
  EXPECT_FALSE(poller_->watches(3));
}

TEST_F(EventLoopTest, ARefusedAddLeavesTheTargetUnregistered) {
  Target target([](IoEvents) {});
  poller_->refuse_adds = true;
  EXPECT_THAT(loop_->Add(&target, 3, kReadable),
              StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_FALSE(target.registered());
  poller_->refuse_adds = false;
  SLUICE_ASSERT_OK(loop_->Add(&target, 3, kReadable));
  EXPECT_TRUE(target.registered());
  loop_->Remove(&target);
}

TEST_F(EventLoopTest, DropsAnEventFetchedForATargetThatWasRemoved) {
  Target second([&](IoEvents) { Note("second")(); });
  Target first([&](IoEvents) {
    Note("first")();
    loop_->Remove(&second);
  });
  SLUICE_ASSERT_OK(loop_->Add(&first, 3, kReadable));
  SLUICE_ASSERT_OK(loop_->Add(&second, 4, kReadable));
  poller_->SetReady(3, kReadable);
  poller_->SetReady(4, kReadable);
  RunIteration();
  EXPECT_THAT(TakeLog(), ElementsAre("first"));
  loop_->Remove(&first);
}

TEST_F(EventLoopTest, AnEventOfTheOldRegistrationDoesNotReachTheNewOne) {
  Target reused([&](IoEvents) { Note("reused")(); });
  Target second([&](IoEvents) { Note("second")(); });
  Target first([&](IoEvents) {
    if (!second.registered()) return;
    loop_->Remove(&second);  // its slot and number are used again:
    SLUICE_ASSERT_OK(loop_->Add(&reused, 4, kReadable));
  });
  SLUICE_ASSERT_OK(loop_->Add(&first, 3, kReadable));
  SLUICE_ASSERT_OK(loop_->Add(&second, 4, kReadable));
  poller_->SetReady(3, kReadable);
  poller_->SetReady(4, kReadable);
  RunIteration();
  EXPECT_THAT(TakeLog(), IsEmpty());
  RunIteration();
  EXPECT_THAT(TakeLog(), ElementsAre("reused"));
  loop_->Remove(&first);
  loop_->Remove(&reused);
}

TEST_F(EventLoopTest, ATargetMayDestroyItselfInItsEvent) {
  std::unique_ptr<Target> target;
  target = std::make_unique<Target>([&](IoEvents) {
    Note("gone")();
    loop_->Remove(target.get());
    target.reset();  // and this callable with it
  });
  SLUICE_ASSERT_OK(loop_->Add(target.get(), 3, kReadable));
  poller_->SetReady(3, kReadable);
  RunIteration();
  RunIteration();
  EXPECT_THAT(TakeLog(), ElementsAre("gone"));
}

TEST_F(EventLoopTest, TargetsAddedInAnIterationAreSeenInTheNext) {
  std::vector<std::unique_ptr<Target>> more;
  Target first([&](IoEvents) {
    // Enough targets to make the slot table grow during the dispatch.
    for (int i = 0; i < 100; ++i) {
      more.push_back(std::make_unique<Target>([&](IoEvents) { Note("x")(); }));
      SLUICE_ASSERT_OK(loop_->Add(more.back().get(), 10 + i, kReadable));
      poller_->SetReady(10 + i, kReadable);
    }
    loop_->Remove(&first);
  });
  SLUICE_ASSERT_OK(loop_->Add(&first, 3, kReadable));
  poller_->SetReady(3, kReadable);
  RunIteration();
  EXPECT_THAT(TakeLog(), IsEmpty());
  RunIteration();
  EXPECT_EQ(TakeLog().size(), 100u);
  EXPECT_EQ(loop_->stats().events, 101u);
  for (auto& target : more) loop_->Remove(target.get());
}

TEST_F(EventLoopTest, TasksRunInOrderAndNotInsideSchedule) {
  TestTask one(Note("one")), two(Note("two")), three(Note("three"));
  EXPECT_TRUE(loop_->ScheduleLocal(&one));
  EXPECT_TRUE(loop_->Schedule(&two));
  EXPECT_TRUE(loop_->Schedule(&three));
  EXPECT_FALSE(loop_->ScheduleLocal(&one));
  EXPECT_THAT(log_, IsEmpty());
  RunIteration(absl::InfiniteDuration());  // does not wait: there are tasks
  EXPECT_EQ(poller_->last_timeout(), absl::ZeroDuration());
  EXPECT_THAT(TakeLog(), ElementsAre("one", "two", "three"));
}

TEST_F(EventLoopTest, TasksScheduledByATaskRunInTheNextIteration) {
  std::unique_ptr<TestTask> task;
  task = std::make_unique<TestTask>([&] {
    Note("run")();
    loop_->ScheduleLocal(task.get());
  });
  loop_->ScheduleLocal(task.get());
  RunIteration();
  EXPECT_THAT(TakeLog(), ElementsAre("run"));
  RunIteration(absl::InfiniteDuration());
  EXPECT_EQ(poller_->last_timeout(), absl::ZeroDuration());
  EXPECT_THAT(TakeLog(), ElementsAre("run"));
  loop_->Cancel(task.get());
  RunIteration();
  EXPECT_THAT(TakeLog(), IsEmpty());
}

TEST_F(EventLoopTest, ATaskScheduledByATargetRunsInTheSameIteration) {
  TestTask task(Note("task"));
  Target target([&](IoEvents) { loop_->ScheduleLocal(&task); });
  SLUICE_ASSERT_OK(loop_->Add(&target, 3, kReadable));
  poller_->SetReady(3, kReadable);
  RunIteration();
  EXPECT_THAT(TakeLog(), ElementsAre("task"));
  loop_->Remove(&target);
}

TEST_F(EventLoopTest, TasksPerIterationAreBounded) {
  NewLoop({.max_tasks_per_iteration = 2});
  TestTask one(Note("1")), two(Note("2")), three(Note("3"));
  for (TestTask* task : {&one, &two, &three}) loop_->ScheduleLocal(task);
  RunIteration();
  EXPECT_THAT(TakeLog(), ElementsAre("1", "2"));
  RunIteration(absl::InfiniteDuration());
  EXPECT_EQ(poller_->last_timeout(), absl::ZeroDuration());
  EXPECT_THAT(TakeLog(), ElementsAre("3"));
}

TEST_F(EventLoopTest, ACancelledTaskDoesNotRunThoughOthersOfItsBatchDo) {
  TestTask second(Note("second")), third(Note("third"));
  TestTask first([&] { loop_->Cancel(&second); });
  for (TestTask* task : {&first, &second, &third}) loop_->Schedule(task);
  RunIteration();
  EXPECT_THAT(TakeLog(), ElementsAre("third"));
  EXPECT_FALSE(second.queued());
}

TEST_F(EventLoopTest, MemberTaskCallsItsOwner) {
  struct Owner {
    void Done() { ++done; }
    void Gone() { ++gone; }
    int done = 0, gone = 0;
    MemberTask<&Owner::Done, &Owner::Gone> task{this};
  } run, abandoned;
  loop_->ScheduleLocal(&run.task);
  RunIteration();
  EXPECT_EQ(run.done, 1);
  loop_->ScheduleLocal(&abandoned.task);
  loop_.reset();
  EXPECT_EQ(abandoned.done, 0);
  EXPECT_EQ(abandoned.gone, 1);
}

TEST_F(EventLoopTest, PostsRunInOrderAndMayBeMoveOnly) {
  auto owned = std::make_unique<std::string>("one");
  SLUICE_ASSERT_OK(loop_->Post(
      [this, owned = std::move(owned)] { log_.push_back(*owned); }));
  SLUICE_ASSERT_OK(loop_->Post(Note("two")));
  RunIteration(absl::InfiniteDuration());
  EXPECT_THAT(TakeLog(), ElementsAre("one", "two"));
}

TEST_F(EventLoopTest, AFullPostQueueLeavesTheCallableUntouched) {
  NewLoop({.max_posted = 2});
  SLUICE_ASSERT_OK(loop_->Post(Note("1")));
  SLUICE_ASSERT_OK(loop_->Post(Note("2")));
  EventLoop::Callable third = Note("3");
  EXPECT_THAT(loop_->Post(std::move(third)),
              StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(loop_->stats().posts_refused, 1u);
  RunIteration();
  SLUICE_ASSERT_OK(loop_->Post(std::move(third)));
  RunIteration();
  EXPECT_THAT(TakeLog(), ElementsAre("1", "2", "3"));
}

TEST_F(EventLoopTest, PostsOfPostsRunInTheNextIteration) {
  SLUICE_ASSERT_OK(loop_->Post([&] {
    Note("1")();
    SLUICE_EXPECT_OK(loop_->Post(Note("3")));
  }));
  SLUICE_ASSERT_OK(loop_->Post(Note("2")));
  RunIteration();
  EXPECT_THAT(TakeLog(), ElementsAre("1", "2"));
  RunIteration(absl::InfiniteDuration());
  EXPECT_THAT(TakeLog(), ElementsAre("3"));
}

TEST_F(EventLoopTest, TimersFireNeitherEarlyNorMoreThanATickLate) {
  std::vector<MonotonicTime> fired;
  CallbackTimer timer([&] { fired.push_back(clock_.Now()); });
  const MonotonicTime armed = clock_.Now();
  loop_->Arm(&timer, absl::Microseconds(2500));
  for (int i = 0; i < 10 && fired.empty(); ++i)
    RunIteration(absl::InfiniteDuration());
  ASSERT_EQ(fired.size(), 1u);
  EXPECT_GE(fired[0] - armed, absl::Microseconds(2500));
  EXPECT_LE(fired[0] - armed, absl::Microseconds(3500));
}

TEST_F(EventLoopTest, ArmCountsFromTheClockAndNotFromTheIteration) {
  MonotonicTime armed, fired;
  CallbackTimer timer([&] { fired = clock_.Now(); });
  TestTask slow([&] {
    clock_.Advance(absl::Milliseconds(50));
    armed = clock_.Now();
    loop_->Arm(&timer, absl::Milliseconds(10));
  });
  loop_->ScheduleLocal(&slow);
  for (int i = 0; i < 10; ++i) RunIteration(absl::Milliseconds(10));
  EXPECT_GE(fired - armed, absl::Milliseconds(10));
}

TEST_F(EventLoopTest, TimersPerIterationAreBoundedAndTheRestDoesNotWait) {
  NewLoop({.max_timers_per_iteration = 2});
  std::vector<std::unique_ptr<CallbackTimer>> timers;
  for (const char* name : {"1", "2", "3"}) {
    timers.push_back(std::make_unique<CallbackTimer>(Note(name)));
    loop_->Arm(timers.back().get(), absl::Milliseconds(1));
  }
  clock_.Advance(absl::Milliseconds(5));
  RunIteration();
  EXPECT_THAT(TakeLog(), ElementsAre("1", "2"));
  RunIteration(absl::InfiniteDuration());
  EXPECT_EQ(poller_->last_timeout(), absl::ZeroDuration());
  EXPECT_THAT(TakeLog(), ElementsAre("3"));
  EXPECT_EQ(loop_->stats().timers, 3u);
}

// -- A timer never overtakes an event that came before its deadline --

class EventLoopLateTimerTest : public EventLoopTest {
 protected:
  // Makes `count` descriptors ready, each for one event, and delays the loop
  // beyond the deadline of a timer.
  void HoldUp(int count) {
    for (int fd = 0; fd < count; ++fd) {
      targets_.push_back(std::make_unique<Target>([this, fd](IoEvents) {
        poller_->SetReady(fd, 0);
        Note("target")();
      }));
      SLUICE_ASSERT_OK(loop_->Add(targets_.back().get(), fd, kReadable));
    }
    loop_->Arm(&timer_, absl::Milliseconds(100));
    RunIteration();
    ASSERT_THAT(TakeLog(), IsEmpty());
    for (int fd = 0; fd < count; ++fd) poller_->SetReady(fd, kReadable);
    clock_.Advance(absl::Milliseconds(300));
  }
  // Runs iterations until the timer has fired, and returns the log.
  std::vector<std::string> TakeLogOfIterations() {
    for (int i = 0; i < 100 && timer_.armed(); ++i) RunIteration();
    EXPECT_FALSE(timer_.armed());
    return TakeLog();
  }
  void TearDown() override {
    for (const auto& target : targets_) loop_->Remove(target.get());
  }

  CallbackTimer timer_{Note("timer")};
  std::vector<std::unique_ptr<Target>> targets_;
};

TEST_F(EventLoopLateTimerTest, FiresAfterAllThatWasReady) {
  poller_->max_events = 2;
  HoldUp(5);
  EXPECT_THAT(TakeLogOfIterations(), ElementsAre("target", "target", "target",
                                                 "target", "target", "timer"));
}

// The wait began before the deadline and returned with one descriptor. Then the
// process stood still, and more descriptors became ready.
TEST_F(EventLoopLateTimerTest,
       FiresAfterDescriptorsThatBecameReadyWhileTheProcessStood) {
  HoldUp(0);
  timer_.Cancel();
  Target late([&](IoEvents) {
    poller_->SetReady(8, 0);
    Note("late")();
  });
  Target first([&](IoEvents) {
    poller_->SetReady(7, 0);
    Note("first")();
    poller_->SetReady(8, kReadable);
  });
  SLUICE_ASSERT_OK(loop_->Add(&first, 7, kReadable));
  SLUICE_ASSERT_OK(loop_->Add(&late, 8, kReadable));
  poller_->SetReady(7, kReadable);
  loop_->Arm(&timer_, absl::Milliseconds(100));
  const absl::Duration wait = loop_->BeginIteration(absl::InfiniteDuration());
  EXPECT_LE(wait, absl::Milliseconds(101));
  const auto events = poller_->Wait(absl::ZeroDuration());
  clock_.Advance(absl::Milliseconds(300));
  SLUICE_ASSERT_OK(loop_->EndIteration(events));
  EXPECT_THAT(TakeLogOfIterations(), ElementsAre("first", "late", "timer"));
  loop_->Remove(&first);
  loop_->Remove(&late);
}

TEST_F(EventLoopLateTimerTest, FiresAfterTasksThatWereQueuedBefore) {
  NewLoop({.max_tasks_per_iteration = 2});
  std::vector<std::unique_ptr<TestTask>> tasks;
  for (int i = 0; i < 5; ++i) {
    tasks.push_back(std::make_unique<TestTask>(Note("task")));
  }
  HoldUp(0);
  for (const auto& task : tasks) loop_->ScheduleLocal(task.get());
  EXPECT_THAT(TakeLogOfIterations(),
              ElementsAre("task", "task", "task", "task", "task", "timer"));
}

TEST_F(EventLoopLateTimerTest, FiresAfterPostsThatWereQueuedBefore) {
  NewLoop({.max_tasks_per_iteration = 2});
  HoldUp(0);
  for (int i = 0; i < 5; ++i) SLUICE_ASSERT_OK(loop_->Post(Note("post")));
  EXPECT_THAT(TakeLogOfIterations(),
              ElementsAre("post", "post", "post", "post", "post", "timer"));
}

// A timer that is armed relative to the wheel's time, as RepeatingTimer does,
// counts from this iteration, although a due timer has not fired yet.
TEST_F(EventLoopLateTimerTest, TheWheelKnowsTheTimeBeforeItFires) {
  HoldUp(0);
  Target target([&](IoEvents) {
    EXPECT_EQ(loop_->timers()->now(), clock_.Now());
    poller_->SetReady(7, 0);
  });
  SLUICE_ASSERT_OK(loop_->Add(&target, 7, kReadable));
  poller_->SetReady(7, kReadable);
  EXPECT_THAT(TakeLogOfIterations(), ElementsAre("timer"));
  EXPECT_EQ(loop_->stats().events, 1u);
  loop_->Remove(&target);
}

TEST_F(EventLoopLateTimerTest, ATaskMayCancelIt) {
  HoldUp(0);
  TestTask task([&] { timer_.Cancel(); });
  loop_->ScheduleLocal(&task);
  EXPECT_THAT(TakeLogOfIterations(), IsEmpty());
  for (int i = 0; i < 3; ++i) RunIteration(absl::Milliseconds(10));
  EXPECT_EQ(loop_->stats().timers, 0u);
}

TEST_F(EventLoopLateTimerTest, DescriptorsThatStayReadyDoNotStarveIt) {
  poller_->max_events = 2;
  HoldUp(0);
  std::vector<std::unique_ptr<Target>> targets;
  for (int fd = 10; fd < 20; ++fd) {
    targets.push_back(std::make_unique<Target>([](IoEvents) {}));
    SLUICE_ASSERT_OK(loop_->Add(targets.back().get(), fd, kReadable));
    poller_->SetReady(fd, kReadable);
  }
  // Five waits report each descriptor, and one begins with the first again.
  for (int i = 0; i < 6; ++i) {
    EXPECT_TRUE(timer_.armed());
    RunIteration();
  }
  EXPECT_FALSE(timer_.armed());
  for (const auto& target : targets) loop_->Remove(target.get());
}

TEST_F(EventLoopLateTimerTest, AnInterruptedWaitDoesNotCountAsALook) {
  HoldUp(1);
  poller_->SetReady(0, 0);
  poller_->interrupted = true;
  for (int i = 0; i < 3; ++i) RunIteration();
  EXPECT_TRUE(timer_.armed());
  poller_->interrupted = false;
  poller_->SetReady(0, kReadable);
  EXPECT_THAT(TakeLogOfIterations(), ElementsAre("target", "timer"));
}

TEST_F(EventLoopTest, NowStandsStillWithinAnIteration) {
  TestTask task([&] {
    const MonotonicTime before = loop_->now();
    clock_.Advance(absl::Milliseconds(7));
    EXPECT_EQ(loop_->now(), before);
  });
  loop_->ScheduleLocal(&task);
  RunIteration();
  RunIteration();
  EXPECT_EQ(loop_->now(), clock_.Now());
}

TEST_F(EventLoopTest, WaitsNoLongerThanAsked) {
  RunIteration(absl::Milliseconds(3));
  EXPECT_EQ(poller_->last_timeout(), absl::Milliseconds(3));
  RunIteration(absl::InfiniteDuration());
  EXPECT_EQ(poller_->last_timeout(), absl::InfiniteDuration());
}

// The loop has looked for tasks, and looks at the clock before it sleeps. A
// task that comes at that moment must not wait, although the loop is not asleep
// yet.
TEST_F(EventLoopTest, ATaskThatComesBeforeTheSleepDoesNotWait) {
  HookedClock clock(&clock_);
  NewLoop({.clock = &clock});
  CallbackTimer timer(Note("timer"));
  loop_->Arm(&timer, absl::Hours(1));
  TestTask task(Note("task"));
  clock.on_now = [&] { loop_->Schedule(&task); };
  RunIteration(absl::InfiniteDuration());
  EXPECT_EQ(poller_->last_timeout(), absl::ZeroDuration());
  EXPECT_THAT(TakeLog(), ElementsAre("task"));

  clock.on_now = [&] { loop_->Stop(); };
  SLUICE_EXPECT_OK(loop_->Run());
  EXPECT_EQ(poller_->last_timeout(), absl::ZeroDuration());
}

TEST_F(EventLoopTest, BetweenTheHalvesOfAnIterationItSleeps) {
  TestTask task(Note("task"));
  Hook hook(Note("hook"));
  Target target([&](IoEvents) { Note("target")(); });
  SLUICE_ASSERT_OK(loop_->Add(&target, 7, kReadable));
  poller_->SetReady(7, kReadable);
  loop_->Hook(IterationHook::Point::kBeforeWait, &hook);
  EXPECT_EQ(loop_->BeginIteration(absl::Seconds(5)), absl::Seconds(5));
  EXPECT_EQ(loop_->stats().wakes, 0u);
  loop_->Schedule(&task);
  EXPECT_EQ(loop_->stats().wakes, 1u);
  clock_.Advance(absl::Seconds(1));
  SLUICE_EXPECT_OK(loop_->EndIteration(poller_->Wait(absl::ZeroDuration())));
  EXPECT_EQ(loop_->now(), clock_.Now());
  EXPECT_EQ(loop_->stats().iterations, 1u);
  EXPECT_THAT(TakeLog(), ElementsAre("hook", "target", "task"));
  // The loop is awake now.
  loop_->Schedule(&task);
  EXPECT_EQ(loop_->stats().wakes, 1u);
  EXPECT_EQ(loop_->BeginIteration(absl::Seconds(5)), absl::ZeroDuration());
  EXPECT_THAT(loop_->EndIteration(absl::InternalError("broken")),
              StatusIs(absl::StatusCode::kInternal));
  loop_->Remove(&target);
  RunIteration();
}

TEST_F(EventLoopTest, SpinsBeforeItSleepsWhileThatHelps) {
  NewLoop({.max_spins = 1});
  for (int i = 0; i < 1'000; ++i) RunIteration();
  EXPECT_EQ(loop_->stats().spins, 0u);  // iterations that do not wait
  for (int i = 0; i < 10'000; ++i) RunIteration(absl::Milliseconds(1));
  EXPECT_EQ(loop_->stats().spins, 8u + 9);
  EXPECT_EQ(poller_->last_timeout(), absl::Milliseconds(1));
  NewLoop({});
  for (int i = 0; i < 1'000; ++i) RunIteration(absl::Milliseconds(1));
  EXPECT_EQ(loop_->stats().spins, 0u);
}

TEST_F(EventLoopTest, ATaskThatComesDuringASpinNeedsNoWakeUp) {
  NewLoop({.max_spins = SIZE_MAX});
  TestTask task(Note("task"));
  std::thread other([&] {
    while (loop_->stats().spins == 0) std::this_thread::yield();
    loop_->Schedule(&task);
    while (task.queued()) std::this_thread::yield();
    loop_->Stop();
  });
  SLUICE_EXPECT_OK(loop_->Run());
  other.join();
  EXPECT_EQ(poller_->last_timeout(), absl::ZeroDuration());
  EXPECT_EQ(loop_->stats().wakes, 0u);
  EXPECT_THAT(TakeLog(), ElementsAre("task"));
}

TEST_F(EventLoopTest, HooksRunInOrderAndMayLeave) {
  Hook first(Note("first"));
  std::unique_ptr<Hook> once;
  once = std::make_unique<Hook>([&] {
    Note("once")();
    once.reset();
  });
  Hook third(Note("third"));
  for (Hook* hook : {&first, once.get(), &third}) {
    loop_->Hook(IterationHook::Point::kBeforeWait, hook);
  }
  RunIteration();
  EXPECT_THAT(TakeLog(), ElementsAre("first", "once", "third"));
  RunIteration();
  EXPECT_THAT(TakeLog(), ElementsAre("first", "third"));
}

TEST_F(EventLoopTest, AHookMayUnhookAnotherAndAddOneForTheNextIteration) {
  Hook later(Note("later"));
  Hook victim(Note("victim"));
  Hook first([&] {
    Note("first")();
    victim.Unlink();
    if (!later.linked()) loop_->Hook(IterationHook::Point::kBeforeWait, &later);
  });
  loop_->Hook(IterationHook::Point::kBeforeWait, &first);
  loop_->Hook(IterationHook::Point::kBeforeWait, &victim);
  RunIteration();
  EXPECT_THAT(TakeLog(), ElementsAre("first"));
  RunIteration();
  EXPECT_THAT(TakeLog(), ElementsAre("first", "later"));
}

TEST_F(EventLoopTest, AnEndlessTaskStarvesNeitherTargetsNorTimers) {
  std::unique_ptr<TestTask> task;
  task = std::make_unique<TestTask>([&] {
    clock_.Advance(absl::Milliseconds(1));
    loop_->ScheduleLocal(task.get());
  });
  loop_->ScheduleLocal(task.get());
  Target target([&](IoEvents) { Note("target")(); });
  SLUICE_ASSERT_OK(loop_->Add(&target, 3, kReadable));
  poller_->SetReady(3, kReadable);
  CallbackTimer timer(Note("timer"));
  loop_->Arm(&timer, absl::Milliseconds(1));
  for (int i = 0; i < 4; ++i) RunIteration();
  EXPECT_THAT(log_, ::testing::Contains("timer"));
  EXPECT_THAT(log_, ::testing::Contains("target").Times(4));
  loop_->Remove(&target);
  loop_->Cancel(task.get());
}

TEST_F(EventLoopTest, TheReceiveBufferHasItsSize) {
  NewLoop({.receive_buffer_size = 100});
  const absl::Span<char> buffer = loop_->receive_buffer();
  ASSERT_EQ(buffer.size(), 100u);
  buffer[99] = 'x';
}

TEST_F(EventLoopTest, RunReturnsThePollersErrorAfterALastIteration) {
  TestTask task(Note("task"));
  Target target([&](IoEvents) { loop_->ScheduleLocal(&task); });
  poller_->FailNextWait(absl::InternalError("broken"));
  loop_->Schedule(&task);
  EXPECT_THAT(loop_->Run(), StatusIs(absl::StatusCode::kInternal));
  EXPECT_THAT(TakeLog(), ElementsAre("task"));
}

TEST_F(EventLoopTest, StopBeforeRunGivesOneLastIteration) {
  TestTask task(Note("task"));
  loop_->ScheduleLocal(&task);
  EXPECT_FALSE(loop_->stopped());
  loop_->Stop();
  EXPECT_TRUE(loop_->stopped());
  SLUICE_EXPECT_OK(loop_->Run());
  EXPECT_THAT(TakeLog(), ElementsAre("task"));
}

TEST_F(EventLoopTest, TasksScheduledInTheLastIterationAreAbandoned) {
  TestTask successor(Note("successor"));
  TestTask task([&] {
    Note("task")();
    loop_->ScheduleLocal(&successor);
  });
  TestTask stop([&] { loop_->Stop(); });
  loop_->ScheduleLocal(&stop);
  TestTask follower([&] { loop_->ScheduleLocal(&task); });
  loop_->ScheduleLocal(&follower);
  SLUICE_EXPECT_OK(loop_->Run());
  EXPECT_THAT(TakeLog(), ElementsAre("task"));
  EXPECT_TRUE(successor.abandoned);
  EXPECT_FALSE(task.abandoned);
  TestTask late(Note("late"));
  EXPECT_TRUE(loop_->Schedule(&late));
  loop_.reset();
  EXPECT_TRUE(late.abandoned);
  EXPECT_THAT(TakeLog(), IsEmpty());
}

TEST_F(EventLoopTest, AfterStopPostsAreRefusedAndWaitingOnesAreDestroyed) {
  auto token = std::make_shared<int>(0);
  TestTask stop([&] {
    loop_->Stop();
    SLUICE_ASSERT_OK(loop_->Post([token, this] { Note("posted")(); }));
  });
  loop_->ScheduleLocal(&stop);
  SLUICE_EXPECT_OK(loop_->Run());
  EXPECT_THAT(TakeLog(), IsEmpty());
  EXPECT_EQ(token.use_count(), 1);
  EXPECT_THAT(loop_->Post(Note("late")),
              StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(EventLoopTest, DestructionAbandonsQueuedTasks) {
  TestTask task(Note("task"));
  loop_->ScheduleLocal(&task);
  loop_.reset();
  EXPECT_TRUE(task.abandoned);
  EXPECT_FALSE(task.queued());
}

TEST_F(EventLoopTest, CallbacksRunOnItsSequence) {
  bool current = false;
  TestTask task(
      [&] { current = SequenceRole::OnAny() && loop_->role().IsCurrent(); });
  loop_->ScheduleLocal(&task);
  RunIteration();
  EXPECT_TRUE(current);
}

using EventLoopDeathTest = EventLoopTest;

TEST_F(EventLoopDeathTest, RunInsideRunIsAnError) {
  TestTask task([&] { (void)loop_->RunOnce(absl::ZeroDuration()); });
  loop_->ScheduleLocal(&task);
  EXPECT_DEATH(RunIteration(), "SLUICE_CHECK failed");
  loop_->Cancel(&task);
}

TEST_F(EventLoopDeathTest, DestructionWithATargetIsAnError) {
  EXPECT_DEATH(
      {
        NewLoop({});  // owned by this process
        auto* target = new Target([](IoEvents) {});
        (void)loop_->Add(target, 3, kReadable);
        loop_.reset();
      },
      "SLUICE_CHECK failed");
}

}  // namespace
}  // namespace sluice
