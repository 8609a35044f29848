// Compares TimerWheel and IdleList with the timers of event loops, in thread
// CPU time. Only the timers of an event loop are measured: the clock that the
// loop reads and the wait that the loop calls cost next to nothing here, see
// virtual_time.h.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "benchmark/benchmark.h"
#include "sluice/base/check.h"
#include "sluice/base/standard_descriptors.h"
#include "sluice/bench/report/comparison.h"
#include "sluice/bench/report/cpu_time.h"
#include "sluice/bench/timer_contenders.h"
#include "sluice/timer/clock.h"
#include "sluice/timer/idle_list.h"
#include "sluice/timer/timer_wheel.h"

namespace sluice {
namespace {

constexpr int64_t kMinuteTicks = 60'000;

// A generator of random numbers, the same in each process. A number costs 1 ns.
class Random {
 public:
  uint64_t Below(uint64_t bound) {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return (state_ >> 32) * bound >> 32;
  }
  // Returns a duration from 1 us up to, but not including, a minute.
  absl::Duration WithinAMinute() {
    return absl::Microseconds(1 + Below(59'999'999));
  }

 private:
  uint64_t state_ = 88172645463325252;
};

// Returns the thread CPU time of a step, in nanoseconds. First runs an eighth
// as many steps, which are not measured.
template <typename Step>
double NanosPerStep(size_t steps, Step step) {
  for (size_t i = 0; i < steps / 8; ++i) step();
  const absl::Duration begin = ThreadCpuTime();
  for (size_t i = 0; i < steps; ++i) step();
  return absl::ToDoubleNanoseconds(ThreadCpuTime() - begin) /
         static_cast<double>(steps);
}

template <typename T>
void ArmWithinAMinute(size_t count, Random* random, T* timers) {
  for (size_t i = 0; i < count; ++i) {
    timers->Arm(i, timers->TimeoutOf(random->WithinAMinute()));
  }
}

template <typename T, int64_t kMillis>
std::vector<double> ArmAndCancel(size_t others) {
  T timers(others + 1);
  Random random;
  const auto timeout = timers.TimeoutOf(absl::Milliseconds(kMillis));
  ArmWithinAMinute(others, &random, &timers);
  return {NanosPerStep(1'000'000, [&] {
    timers.Arm(others, timeout);
    benchmark::ClobberMemory();
    timers.Cancel(others);
    benchmark::ClobberMemory();
  })};
}

template <typename T>
std::vector<double> CancelAndArmAnother(size_t count) {
  T timers(count);
  Random random;
  // The timeouts are made before the measurement, because making them is not
  // the work of the timers. The steps take the timeouts in order, so that the
  // next one is in the cache.
  std::vector<typename T::Timeout> timeouts;
  for (int i = 0; i < 1 << 14; ++i) {
    timeouts.push_back(timers.TimeoutOf(random.WithinAMinute()));
  }
  ArmWithinAMinute(count, &random, &timers);
  size_t next = 0;
  return {NanosPerStep(1'000'000, [&] {
    const size_t i = random.Below(count);
    timers.Cancel(i);
    timers.Arm(i, timeouts[next++ % timeouts.size()]);
  })};
}

// Calls `tick` until all timers that ArmWithinAMinute() has armed have fired,
// each in its tick. Checks how many have fired after 30 s and after a minute: a
// contender that used another clock than the others would fail the check.
template <typename T, typename Tick>
void PassAMinute(size_t count, const T& timers, Tick tick) {
  const uint64_t begin = timers.fired();
  for (int64_t i = 0; i < kMinuteTicks / 2; ++i) tick();
  const uint64_t half = timers.fired() - begin;
  SLUICE_CHECK(half > count * 49 / 100 && half < count * 51 / 100);
  for (int64_t i = 0; i < kMinuteTicks / 2 + 2; ++i) tick();
  SLUICE_CHECK(timers.fired() - begin == count);
}

// Returns the nanoseconds per timer, then the worst and the fourth worst tick
// in microseconds. Reading the clock in each tick would be a part of the cost
// of a timer. Therefore the timers fire twice, and only the second pass reads
// the clock in each tick.
template <typename T>
std::vector<double> FireAll(size_t count) {
  T timers(count);
  Random random;
  ArmWithinAMinute(count, &random, &timers);
  const absl::Duration begin = ThreadCpuTime();
  PassAMinute(count, timers, [&] { timers.Tick(); });
  const absl::Duration all = ThreadCpuTime() - begin;

  ArmWithinAMinute(count, &random, &timers);
  std::vector<double> ticks;
  ticks.reserve(kMinuteTicks + 2);
  PassAMinute(count, timers, [&] {
    const absl::Duration tick = ThreadCpuTime();
    timers.Tick();
    ticks.push_back(absl::ToDoubleMicroseconds(ThreadCpuTime() - tick));
  });
  std::sort(ticks.begin(), ticks.end(), std::greater<>());
  return {absl::ToDoubleNanoseconds(all) / static_cast<double>(count), ticks[0],
          ticks[3]};
}

// Returns two times in nanoseconds. The first is the time of a NextDeadline()
// if nothing has changed since the last call. The second is the time to arm a
// timer that becomes the next one, ask, cancel that timer and ask again, so
// that NextDeadline() has to look.
template <typename T>
std::vector<double> NextDeadline(size_t count) {
  T timers(count + 1);
  Random random;
  for (size_t i = 0; i < count; ++i) {
    timers.Arm(i, timers.TimeoutOf(absl::Minutes(1) + random.WithinAMinute()));
  }
  const auto soon = timers.TimeoutOf(absl::Milliseconds(20));
  const auto ask = [&] {
    auto deadline = timers.NextDeadline();
    benchmark::DoNotOptimize(deadline);
    benchmark::ClobberMemory();
  };
  const double unchanged = NanosPerStep(1'000'000, ask);
  const double changed = NanosPerStep(1'000'000, [&] {
    timers.Arm(count, soon);
    ask();
    timers.Cancel(count);
    ask();
  });
  return {unchanged, changed};
}

// The limit: the next deadline is known at any time, so that NextDeadline()
// only loads it.
class KnownDeadline : public BareLists<1> {
 public:
  using BareLists<1>::BareLists;

