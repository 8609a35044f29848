#include "sluice/net/sim/sim_network.h"

#include <algorithm>
#include <atomic>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <limits>
#include <map>
#include <set>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/types/span.h"
#include "sluice/base/check.h"
#include "sluice/base/check_option.h"
#include "sluice/base/task_queue.h"
#include "sluice/event/poller/poller.h"
#include "sluice/event/poller/poller_options.h"
#include "sluice/event/poller/sim_poller.h"
#include "sluice/net/sim/sim_ports.h"
#include "sluice/net/transport/socket_transport.h"
#include "sluice/timer/sim_clock.h"

namespace sluice {

// ---------------------------------------------------------------------------
// The world
// ---------------------------------------------------------------------------

class SimNetwork::World final : public SimWire {
 public:
  explicit World(Options options) : options_(options), random_(options_.seed) {}
  // Destroys programs first, while all hosts are there.
  ~World() override {
    for (const auto& host : hosts_) host->End();
  }

  MonotonicTime Now() const override { return now_; }
  SimRandom& random() override { return random_; }
  const SimFaults& faults() const override { return options_.faults; }
  SimFaults& mutable_faults() { return options_.faults; }
  const Options& options() const { return options_; }
  std::vector<std::unique_ptr<SimHost>>& hosts() { return hosts_; }
  std::map<std::pair<const SimTcp*, const SimTcp*>, Link>& links() {
    return links_;
  }
  std::set<std::pair<const SimTcp*, const SimTcp*>>& partitions() {
    return partitions_;
  }
  const std::string& trace() const { return trace_; }

  SimTcp* HostOf(const SocketAddress& address, SimTcp* from) override;
  std::optional<absl::Duration> Pass(SimTcp* from, SimTcp* to,
                                     size_t bytes) override;
  void At(MonotonicTime time, absl::AnyInvocable<void() &&> happen) override {
    // Draws the order of events at the same time. The number makes keys unique.
    events_.emplace(Key{time, random_.Next(), ++events_made_},
                    std::move(happen));
  }
  bool tracing() const override { return options_.trace; }
  void Note(const SimTcp* host, absl::string_view what) override {
    if (!tracing()) return;
    const int64_t us = (now_.nanos() - kStart) / 1000;
    absl::StrAppendFormat(&trace_, "%d.%06d %s: %s\n", us / 1'000'000,
                          us % 1'000'000, host->name(), what);
  }

  bool Step(MonotonicTime limit);
  // Makes all loops run an iteration, after a change from outside of them.
  void NudgeLoops();

 private:
  struct Choice {
    SimHost* host;
    EventLoop* loop;  // nullptr: the host's workers
    SimHost::LoopPoller* poller;
  };
  struct Key {
    MonotonicTime time;
    uint64_t draw;
    uint64_t number;
    friend auto operator<=>(const Key&, const Key&) = default;
  };

  static constexpr int64_t kStart = 1'000'000'000'000;
  static constexpr uint64_t kMaxStepsAtOnce = 1'000'000;

  Options options_;
  SimRandom random_;
  MonotonicTime now_ = MonotonicTime::FromNanos(kStart);
  std::vector<std::unique_ptr<SimHost>> hosts_;
  std::map<std::pair<const SimTcp*, const SimTcp*>, Link> links_;
  std::set<std::pair<const SimTcp*, const SimTcp*>> partitions_;
  // For links with a bandwidth: the time at which all packets sent so far are
  // through.
  std::map<std::pair<const SimTcp*, const SimTcp*>, MonotonicTime> busy_until_;
  std::map<Key, absl::AnyInvocable<void() &&>> events_;
  uint64_t events_made_ = 0;
  uint64_t steps_now_ = 0;       // number since time last moved
  std::vector<Choice> choices_;  // of Step(); a member to keep its memory
  std::string trace_;
};

// ---------------------------------------------------------------------------
// Hosts
// ---------------------------------------------------------------------------

class SimHost::HostClock final : public Clock {
 public:
  explicit HostClock(const SimWire* wire)
      : wire_(*wire), base_(wire->Now()), base_of_world_(wire->Now()) {}

