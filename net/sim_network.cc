#include "sluice/net/sim_network.h"

#include <algorithm>
#include <atomic>
#include <set>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/types/span.h"
#include "sluice/base/check.h"
#include "sluice/event/poller.h"
#include "sluice/event/sim_poller.h"
#include "sluice/net/socket_transport.h"
#include "sluice/timer/sim_clock.h"

namespace sluice {

// ---------------------------------------------------------------------------
// The world
// ---------------------------------------------------------------------------

class SimNetwork::World final : public SimWire {
 public:
  explicit World(Options options)
      : options_(std::move(options)), random_(options_.seed) {}

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
    // Among those of one time the order is drawn; a number makes it total.
    events_.emplace(Key{time, random_.Next(), ++events_made_},
                    std::move(happen));
  }
  void Note(const SimTcp* host, absl::string_view what) override {
    if (!options_.trace) return;
    const int64_t us = (now_.nanos() - kStart) / 1000;
    absl::StrAppendFormat(&trace_, "%d.%06d %s: %s\n", us / 1'000'000,
                          us % 1'000'000, host->name(), what);
  }
  void Ready(const SimTcp* host) override;

  bool Step(MonotonicTime limit);

 private:
  struct Key {
    MonotonicTime time;
    uint64_t draw;
    uint64_t number;
    friend auto operator<=>(const Key&, const Key&) = default;
  };

  static constexpr int64_t kStart = 1'000'000'000'000;

  Options options_;
  SimRandom random_;
  MonotonicTime now_ = MonotonicTime::FromNanos(kStart);
  std::vector<std::unique_ptr<SimHost>> hosts_;
  std::map<std::pair<const SimTcp*, const SimTcp*>, Link> links_;
  std::set<std::pair<const SimTcp*, const SimTcp*>> partitions_;
  std::map<Key, absl::AnyInvocable<void() &&>> events_;
  uint64_t events_made_ = 0;
  bool settled_ = false;  // all loops have looked, and time may move
  std::string trace_;
};

// ---------------------------------------------------------------------------
// Hosts
// ---------------------------------------------------------------------------

class SimHost::HostClock final : public Clock {
 public:
  explicit HostClock(const SimWire* wire) : wire_(*wire) {}

  MonotonicTime Now() const override { return wire_.Now(); }
  absl::Time WallNow() const override {
    constexpr int64_t kYears = 1'700'000'000;
    return absl::FromUnixSeconds(kYears) + absl::Nanoseconds(Now().nanos()) +
           step_;
  }
  void StepWall(absl::Duration d) { step_ += d; }

 private:
  const SimWire& wire_;
  absl::Duration step_ = absl::ZeroDuration();
};

// The poller of one loop. Within a step of the world it does not wait, but
// tells when it would have returned; otherwise the world goes on meanwhile.
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
  void Wake() override { woken_.store(true); }
  absl::string_view name() const override { return "sim_network"; }

  absl::StatusOr<absl::Span<const IoEvent>> Wait(
      absl::Duration timeout) override {
    const MonotonicTime deadline =
        world_.Now() + std::max(timeout, absl::ZeroDuration());
    // Who takes turns by hand and never waits takes time, too.
    if (!stepped_) StepWorld(world_.Now() + absl::Microseconds(1));
    while (true) {
      const bool woken = woken_.exchange(false);
      auto events = poller_.Wait(absl::ZeroDuration());
      idle_ =
          !woken && events.ok() && events->empty() && world_.Now() < deadline;
      if (!idle_) {
        next_wake_ = world_.Now();
        return events;
      }
      next_wake_ = deadline;
      seen_changes_ = host_.changes_;
      if (stepped_) return events;
      const bool more = StepWorld(deadline);
      if (!more && world_.Now() < deadline) return events;
    }
  }

  // Whether a Wait() would return now.
  bool IsDue() const {
    return !stepped_ && (woken_.load() || next_wake_ <= world_.Now() ||
                         seen_changes_ != host_.changes_);
  }
  MonotonicTime next_wake() const { return next_wake_; }

  // A turn, in a step of the world. REQUIRES: IsDue().
  void Step(EventLoop* loop) {
    stepped_ = true;
    const absl::Status status = loop->RunOnce(absl::InfiniteDuration());
    stepped_ = false;
    SLUICE_CHECK(status.ok());
    // It may have queued tasks for other loops of its program, which are not in
    // their waits, and so are not woken.
    if (!idle_) ++host_.changes_;
  }

 private:
  // While it is waited for here, and so takes no turn of this loop.
  bool StepWorld(MonotonicTime limit) {
    stepped_ = true;
    const bool more = world_.Step(limit);
    stepped_ = false;
    return more;
  }

  SimNetwork::World& world_;
  SimHost& host_;
  SimClock time_;  // nobody's: Wait(0) does not move it
  SimPoller poller_;
  std::atomic<bool> woken_{false};
  MonotonicTime next_wake_;
  uint64_t seen_changes_ = 0;
  bool stepped_ = false;
  bool idle_ = false;  // nothing came of the last turn
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
      clock_(std::make_unique<HostClock>(world)) {
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
  std::string text = tcp_.address().ToString();
  text.resize(text.rfind(':'));
  return SocketAddress::Parse(absl::StrCat(text, ":", port)).value();
}

