// Tests the timers of a loop on a simulated host whose clocks drift and are
// stepped.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "sluice/event/event_loop.h"
#include "sluice/net/sim/sim_network.h"
#include "sluice/net/sim/sim_random.h"
#include "sluice/net/sim/sim_test_runner.h"
#include "sluice/timer/clock.h"
#include "sluice/timer/idle_list.h"
#include "sluice/timer/repeating_timer.h"
#include "sluice/timer/timer_wheel.h"

namespace sluice {
namespace {

// Timers of all kinds on one loop. Each timer checks the host's clock when it
// fires. The loop has nothing else to do and a loop iteration takes no time, so
// a due timer is called within a tick.
class Timers {
 public:
  Timers(SimHost* host, EventLoop* loop, SimRandom* random)
      : clock_(*host->platform().clock),
        loop_(*loop),
        random_(*random),
        idle_list_(
            loop->timers(), {.timeout = kIdle},
            [](IdleEntry* entry) { static_cast<Idler*>(entry)->OnIdle(); }),
        beats_(loop->timers(), [this](uint64_t skipped) { OnBeat(skipped); }) {
    for (int i = 0; i < kTimers; ++i) {
      alarms_.push_back(std::make_unique<Alarm>(this));
      idlers_.push_back(std::make_unique<Idler>(this));
    }
  }

  // Does something that a program does to its timers.
  void Act() {
    Alarm& alarm = *alarms_[random_.Below(kTimers)];
    Idler& idler = *idlers_[random_.Below(kTimers)];
    switch (random_.Below(6)) {
      case 0:
        return alarm.Stop();
      case 1:
        return idler.Start();
      case 2:
        return idler.Stop();
      case 3:
        return beats_running() ? StopBeats() : StartBeats();
      default:
        return alarm.Start();
    }
  }

  // Expects that all timers have fired.
  void ExpectAllFired() {
    StopBeats();
    EXPECT_EQ(loop_.timers()->size(), 0u);
    for (const auto& alarm : alarms_) EXPECT_FALSE(alarm->due.has_value());
    for (const auto& idler : idlers_) EXPECT_FALSE(idler->touched.has_value());
  }
  void StopBeats() {
    beats_.Stop();
    next_beat_.reset();
  }

  int fired() const { return fired_; }

  static constexpr absl::Duration kLongest = absl::Minutes(2);

 private:
  static constexpr int kTimers = 4;
  static constexpr absl::Duration kIdle = absl::Seconds(16);

  struct Alarm final : Timer {
    explicit Alarm(Timers* timers) : all(*timers) {}

    void Start() {
      const absl::Duration delay = all.AnyDelay();
      due = all.clock_.Now() + delay;
      all.loop_.Arm(this, delay);
    }
    void Stop() {
      Cancel();
      due.reset();
    }
    void Fire() override {
      ASSERT_TRUE(due.has_value()) << "a timer fires that was cancelled";
      all.ExpectInTime(*std::exchange(due, std::nullopt), absl::ZeroDuration());
      if (all.random_.Below(2) == 0) Start();
    }

    Timers& all;
    std::optional<MonotonicTime> due;
  };

  struct Idler final : IdleEntry {
    explicit Idler(Timers* timers) : all(*timers) {}

    void Start() {
      if (linked()) {
        all.idle_list_.Touch(this);
      } else {
        all.idle_list_.Add(this);
      }
      touched = all.clock_.Now();
    }
    void Stop() {
      Unlink();
      touched.reset();
    }
    void OnIdle() {
      ASSERT_TRUE(touched.has_value());
      all.ExpectInTime(*std::exchange(touched, std::nullopt) + kIdle,
                       /*late=*/kIdle / 8);
    }

    Timers& all;
    std::optional<MonotonicTime> touched;
  };

  bool beats_running() const { return next_beat_.has_value(); }
  void StartBeats() {
    period_ = absl::Milliseconds(2) + AnyDelay();
    next_beat_ = clock_.Now() + AnyDelay();
    beats_.Start(*next_beat_, period_);
  }
  void OnBeat(uint64_t skipped) {
    ASSERT_TRUE(next_beat_.has_value());
    ExpectInTime(*next_beat_, absl::ZeroDuration());
    EXPECT_EQ(skipped, 0u);  // no period is shorter than a tick
    next_beat_ = *next_beat_ + period_;
    if (random_.Below(20) == 0) StopBeats();
  }

  absl::Duration AnyDelay() {
    constexpr absl::Duration kMost[] = {absl::Microseconds(10),
                                        absl::Milliseconds(100), kLongest};
    return random_.UpTo(kMost[random_.Below(3)]);
  }
  void ExpectInTime(MonotonicTime due, absl::Duration late) {
    ++fired_;
    EXPECT_GE(clock_.Now(), due) << "early";
    EXPECT_LE(clock_.Now(), due + late + loop_.timers()->tick()) << "late";
  }

  const Clock& clock_;
  EventLoop& loop_;
  SimRandom& random_;
  std::vector<std::unique_ptr<Alarm>> alarms_;
  IdleList idle_list_;
  std::vector<std::unique_ptr<Idler>> idlers_;
  RepeatingTimer beats_;
  std::optional<MonotonicTime> next_beat_;
  absl::Duration period_;
  int fired_ = 0;
};

void SetClocks(SimRandom* random, SimHost* host) {
  constexpr int kFifth = 200'000;  // of a million
  if (random->Below(2) == 0) {
    host->StepWall(random->UpTo(absl::Hours(48)) - absl::Hours(24));
  } else {
    host->SetDrift(static_cast<int>(random->Below(2 * kFifth + 1)) - kFifth);
  }
}

TEST(SimTimerTest, NoTimerFiresEarlyLateOrAfterItsCancellation) {
  SimTestWorlds worlds;
  worlds.seeds = 300;
  RunSimTest(worlds, [](SimNetwork& network) {
    SimRandom random(~network.seed() * 3);
    SimHost* const host = network.AddHost("host");
    EventLoop::Options options;
    options.timer_tick = absl::Microseconds(1 + random.Below(2000));
    options.max_posted = 64;
    EventLoop* const loop = host->NewLoop(std::move(options));
    Timers timers(host, loop, &random);
    for (int i = 0; i < 60; ++i) {
      if (random.Below(4) == 0) SetClocks(&random, host);
      timers.Act();
      network.RunFor(random.UpTo(random.Below(4) == 0 ? Timers::kLongest
                                                      : absl::Seconds(1)));
    }
    timers.StopBeats();
    // Half of the alarms that fire arm themselves again.
    network.RunFor(100 * Timers::kLongest);
    timers.ExpectAllFired();
    EXPECT_GT(timers.fired(), 0);
  });
}

}  // namespace
}  // namespace sluice