  MonotonicTime Now() const override {
    return MonotonicTime::FromNanos(
        base_.nanos() + Scaled(wire_.Now().nanos() - base_of_world_.nanos(),
                               kMillion + drift_, kMillion));
  }
  absl::Time WallNow() const override {
    constexpr int64_t kSomeYear = 1'700'000'000;
    return absl::FromUnixSeconds(kSomeYear) + absl::Nanoseconds(Now().nanos()) +
           step_;
  }
  // Returns the world's time at which this clock shows `time` or more.
  MonotonicTime WorldTime(MonotonicTime time) const {
    if (time == MonotonicTime::InfiniteFuture()) return time;
    const int64_t since =
        Scaled(time.nanos() - base_.nanos(), kMillion, kMillion + drift_);
    return MonotonicTime::FromNanos(base_of_world_.nanos() + since +
                                    (drift_ == 0 ? 0 : 1));
  }
  void StepWall(absl::Duration d) { step_ += d; }
  void SetDrift(int parts_per_million) {
    SLUICE_CHECK(2 * std::abs(int64_t{parts_per_million}) < kMillion);
    base_ = Now();
    base_of_world_ = wire_.Now();
    drift_ = parts_per_million;
  }

 private:
  static constexpr int64_t kMillion = 1'000'000;

  static int64_t Scaled(int64_t ns, int64_t factor, int64_t divisor) {
    if (factor == divisor) return ns;
    return static_cast<int64_t>(static_cast<__int128>(ns) * factor / divisor);
  }

  const SimWire& wire_;
  MonotonicTime base_, base_of_world_;  // when the drift was set
  int64_t drift_ = 0;
  absl::Duration step_ = absl::ZeroDuration();
};

// An executor that runs tasks in a drawn order.
class SimHost::Workers final : public Executor {
 public:
  ~Workers() override { AbandonAll(); }

  bool Schedule(Task* task) override {
    if (!queue_.Push(task)) return false;
    tasks_.push_back(task);
    return true;
  }
  bool empty() const { return tasks_.empty(); }
  void RunOne(SimRandom* random) {
    const size_t i = tasks_.size() == 1 ? 0 : random->Below(tasks_.size());
    Task* const task = tasks_[i];
    tasks_.erase(tasks_.begin() + static_cast<std::ptrdiff_t>(i));
    queue_.Remove(task);
    task->Run();
  }
  void AbandonAll() {
    tasks_.clear();
    while (Task* const task = queue_.Pop()) task->Abandon();
  }

 private:
  TaskQueue queue_;  // which marks them as queued
  std::vector<Task*> tasks_;
};

// The poller of one loop. A loop of NewLoop() never calls Wait(): it sleeps
// between its steps, and Step() does the rest of an iteration. If another loop
// calls Wait(), the world goes on during the call.
class SimHost::LoopPoller final : public Poller {
 public:
  LoopPoller(SimNetwork::World* world, SimHost* host)
      : world_(*world),
        host_(*host),
        poller_(&host->tcp_.descriptors(), &time_, world->options().poller) {}
  ~LoopPoller() override {
    if (host_.last_poller_ == this) host_.last_poller_ = nullptr;
  }

  absl::Status Add(int fd, IoEvents interest, uint64_t token,
                   AddHint hint) override {
    return poller_.Add(fd, interest, token, hint);
  }
  absl::Status Modify(int fd, IoEvents interest, uint64_t token) override {
    return poller_.Modify(fd, interest, token);
  }
  absl::Status Remove(int fd) override { return poller_.Remove(fd); }
  bool has_more() const override { return poller_.has_more(); }
  void Wake() override { woken_.store(true); }
  absl::string_view name() const override { return "sim_network"; }

  absl::StatusOr<absl::Span<const IoEvent>> Wait(
      absl::Duration timeout) override {
    SetDeadline(timeout);
    // Lets time pass for a program that runs iterations by hand and never
    // waits.
    world_.Step(world_.Now() + absl::Microseconds(1));
    while (true) {
      if (const auto events = Look()) return *events;
      const MonotonicTime deadline = host_.clock_->WorldTime(deadline_);
      const bool more = world_.Step(deadline);
      if (!more && world_.Now() < deadline) return NoEvents();
    }
  }

  // Returns true if Step() has work to do.
  bool IsDue() const {
    if (ended_) return false;
    if (stalled_until_.has_value()) return *stalled_until_ <= world_.Now();
    return nudged_ || woken_.load() || seen_changes_ != host_.tcp_.changes() ||
           next_wake() <= world_.Now();
  }
  // Returns when the loop wakes up if nothing happens, in the world's time.
  MonotonicTime next_wake() const {
    if (ended_) return MonotonicTime::InfiniteFuture();
    return stalled_until_.value_or(host_.clock_->WorldTime(deadline_));
  }
  // Makes the loop run an iteration: code outside of the loop may have changed
  // it, which it would not notice in its sleep.
  void Nudge() { nudged_ = true; }

