#ifndef SLUICE_BENCH_TIMER_CONTENDERS_H_
#define SLUICE_BENCH_TIMER_CONTENDERS_H_

#if !__has_include(<ev.h>) || !__has_include(<event2/event.h>) || \
    !__has_include(<uv.h>) || !__has_include(<boost/asio/io_context.hpp>)
#error "libraries to compare with are missing: bench/setup installs them"
#endif

#include <ev.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <uv.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "sluice/base/check.h"
#include "sluice/bench/report/virtual_time.h"
#include "sluice/timer/clock.h"
#include "sluice/timer/timer_wheel.h"

// Containers of many timers, each used as its documentation recommends, all
// with the same calls:
//
//   T(count)               creates `count` timers, none of them armed
//   T::Timeout             the type of the timeouts that Arm() takes
//   TimeoutOf(duration)    converts a duration, of whole microseconds
//   Arm(i, timeout)        arms the i-th timer, which is not armed
//   Rearm(i, timeout)      arms the i-th timer again, which is armed
//   Cancel(i)              cancels the i-th timer, which is armed
//   Tick()                 advances the time by 1 ms, and fires the timers that
//                          are due
//   NextDeadline()         returns the time of the next look, in its own unit
//   fired()                returns the number of timers that have fired so far
//
// Some containers lack some of the calls. A timer that fires adds one to a
// number. Event loops run one loop iteration in each tick, in virtual time. Use
// a container for one measurement, in a process of its own: containers release
// no resources.
namespace sluice {

// The limit: circular lists, one for each tick modulo the number of lists,
// which is a power of two. If a timer is to fire, its timeout must not be
// longer than kLists ticks.
template <uint32_t kLists>
class BareLists {
 public:
  using Timeout = uint32_t;  // ticks

  explicit BareLists(size_t count)
      : nodes_(new Node[count]), lists_(new Node[kLists]) {
    for (uint32_t i = 0; i < kLists; ++i) {
      lists_[i].next = lists_[i].prev = &lists_[i];
    }
    for (size_t i = 0; i < count; ++i) nodes_[i].fire = &AddOne;
  }

  Timeout TimeoutOf(absl::Duration timeout) const {
    return static_cast<Timeout>(absl::ToInt64Milliseconds(timeout)) + 1;
  }
  void Arm(size_t i, Timeout timeout) {
    Node* const list = &lists_[(now_ + timeout) % kLists];
    Node* const node = &nodes_[i];
    node->prev = list->prev;
    node->next = list;
    list->prev->next = node;
    list->prev = node;
  }
  void Cancel(size_t i) { Unlink(&nodes_[i]); }
  void Tick() {
    Node* const list = &lists_[++now_ % kLists];
    while (list->next != list) {
      Node* const node = list->next;
      Unlink(node);
      node->fire(&fired_);
    }
  }
  uint64_t fired() const { return fired_; }

 private:
  struct Node {
    Node* next;
    Node* prev;
    void (*fire)(uint64_t* fired);
  };

  static void AddOne(uint64_t* fired) { ++*fired; }
  static void Unlink(Node* node) {
    node->next->prev = node->prev;
    node->prev->next = node->next;
  }

  uint32_t now_ = 0;
  uint64_t fired_ = 0;
  const std::unique_ptr<Node[]> nodes_;
  const std::unique_ptr<Node[]> lists_;
};

class SluiceTimers {
 public:
  using Timeout = absl::Duration;

  explicit SluiceTimers(size_t count)
      : timers_(new CountingTimer[count]), wheel_(MonotonicTime()) {
    for (size_t i = 0; i < count; ++i) timers_[i].fired = &fired_;
  }

  Timeout TimeoutOf(absl::Duration timeout) const { return timeout; }
  void Arm(size_t i, Timeout timeout) {
    wheel_.Arm(&timers_[i], wheel_.now() + timeout);
  }
  void Rearm(size_t i, Timeout timeout) { Arm(i, timeout); }
  void Cancel(size_t i) { timers_[i].Cancel(); }
  void Tick() {
    now_ns_ += 1'000'000;
    wheel_.AdvanceTo(MonotonicTime::FromNanos(now_ns_));
  }
  MonotonicTime NextDeadline() { return wheel_.NextDeadline(); }
  uint64_t fired() const { return fired_; }

