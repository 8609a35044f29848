#include "sluice/event/poller/sim_poller.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sluice/base/testing/status_matchers.h"
#include "sluice/event/poller/poller.h"
#include "sluice/event/poller/poller_conformance.h"
#include "sluice/event/poller/sim_descriptors.h"
#include "sluice/timer/clock.h"
#include "sluice/timer/sim_clock.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// A world of simulated streams with the conditions of the kernel's streams.
class SimPollerWorld final : public PollerWorld {
 public:
  absl::StatusOr<std::unique_ptr<Poller>> NewPoller(
      size_t max_events) override {
    auto poller = std::make_unique<SimPoller>(
        &descriptors_, &clock_, PollerOptions{.max_events = max_events});
    poller_ = poller.get();
    return poller;
  }
  const Clock& clock() const override { return clock_; }

  size_t room() const override { return 20'000; }
  std::pair<int, int> NewPair() override {
    const int a = descriptors_.Open();
    const int b = descriptors_.Open();
    ends_[a] = {.peer = b};
    ends_[b] = {.peer = a};
    Update(a);
    return {a, b};
  }
  void Send(int fd) override { Change(ends_[fd].peer, &End::has_input); }
  void Receive(int fd) override {
    ends_[fd].has_input = false;
    ends_[ends_[fd].peer].full = false;
    Update(fd);
  }
  void Fill(int fd) override {
    Send(fd);
    Change(fd, &End::full);
  }
  void ShutdownWrite(int fd) override {
    Change(fd, &End::sent_end);
    Change(ends_[fd].peer, &End::got_end);
  }
  void Close(int fd) override {
    Change(ends_[fd].peer, &End::got_end);
    descriptors_.Close(fd);
    ends_.erase(fd);
  }
  void Reset(int fd) override {
    const int peer = ends_[fd].peer;
    Close(fd);
    Change(peer, &End::reset);
  }

  void RunDuring(absl::FunctionRef<void()> wait,
                 absl::FunctionRef<void()> action) override {
    bool done = false;
    poller_->WhileBlocked([&](MonotonicTime) {
      if (!done) action();
      done = true;
    });
    wait();
    poller_->WhileBlocked(nullptr);
    EXPECT_TRUE(done) << "was not blocked";
  }
  bool InterruptDuring(absl::FunctionRef<void()>) override { return false; }

 private:
  struct End {
    int peer;
    bool has_input = false;
    bool full = false;
    bool sent_end = false;
    bool got_end = false;
    bool reset = false;
  };

  void Change(int fd, bool End::*flag) {
    if (!descriptors_.IsOpen(fd)) return;
    ends_[fd].*flag = true;
    Update(fd);
  }
  void Update(int fd) {
    for (const int number : {fd, ends_[fd].peer}) {
      if (!descriptors_.IsOpen(number)) continue;
      const End& end = ends_[number];
      const bool over = end.reset || (end.sent_end && end.got_end);
      descriptors_.SetReady(
          number, (end.has_input || end.got_end || over ? kReadable : 0) |
                      (!end.full || over ? kWritable : 0) |
                      (end.reset ? kError : 0) | (over ? kHangup : 0));
    }
  }

  SimClock clock_;
  SimDescriptors descriptors_;
  std::map<int, End> ends_;
  SimPoller* poller_ = nullptr;  // the last one
};

INSTANTIATE_TEST_SUITE_P(
    Sim, PollerConformanceTest,
    ::testing::Values(PollerBackend{
        .name = "sim",
        .new_world = [] { return std::make_unique<SimPollerWorld>(); }}),
    PollerBackend::Name);

class SimPollerTest : public ::testing::Test {
 protected:
  int Open(IoEvents ready) {
    const int fd = descriptors_.Open();
    descriptors_.SetReady(fd, ready);
    return fd;
  }
  // Returns the tokens of a Wait(), in their order.
  std::vector<uint64_t> Wait(SimPoller& poller, absl::Duration timeout) {
    const auto events = poller.Wait(timeout);
    SLUICE_EXPECT_OK(events);
    std::vector<uint64_t> tokens;
    for (const IoEvent& event : *events) tokens.push_back(event.token);
    return tokens;
  }
  absl::Duration Elapsed() const { return clock_.Now() - start_; }