  // Ends the wait of `loop` if there is a reason, and with it the iteration.
  // Begins the next iteration if the loop was not stopped.
  void Step(EventLoop* loop) {
    const bool stalled =
        std::exchange(stalled_until_, std::nullopt).has_value();
    if (asleep_) {
      if (!stalled) {
        const auto events = Look();
        if (!events.has_value() && !nudged_) return;
        const auto returned = events.value_or(NoEvents());
        returned_.assign(returned.begin(), returned.end());
        if (Stalls()) return;
      }
      const absl::Status status = loop->EndIteration(returned_);
      SLUICE_CHECK(status.ok());
      asleep_ = false;
      nudged_ = false;
      if (Stalls()) return;
    }
    asleep_ = true;
    nudged_ = false;
    if (loop->stopped()) {
      ended_ = true;
      SLUICE_CHECK(loop->Run().ok());  // the last iteration
      return;
    }
    SetDeadline(loop->BeginIteration(absl::InfiniteDuration()));
    seen_changes_ = kNone;  // events that it left may still be ready
  }

 private:
  static constexpr uint64_t kNone = std::numeric_limits<uint64_t>::max();

  static absl::Span<const IoEvent> NoEvents() { return {}; }

  void SetDeadline(absl::Duration timeout) {
    deadline_ = host_.clock_->Now() + std::max(timeout, absl::ZeroDuration());
  }

  // Draws a stall. The loop then goes on with this step after some time.
  bool Stalls() {
    SimRandom& random = world_.random();
    if (!random.Chance(world_.faults().stall)) return false;
    stalled_until_ = world_.Now() + random.UpTo(world_.options().longest_stall);
    world_.Note(&host_.tcp_, "a loop stalls");
    return true;
  }

  // Returns the events that end a wait now; nullopt if the wait goes on.
  std::optional<absl::Span<const IoEvent>> Look() {
    seen_changes_ = host_.tcp_.changes();
    const bool woken = woken_.exchange(false);
    absl::Span<const IoEvent> events = *poller_.Wait(absl::ZeroDuration());
    if (events.empty()) events = Spurious();
    if (events.empty() && !woken && host_.clock_->Now() < deadline_) return {};
    return events;
  }

  // Draws a spurious event for a descriptor that is not ready.
  absl::Span<const IoEvent> Spurious() {
    SimRandom& random = world_.random();
    if (poller_.size() == 0 || !random.Chance(world_.faults().spurious)) {
      return {};
    }
    return poller_.ReportAgain(random.Below(poller_.size()));
  }