 protected:
  struct CountingTimer final : public Timer {
    void Fire() override { ++*fired; }
    uint64_t* fired = nullptr;
  };

  uint64_t fired_ = 0;
  const std::unique_ptr<CountingTimer[]> timers_;
  TimerWheel wheel_;

 private:
  int64_t now_ns_ = 0;
};

// SluiceTimers with deadlines that are computed before Arm(), so that only the
// wheel is measured. REQUIRES: the time stands still.
class SluiceDeadlines : public SluiceTimers {
 public:
  using Timeout = MonotonicTime;
  using SluiceTimers::SluiceTimers;

  Timeout TimeoutOf(absl::Duration timeout) const {
    return wheel_.now() + timeout;
  }
  void Arm(size_t i, Timeout deadline) { wheel_.Arm(&timers_[i], deadline); }
};

class MultimapTimers {
 public:
  using Timeout = int64_t;  // nanoseconds

  explicit MultimapTimers(size_t count) : places_(count) {}

  Timeout TimeoutOf(absl::Duration timeout) const {
    return absl::ToInt64Nanoseconds(timeout);
  }
  void Arm(size_t i, Timeout timeout) {
    places_[i] = timers_.emplace(now_ + timeout, &AddOne);
  }
  void Cancel(size_t i) { timers_.erase(places_[i]); }
  void Tick() {
    now_ += 1'000'000;
    while (!timers_.empty() && timers_.begin()->first <= now_) {
      const auto fire = timers_.begin()->second;
      timers_.erase(timers_.begin());
      fire(&fired_);
    }
  }
  int64_t NextDeadline() { return timers_.begin()->first; }
  uint64_t fired() const { return fired_; }

 private:
  using Timers = std::multimap<int64_t, void (*)(uint64_t* fired)>;

  static void AddOne(uint64_t* fired) { ++*fired; }

  int64_t now_ = 0;
  uint64_t fired_ = 0;
  Timers timers_;
  std::vector<Timers::iterator> places_;
};

// The virtual time for contenders that read the clock themselves.
class Ticks {
 public:
  Ticks() { SetVirtualTime(now_); }
  void Next() { SetVirtualTime(now_ += absl::Milliseconds(1)); }

 private:
  absl::Duration now_;
};

class LibeventTimers {
 public:
  using Timeout = timeval;

  explicit LibeventTimers(size_t count)
      : base_(event_base_new()), timers_(new event[count]) {
    SLUICE_CHECK(base_ != nullptr);
    for (size_t i = 0; i < count; ++i) {
      evtimer_assign(&timers_[i], base_, &AddOne, &fired_);
    }
  }

  Timeout TimeoutOf(absl::Duration timeout) const {
    return absl::ToTimeval(timeout);
  }
  void Arm(size_t i, const Timeout& timeout) {
    evtimer_add(&timers_[i], &timeout);
  }
  void Rearm(size_t i, const Timeout& timeout) { Arm(i, timeout); }
  void Cancel(size_t i) { evtimer_del(&timers_[i]); }
  void Tick() {
    ticks_.Next();
    event_base_loop(base_, EVLOOP_NONBLOCK);
  }
  uint64_t fired() const { return fired_; }

 protected:
  event_base* base() const { return base_; }

 private:
  static void AddOne(evutil_socket_t, short, void* fired) {
    ++*static_cast<uint64_t*>(fired);
  }

  Ticks ticks_;
  uint64_t fired_ = 0;
  event_base* const base_;
  const std::unique_ptr<event[]> timers_;
};

// The queue that libevent has for very many timers with the same timeout.
class LibeventCommonTimers : public LibeventTimers {
 public:
  using LibeventTimers::LibeventTimers;

  // Returns the timeout of the first call: all timers have this timeout.
  Timeout TimeoutOf(absl::Duration timeout) {
    if (common_ == nullptr) {
      const timeval all = absl::ToTimeval(timeout);
      common_ = event_base_init_common_timeout(base(), &all);
      SLUICE_CHECK(common_ != nullptr);
    }
    return *common_;
  }

 private:
  const timeval* common_ = nullptr;
};

class LibuvTimers {
 public:
  using Timeout = uint64_t;  // milliseconds