  SimDescriptors descriptors_;
  SimClock clock_;
  const MonotonicTime start_ = clock_.Now();
  SimPoller poller_{&descriptors_, &clock_};
};

TEST_F(SimPollerTest, AWaitForNothingTakesExactlyItsTimeout) {
  EXPECT_THAT(Wait(poller_, absl::Seconds(30)), IsEmpty());
  EXPECT_EQ(Elapsed(), absl::Seconds(30));
  EXPECT_THAT(Wait(poller_, absl::Nanoseconds(1) / 4), IsEmpty());
  EXPECT_EQ(Elapsed(), absl::Seconds(30) + absl::Nanoseconds(1));
}

TEST_F(SimPollerTest, AWaitThatIsAnsweredTakesNoTime) {
  SLUICE_ASSERT_OK(poller_.Add(Open(kReadable), kReadable, 1, AddHint::kNone));
  EXPECT_THAT(Wait(poller_, absl::Seconds(30)), ElementsAre(1));
  SimPoller other(&descriptors_, &clock_);
  other.Wake();
  EXPECT_THAT(Wait(other, absl::Seconds(30)), IsEmpty());
  EXPECT_EQ(Elapsed(), absl::ZeroDuration());
}

TEST_F(SimPollerTest, AWaitForNothingWithoutTimeoutReturnsAtOnce) {
  EXPECT_THAT(Wait(poller_, absl::InfiniteDuration()), IsEmpty());
  EXPECT_EQ(Elapsed(), absl::ZeroDuration());
}

TEST_F(SimPollerTest, ADescriptorMayBeReadyBeforeItIsWatchedAndChangePoller) {
  const int fd = Open(kReadable);
  SimPoller other(&descriptors_, &clock_);
  SLUICE_ASSERT_OK(poller_.Add(fd, kReadable, 1, AddHint::kNone));
  EXPECT_THAT(Wait(poller_, absl::ZeroDuration()), ElementsAre(1));
  SLUICE_ASSERT_OK(poller_.Remove(fd));
  SLUICE_ASSERT_OK(other.Add(fd, kReadable, 2, AddHint::kNone));
  EXPECT_THAT(Wait(poller_, absl::ZeroDuration()), IsEmpty());
  EXPECT_THAT(Wait(other, absl::ZeroDuration()), ElementsAre(2));
}

TEST_F(SimPollerTest, BeginsAfterTheDescriptorThatItReportedLast) {
  SimPoller poller(&descriptors_, &clock_, {.max_events = 2});
  for (uint64_t token = 0; token < 3; ++token) {
    SLUICE_ASSERT_OK(
        poller.Add(Open(kReadable), kReadable, token, AddHint::kNone));
  }
  EXPECT_THAT(Wait(poller, absl::ZeroDuration()), ElementsAre(0, 1));
  EXPECT_THAT(Wait(poller, absl::ZeroDuration()), ElementsAre(2, 0));
}

TEST_F(SimPollerTest, ReportsAgainOnlyReportedDescriptors) {
  const int a = descriptors_.Open(), b = descriptors_.Open();
  SLUICE_ASSERT_OK(poller_.Add(a, kReadable, 1, AddHint::kNone));
  SLUICE_ASSERT_OK(poller_.Add(b, kReadable, 2, AddHint::kNone));
  EXPECT_EQ(poller_.size(), 2u);
  EXPECT_THAT(poller_.ReportAgain(1), IsEmpty());
  descriptors_.SetReady(b, kReadable);
  SLUICE_ASSERT_OK(poller_.Wait(absl::ZeroDuration()));
  descriptors_.SetReady(b, 0);
  EXPECT_THAT(poller_.ReportAgain(0), IsEmpty());
  ASSERT_EQ(poller_.ReportAgain(1).size(), 1u);
  EXPECT_EQ(poller_.ReportAgain(1)[0].token, 2u);
  EXPECT_EQ(poller_.ReportAgain(1)[0].flags, kReadable);
  SLUICE_ASSERT_OK(poller_.Modify(b, kWritable, 3));
  ASSERT_EQ(poller_.ReportAgain(1).size(), 1u);
  EXPECT_EQ(poller_.ReportAgain(1)[0].token, 3u);
  EXPECT_EQ(poller_.ReportAgain(1)[0].flags, kWritable);
  SLUICE_ASSERT_OK(poller_.Modify(b, 0, 3));
  EXPECT_THAT(poller_.ReportAgain(1), IsEmpty());
  SLUICE_ASSERT_OK(poller_.Remove(b));
  SLUICE_ASSERT_OK(poller_.Add(b, kReadable, 4, AddHint::kNone));
  EXPECT_THAT(poller_.ReportAgain(1), IsEmpty());
}

TEST_F(SimPollerTest, AnEventWhileItIsBlockedEndsTheWait) {
  const int fd = Open(0);
  SLUICE_ASSERT_OK(poller_.Add(fd, kReadable, 1, AddHint::kNone));
  int blocked = 0;
  poller_.WhileBlocked([&](MonotonicTime deadline) {
    EXPECT_EQ(deadline, start_ + absl::Seconds(30));
    clock_.Advance(absl::Seconds(10));
    if (++blocked == 1) descriptors_.SetReady(fd, kReadable);
    if (blocked == 2) poller_.Wake();
  });
  EXPECT_THAT(Wait(poller_, absl::Seconds(30)), ElementsAre(1));
  EXPECT_EQ(Elapsed(), absl::Seconds(10));
  descriptors_.SetReady(fd, 0);
  EXPECT_THAT(Wait(poller_, absl::Seconds(20)), IsEmpty());
  EXPECT_EQ(Elapsed(), absl::Seconds(20));
  // Nothing came, so the rest of the time passes.
  EXPECT_THAT(Wait(poller_, absl::Seconds(10)), IsEmpty());
  EXPECT_EQ(Elapsed(), absl::Seconds(30));
  EXPECT_EQ(blocked, 3);
}

TEST_F(SimPollerTest, IsNotBlockedByAWaitOfNoTimeNorOneThatIsAnswered) {
  poller_.WhileBlocked([](MonotonicTime) { ADD_FAILURE() << "blocked"; });
  Wait(poller_, absl::ZeroDuration());
  poller_.Wake();
  Wait(poller_, absl::Seconds(1));
  SLUICE_ASSERT_OK(poller_.Add(Open(kReadable), kReadable, 1, AddHint::kNone));
  Wait(poller_, absl::Seconds(1));
}

using SimPollerDeathTest = SimPollerTest;

TEST_F(SimPollerDeathTest, ADescriptorThatIsClosedBeforeRemoveIsACheck) {
  const int fd = Open(0);
  SLUICE_ASSERT_OK(poller_.Add(fd, kReadable, 1, AddHint::kNone));
  descriptors_.Close(fd);
  EXPECT_DEATH((void)poller_.Wait(absl::ZeroDuration()),
               "closed_before_remove");
}

TEST_F(SimPollerDeathTest, MovingTheClockBeyondAWaitCheckFails) {
  poller_.WhileBlocked([&](MonotonicTime) { clock_.Advance(absl::Hours(1)); });
  EXPECT_DEATH((void)poller_.Wait(absl::Seconds(1)), "deadline");
}

}  // namespace
}  // namespace sluice