  SimNetwork::World& world_;
  SimHost& host_;
  SimClock time_;  // a dummy: Wait(0) does not move it
  SimPoller poller_;
  std::atomic<bool> woken_{false};
  bool nudged_ = true;
  bool asleep_ = false;  // between BeginIteration() and EndIteration()
  // Set between two parts of Step() by SimFaults::stall, in the world's time.
  std::optional<MonotonicTime> stalled_until_;
  std::vector<IoEvent> returned_;  // events of the last wait
  bool ended_ = false;             // by EventLoop::Stop()
  MonotonicTime deadline_;         // of the wait, by the host's clock
  uint64_t seen_changes_ = kNone;  // the host's changes() at the last look
};

SimHost::SimHost(SimNetwork::World* world, std::string name, int number,
                 const SimTcp::Options& options)
    : world_(*world),
      tcp_(world, std::move(name),
           {SocketAddress::Parse(absl::StrCat("10.0.", number / 250, ".",
                                              number % 250 + 1, ":0"))
                .value(),
            SocketAddress::Loopback4(0), SocketAddress::Loopback6(0)},
           options),
      clock_(std::make_unique<HostClock>(world)),
      workers_(std::make_unique<Workers>()) {
  platform_.clock = clock_.get();
  platform_.sockets = &tcp_;
  platform_.new_poller = [this]() -> absl::StatusOr<std::unique_ptr<Poller>> {
    auto poller = std::make_unique<LoopPoller>(&world_, this);
    last_poller_ = poller.get();
    return poller;
  };
  platform_.new_transport = NewSocketTransport;
}

SimHost::~SimHost() = default;

SocketAddress SimHost::address(uint16_t port) const {
  return WithPort(tcp_.address(), port);
}

EventLoop* SimHost::NewLoop(EventLoop::Options options) {
  auto loop = NewEventLoop(platform_, std::move(options));
  SLUICE_CHECK(loop.ok());
  loops_.emplace_back(*std::move(loop), last_poller_);
  return loops_.back().first.get();
}

Executor* SimHost::workers() { return workers_.get(); }

void SimHost::Start(NewProgram new_program) {
  SLUICE_CHECK(new_program_ == nullptr && is_up());
  new_program_ = std::move(new_program);
  world_.Note(&tcp_, "starts");
  program_ = new_program_(this);
}

void SimHost::Crash() {
  SLUICE_CHECK(is_up());
  world_.Note(&tcp_, "crashes");
  tcp_.GoDown();
  End();
}

void SimHost::End() {
  // The tasks of workers may belong to the program.
  workers_->AbandonAll();
  program_.reset();
  workers_->AbandonAll();
  loops_.clear();
}

void SimHost::Restart() {
  world_.Note(&tcp_, "starts again");
  tcp_.ComeUp();
  if (new_program_ != nullptr) program_ = new_program_(this);
}

void SimHost::StepWall(absl::Duration d) { clock_->StepWall(d); }

void SimHost::SetDrift(int parts_per_million) {
  clock_->SetDrift(parts_per_million);
}

// ---------------------------------------------------------------------------

SimTcp* SimNetwork::World::HostOf(const SocketAddress& address, SimTcp* from) {
  if (from->Has(address)) return from;
  for (const auto& host : hosts_) {
    // Each host has its own loopback addresses.
    if (host->tcp_.Has(address)) return &host->tcp_;
  }
  return nullptr;
}

std::optional<absl::Duration> SimNetwork::World::Pass(SimTcp* from, SimTcp* to,
                                                      size_t bytes) {
  const std::pair<const SimTcp*, const SimTcp*> pair =
      std::minmax<const SimTcp*>(from, to);
  if (from != to &&
      (partitions_.count(pair) > 0 || random_.Chance(options_.faults.loss))) {
    return std::nullopt;
  }
  const auto set = links_.find(pair);
  const Link& link = set == links_.end() ? options_.link : set->second;
  absl::Duration delay = link.latency + random_.UpTo(link.jitter);
  if (link.bytes_per_second > 0) {
    // Rounded to whole nanoseconds: the rounding of fractions depends on the
    // build.
    const double ns = static_cast<double>(bytes) * 1e9 / link.bytes_per_second;
    MonotonicTime& busy_until = busy_until_[{from, to}];
    busy_until = std::max(busy_until, now_) +
                 absl::Nanoseconds(static_cast<int64_t>(std::min(ns, 1e18)));
    delay += busy_until - now_;
  }
  return delay;
}

bool SimNetwork::World::Step(MonotonicTime limit) {
  // Collects the events that are possible now, in the order of hosts and loops.
  choices_.clear();
  MonotonicTime next = MonotonicTime::InfiniteFuture();
  for (const auto& host : hosts_) {
    for (const auto& [loop, poller] : host->loops_) {
      if (poller->IsDue()) {
        choices_.push_back({host.get(), loop.get(), poller});
      } else {
        next = std::min(next, poller->next_wake());
      }
    }
    if (!host->workers_->empty()) {
      choices_.push_back({host.get(), nullptr, nullptr});
    }
  }
  const bool event_due =
      !events_.empty() && events_.begin()->first.time <= now_;
  const size_t count = choices_.size() + (event_due ? 1 : 0);
  if (count > 0) {
    const bool spins = ++steps_now_ > kMaxStepsAtOnce;
    SLUICE_CHECK(!spins);
    const size_t chosen = count == 1 ? 0 : random_.Below(count);
    if (chosen == choices_.size()) {
      auto happen = std::move(events_.begin()->second);
      events_.erase(events_.begin());
      std::move(happen)();
    } else if (const Choice choice = choices_[chosen]; choice.loop != nullptr) {
      choice.poller->Step(choice.loop);
    } else {
      choice.host->workers_->RunOne(&random_);
    }
    return true;
  }
  if (!events_.empty()) next = std::min(next, events_.begin()->first.time);
  if (next > limit || next == MonotonicTime::InfiniteFuture()) {
    if (limit != MonotonicTime::InfiniteFuture()) now_ = std::max(now_, limit);
    return false;
  }
  now_ = next;
  steps_now_ = 0;
  return true;
}

void SimNetwork::World::NudgeLoops() {
  for (const auto& host : hosts_) {
    for (const auto& [loop, poller] : host->loops_) poller->Nudge();
  }
}

// ---------------------------------------------------------------------------

absl::Status SimNetwork::Check(const Options& options) {
  const std::pair<absl::string_view, double> faults[] = {
      {"short_count", options.faults.short_count},
      {"would_block", options.faults.would_block},
      {"interrupted", options.faults.interrupted},
      {"no_descriptors", options.faults.no_descriptors},
      {"no_memory", options.faults.no_memory},
      {"aborted", options.faults.aborted},
      {"spurious", options.faults.spurious},
      {"stall", options.faults.stall},
      {"loss", options.faults.loss},
      {"reset", options.faults.reset},
  };
  static_assert(sizeof(SimFaults) == sizeof(double) * std::size(faults),
                "name each fault");
  absl::Status status;
  for (const auto& [name, probability] : faults) {
    status.Update(
        CheckOption(absl::StrCat("SimNetwork: ", name), probability, 0, 1));
  }
  status.Update(CheckOption("SimNetwork: longest_stall", options.longest_stall,
                            absl::ZeroDuration(), absl::Hours(24)));
  const Link& link = options.link;
  status.Update(CheckOption("SimNetwork: latency", link.latency,
                            absl::ZeroDuration(), absl::Hours(24)));
  status.Update(CheckOption("SimNetwork: jitter", link.jitter,
                            absl::ZeroDuration(), absl::Hours(24)));
  status.Update(CheckOption("SimNetwork: bytes_per_second",
                            link.bytes_per_second, 0,
                            std::numeric_limits<double>::infinity()));
  status.Update(CheckOption("SimNetwork: buffer_bytes",
                            options.tcp.buffer_bytes, 1, 1 << 30));
  status.Update(CheckOption("SimNetwork: max_descriptors",
                            options.tcp.max_descriptors, 0, INT_MAX));
  status.Update(CheckPollerOptions("SimNetwork", options.poller));
  return status;
}

SimNetwork::SimNetwork(Options options)
    : world_(std::make_unique<World>(options)) {
  SLUICE_CHECK(Check(options).ok());
}

SimNetwork::~SimNetwork() = default;

SimHost* SimNetwork::AddHost(std::string name) {
  auto& hosts = world_->hosts();
  hosts.push_back(std::unique_ptr<SimHost>(
      new SimHost(world_.get(), std::move(name), static_cast<int>(hosts.size()),
                  world_->options().tcp)));
  return hosts.back().get();
}

void SimNetwork::SetLink(const SimHost* a, const SimHost* b, Link link) {
  SLUICE_CHECK(Check({.link = link}).ok());
  world_->links()[std::minmax<const SimTcp*>(&a->tcp_, &b->tcp_)] = link;
}

void SimNetwork::Partition(const SimHost* a, const SimHost* b) {
  world_->partitions().insert(std::minmax<const SimTcp*>(&a->tcp_, &b->tcp_));
}

void SimNetwork::Heal(const SimHost* a, const SimHost* b) {
  world_->partitions().erase(std::minmax<const SimTcp*>(&a->tcp_, &b->tcp_));
}

SimFaults& SimNetwork::faults() { return world_->mutable_faults(); }

uint64_t SimNetwork::seed() const { return world_->options().seed; }

MonotonicTime SimNetwork::now() const { return world_->Now(); }

void SimNetwork::At(MonotonicTime time, absl::AnyInvocable<void() &&> happen) {
  world_->At(time, [world = world_.get(), h = std::move(happen)]() mutable {
    std::move(h)();
    world->NudgeLoops();
  });
}

bool SimNetwork::Step(MonotonicTime limit) {
  if (world_->Step(now())) {
    nudged_ = false;
    return true;
  }
  if (!std::exchange(nudged_, true)) {
    world_->NudgeLoops();
    return true;
  }
  nudged_ = false;
  return world_->Step(limit);
}

bool SimNetwork::RunUntil(absl::FunctionRef<bool()> done,
                          absl::Duration at_most) {
  const MonotonicTime limit = now() + at_most;
  world_->NudgeLoops();
  while (!done()) {
    if (!world_->Step(limit)) return done();
  }
  return true;
}

void SimNetwork::RunFor(absl::Duration duration) {
  const MonotonicTime limit = now() + duration;
  world_->NudgeLoops();
  while (world_->Step(limit)) {
  }
}

const std::string& SimNetwork::trace() const { return world_->trace(); }

}  // namespace sluice