  void Arm(size_t i, Timeout timeout) {
    BareLists<1>::Arm(i, timeout);
    next_ = timeout;
  }
  uint32_t NextDeadline() const { return next_; }

 private:
  uint32_t next_ = 0;
};

template <typename T>
std::vector<double> EmptyTick(size_t count) {
  T timers(count);
  Random random;
  for (size_t i = 0; i < count; ++i) {
    timers.Arm(i, timers.TimeoutOf(absl::Hours(1) + random.WithinAMinute()));
  }
  const double nanos = NanosPerStep(1'000'000, [&] {
    timers.Tick();
    benchmark::ClobberMemory();
  });
  SLUICE_CHECK(timers.fired() == 0);
  return {nanos};
}

// The limit: a tick compares the time with the deadline of the next timer.
class OneComparison {
 public:
  using Timeout = int64_t;

  explicit OneComparison(size_t) {}
  Timeout TimeoutOf(absl::Duration timeout) const {
    return absl::ToInt64Milliseconds(timeout);
  }
  void Arm(size_t, Timeout timeout) { next_ = std::min(next_, timeout); }
  void Tick() {
    if (++now_ >= next_) ++fired_;
  }
  uint64_t fired() const { return fired_; }

 private:
  int64_t now_ = 0;
  Timeout next_ = INT64_MAX;
  uint64_t fired_ = 0;
};

// Measures `touch(i)` of a random member, with a tick after each 128 touches.
// If every member is touched each second, no member becomes idle.
template <typename Touch, typename Tick>
std::vector<double> TouchAny(size_t members, Touch touch, Tick tick) {
  Random random;
  uint32_t touches = 0;
  return {NanosPerStep(2'000'000, [&] {
    touch(random.Below(members));
    benchmark::ClobberMemory();
    if (++touches % 128 == 0) tick();
  })};
}

std::vector<double> TouchByStore(size_t members) {
  struct Member {
    void* links[2];
    uint32_t last_active;
  };
  const std::unique_ptr<Member[]> all(new Member[members]());
  uint32_t now = 0;
  return TouchAny(
      members, [&](size_t i) { all[i].last_active = now; }, [&] { ++now; });
}

std::vector<double> TouchInIdleList(size_t members) {
  struct Member : public IdleEntry {};
  TimerWheel wheel{MonotonicTime()};
  size_t idle = 0;
  IdleList list(&wheel, {.timeout = absl::Minutes(1)},
                [&](IdleEntry*) { ++idle; });
  const std::unique_ptr<Member[]> all(new Member[members]);
  for (size_t i = 0; i < members; ++i) list.Add(&all[i]);
  int64_t now_ns = 0;
  std::vector<double> nanos = TouchAny(
      members, [&](size_t i) { list.Touch(&all[i]); },
      [&] {
        now_ns += 1'000'000;
        wheel.AdvanceTo(MonotonicTime::FromNanos(now_ns));
      });
  SLUICE_CHECK(idle == 0);
  return nanos;
}

template <typename T>
std::vector<double> TouchByRearming(size_t members) {
  T timers(members);
  const auto timeout = timers.TimeoutOf(absl::Minutes(1));
  for (size_t i = 0; i < members; ++i) timers.Arm(i, timeout);
  std::vector<double> nanos = TouchAny(
      members, [&](size_t i) { timers.Rearm(i, timeout); },
      [&] { timers.Tick(); });
  SLUICE_CHECK(timers.fired() == 0);
  return nanos;
}

using Measurement = std::vector<double> (*)(size_t count);

// Returns a case whose contenders differ in their type and have the same
// `count`.
ComparedCase CaseOf(
    std::string name, std::vector<std::string> metrics, size_t count,
    const std::vector<std::pair<std::string, Measurement>>& measurements) {
  ComparedCase result = {std::move(name), std::move(metrics), {}};
  for (const auto& [contender, measure] : measurements) {
    result.contenders.push_back(
        {contender, [measure = measure, count] { return measure(count); }});
  }
  return result;
}

template <int64_t kMillis>
ComparedCase ArmAndCancelCase(const std::string& what, size_t others) {
  return CaseOf(
      absl::StrCat("arm and cancel ", what), {"ns per pair"}, others,
      {{"limit", &ArmAndCancel<BareLists<1>, kMillis>},
       {"Sluice", &ArmAndCancel<SluiceTimers, kMillis>},
       {"Sluice, deadline known", &ArmAndCancel<SluiceDeadlines, kMillis>},
       {"libevent", &ArmAndCancel<LibeventTimers, kMillis>},
       {"libevent, one timeout for all",
        &ArmAndCancel<LibeventCommonTimers, kMillis>},
       {"libuv", &ArmAndCancel<LibuvTimers, kMillis>},
       {"libev", &ArmAndCancel<LibevTimers, kMillis>},
       {"Boost.Asio", &ArmAndCancel<AsioTimers, kMillis>},
       {"std::multimap", &ArmAndCancel<MultimapTimers, kMillis>}});
}

ComparedCase CancelAndArmAnotherCase(const std::string& number, size_t count,
                                     bool all) {
  std::vector<std::pair<std::string, Measurement>> measurements = {
      {"limit", &CancelAndArmAnother<BareLists<4096>>},
      {"Sluice", &CancelAndArmAnother<SluiceTimers>},
      {"Sluice, deadline known", &CancelAndArmAnother<SluiceDeadlines>},
      {"libev", &CancelAndArmAnother<LibevTimers>}};
  if (all) {
    measurements.insert(
        measurements.end(),
        {{"libevent", &CancelAndArmAnother<LibeventTimers>},
         {"libuv", &CancelAndArmAnother<LibuvTimers>},
         {"Boost.Asio", &CancelAndArmAnother<AsioTimers>},
         {"std::multimap", &CancelAndArmAnother<MultimapTimers>}});
  }
  return CaseOf(absl::StrCat("cancel any of ", number, " and arm another"),
                {"ns per pair"}, count, measurements);
}

std::vector<ComparedCase> Cases() {
  return {
      ArmAndCancelCase<30'000>("in 30 s, among 1,000", 1'000),
      ArmAndCancelCase<30'000>("in 30 s, among 100,000", 100'000),
      ArmAndCancelCase<30'000>("in 30 s, among 1,000,000", 1'000'000),
      ArmAndCancelCase<1>("in 1 ms, among 1,000,000", 1'000'000),
      CancelAndArmAnotherCase("1,000", 1'000, true),
      CancelAndArmAnotherCase("100,000", 100'000, true),
      CancelAndArmAnotherCase("1,000,000", 1'000'000, true),
      CancelAndArmAnotherCase("10,000,000", 10'000'000, false),
      CaseOf("fire 1,000,000 over a minute, in ticks of a millisecond",
             {"ns per timer", "worst tick, us", "fourth worst tick, us"},
             1'000'000,
             {{"limit", &FireAll<BareLists<65536>>},
              {"Sluice", &FireAll<SluiceTimers>},
              {"libevent", &FireAll<LibeventTimers>},
              {"libuv", &FireAll<LibuvTimers>},
              {"libev", &FireAll<LibevTimers>},
              {"Boost.Asio", &FireAll<AsioTimers>},
              {"std::multimap", &FireAll<MultimapTimers>}}),
      CaseOf("next deadline, 100,000 far timers",
             {"ns per call, nothing changed", "ns to arm, ask, cancel and ask"},
             100'000,
             {{"limit", &NextDeadline<KnownDeadline>},
              {"Sluice", &NextDeadline<SluiceTimers>},
              {"libuv", &NextDeadline<LibuvTimers>},
              {"std::multimap", &NextDeadline<MultimapTimers>}}),
      CaseOf("an empty tick, 100,000 far timers", {"ns per tick"}, 100'000,
             {{"limit", &EmptyTick<OneComparison>},
              {"Sluice", &EmptyTick<SluiceTimers>},
              {"std::multimap", &EmptyTick<MultimapTimers>}}),
      CaseOf("touch any of 100,000 that may idle for a minute",
             {"ns per touch"}, 100'000,
             {{"limit, a store", &TouchByStore},
              {"Sluice, IdleList", &TouchInIdleList},
              {"Sluice, re-arming", &TouchByRearming<SluiceTimers>},
              {"libevent, one timeout for all",
               &TouchByRearming<LibeventCommonTimers>},
              {"libuv", &TouchByRearming<LibuvTimers>},
              {"libev", &TouchByRearming<LibevTimers>}}),
  };
}

}  // namespace
}  // namespace sluice

int main(int argc, char* argv[]) {
  sluice::FillStandardDescriptors();
  return sluice::FinishStandardOutput(
      "//bench:timers", sluice::RunComparison(argc, argv,
                                              {"Timers",
                                               "//bench:timers",
                                               {"libevent-dev", "libuv1-dev",
                                                "libev-dev", "libboost-dev"},
                                               sluice::Cases()}));
}