  explicit LibuvTimers(size_t count) : timers_(new uv_timer_t[count]) {
    SLUICE_CHECK(uv_loop_init(&loop_) == 0);
    for (size_t i = 0; i < count; ++i) {
      uv_timer_init(&loop_, &timers_[i]);
      timers_[i].data = &fired_;
    }
  }

  Timeout TimeoutOf(absl::Duration timeout) const {
    return static_cast<Timeout>(absl::ToInt64Milliseconds(timeout)) + 1;
  }
  void Arm(size_t i, Timeout timeout) {
    uv_timer_start(&timers_[i], &AddOne, timeout, 0);
  }
  void Rearm(size_t i, Timeout timeout) { Arm(i, timeout); }
  void Cancel(size_t i) { uv_timer_stop(&timers_[i]); }
  void Tick() {
    ticks_.Next();
    uv_run(&loop_, UV_RUN_NOWAIT);
  }
  int NextDeadline() { return uv_backend_timeout(&loop_); }
  uint64_t fired() const { return fired_; }

 private:
  static void AddOne(uv_timer_t* timer) {
    ++*static_cast<uint64_t*>(timer->data);
  }

  Ticks ticks_;
  uint64_t fired_ = 0;
  uv_loop_t loop_;
  const std::unique_ptr<uv_timer_t[]> timers_;
};

class LibevTimers {
 public:
  using Timeout = ev_tstamp;

  explicit LibevTimers(size_t count)
      : loop_(ev_loop_new(uint32_t{EVBACKEND_EPOLL} | uint32_t{EVFLAG_NOENV})),
        timers_(new ev_timer[count]) {
    SLUICE_CHECK(loop_ != nullptr);
    for (size_t i = 0; i < count; ++i) {
      ev_timer_init(&timers_[i], &AddOne, 0, 0);
      timers_[i].data = &fired_;
    }
  }

  Timeout TimeoutOf(absl::Duration timeout) const {
    return absl::ToDoubleSeconds(timeout);
  }
  void Arm(size_t i, Timeout timeout) {
    ev_timer_set(&timers_[i], timeout, 0);
    ev_timer_start(loop_, &timers_[i]);
  }
  void Rearm(size_t i, Timeout timeout) {
    timers_[i].repeat = timeout;
    ev_timer_again(loop_, &timers_[i]);
  }
  void Cancel(size_t i) { ev_timer_stop(loop_, &timers_[i]); }
  void Tick() {
    ticks_.Next();
    ev_run(loop_, EVRUN_NOWAIT);
  }
  uint64_t fired() const { return fired_; }

 private:
  static void AddOne(struct ev_loop*, ev_timer* timer, int) {
    ++*static_cast<uint64_t*>(timer->data);
  }

  Ticks ticks_;
  uint64_t fired_ = 0;
  struct ev_loop* const loop_;
  const std::unique_ptr<ev_timer[]> timers_;
};

class AsioTimers {
 public:
  using Timeout = std::chrono::nanoseconds;

  explicit AsioTimers(size_t count) {
    for (size_t i = 0; i < count; ++i) timers_.emplace_back(context_);
  }

  Timeout TimeoutOf(absl::Duration timeout) const {
    return absl::ToChronoNanoseconds(timeout);
  }
  void Arm(size_t i, Timeout timeout) {
    timers_[i].expires_after(timeout);
    timers_[i].async_wait([this](const boost::system::error_code& error) {
      if (!error) ++fired_;
    });
  }
  // Cancels the timer. Boost.Asio calls the handlers of cancelled waits later,
  // in poll(), which runs after each 32 cancellations.
  void Cancel(size_t i) {
    timers_[i].cancel();
    if (++cancelled_ % 32 == 0) context_.poll();
  }
  void Tick() {
    ticks_.Next();
    context_.poll();
    context_.restart();  // the context stops if it has no timer
  }
  uint64_t fired() const { return fired_; }

 private:
  Ticks ticks_;
  uint64_t fired_ = 0;
  uint64_t cancelled_ = 0;
  boost::asio::io_context context_{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE};
  std::deque<boost::asio::steady_timer> timers_;
};

}  // namespace sluice

#endif  // SLUICE_BENCH_TIMER_CONTENDERS_H_