EventLoop* SimHost::NewLoop(EventLoop::Options options) {
  auto loop = NewEventLoop(platform_, std::move(options));
  SLUICE_CHECK(loop.ok());
  loops_.emplace_back(*std::move(loop), last_poller_);
  return loops_.back().first.get();
}

void SimHost::DestroyLoop(EventLoop* loop) {
  const auto it =
      std::find_if(loops_.begin(), loops_.end(),
                   [&](const auto& l) { return l.first.get() == loop; });
  SLUICE_CHECK(it != loops_.end());
  loops_.erase(it);
}

void SimHost::StepWall(absl::Duration d) { clock_->StepWall(d); }

// ---------------------------------------------------------------------------

void SimNetwork::World::Ready(const SimTcp* tcp) {
  for (const auto& host : hosts_) {
    if (&host->tcp_ == tcp) ++host->changes_;
  }
}

SimTcp* SimNetwork::World::HostOf(const SocketAddress& address, SimTcp* from) {
  if (from->Has(address)) return from;
  for (const auto& host : hosts_) {
    // Loopback addresses are each host's own.
    if (host->address(address.port()) == address) return &host->tcp_;
  }
  return nullptr;
}

std::optional<absl::Duration> SimNetwork::World::Pass(SimTcp* from, SimTcp* to,
                                                      size_t bytes) {
  const auto pair = std::minmax<const SimTcp*>(from, to);
  if (from != to &&
      (partitions_.count(pair) > 0 || random_.Chance(options_.faults.loss))) {
    return std::nullopt;
  }
  const auto set = links_.find(pair);
  const Link& link = set == links_.end() ? options_.link : set->second;
  absl::Duration delay = link.latency + random_.UpTo(link.jitter);
  if (link.bytes_per_second > 0) {
    delay += absl::Seconds(static_cast<double>(bytes) / link.bytes_per_second);
  }
  return delay;
}

bool SimNetwork::World::Step(MonotonicTime limit) {
  std::vector<std::pair<SimHost::LoopPoller*, EventLoop*>> due;
  MonotonicTime next = MonotonicTime::InfiniteFuture();
  for (const auto& host : hosts_) {
    for (const auto& [loop, poller] : host->loops_) {
      if (poller->IsDue()) {
        due.emplace_back(poller, loop.get());
      } else {
        next = std::min(next, poller->next_wake());
      }
    }
  }
  const bool event_due =
      !events_.empty() && events_.begin()->first.time <= now_;
  const size_t choices = due.size() + (event_due ? 1 : 0);
  if (choices > 0) {
    const size_t choice = choices == 1 ? 0 : random_.Below(choices);
    if (choice < due.size()) {
      due[choice].first->Step(due[choice].second);
    } else {
      auto happen = std::move(events_.begin()->second);
      events_.erase(events_.begin());
      std::move(happen)();
    }
    return true;
  }
  // Somebody outside of all turns may have queued tasks.
  settled_ = !settled_;
  if (settled_) {
    for (const auto& host : hosts_) ++host->changes_;
    return true;
  }
  if (!events_.empty()) next = std::min(next, events_.begin()->first.time);
  if (next > limit || next == MonotonicTime::InfiniteFuture()) {
    if (limit != MonotonicTime::InfiniteFuture()) now_ = std::max(now_, limit);
    return false;
  }
  now_ = next;
  return true;
}

// ---------------------------------------------------------------------------

SimNetwork::SimNetwork(Options options)
    : world_(std::make_unique<World>(std::move(options))) {}

SimNetwork::~SimNetwork() = default;

SimHost* SimNetwork::AddHost(std::string name) {
  auto& hosts = world_->hosts();
  hosts.push_back(std::unique_ptr<SimHost>(
      new SimHost(world_.get(), std::move(name), static_cast<int>(hosts.size()),
                  world_->options().tcp)));
  return hosts.back().get();
}

void SimNetwork::SetLink(const SimHost* a, const SimHost* b, Link link) {
  world_->links()[std::minmax<const SimTcp*>(&a->tcp_, &b->tcp_)] = link;
}

void SimNetwork::Partition(const SimHost* a, const SimHost* b) {
  world_->partitions().insert(std::minmax<const SimTcp*>(&a->tcp_, &b->tcp_));
}

void SimNetwork::Heal(const SimHost* a, const SimHost* b) {
  world_->partitions().erase(std::minmax<const SimTcp*>(&a->tcp_, &b->tcp_));
}

SimFaults& SimNetwork::faults() { return world_->mutable_faults(); }

MonotonicTime SimNetwork::now() const { return world_->Now(); }

void SimNetwork::At(MonotonicTime time, absl::AnyInvocable<void() &&> happen) {
  world_->At(time, std::move(happen));
}

bool SimNetwork::Step(MonotonicTime limit) { return world_->Step(limit); }

bool SimNetwork::RunUntil(absl::FunctionRef<bool()> done,
                          absl::Duration at_most) {
  const MonotonicTime limit = now() + at_most;
  while (!done()) {
    if (!Step(limit)) return done();
  }
  return true;
}

void SimNetwork::RunFor(absl::Duration duration) {
  const MonotonicTime limit = now() + duration;
  while (Step(limit)) {
  }
}

const std::string& SimNetwork::trace() const { return world_->trace(); }

}  // namespace sluice
