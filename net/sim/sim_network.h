#ifndef SLUICE_NET_SIM_SIM_NETWORK_H_
#define SLUICE_NET_SIM_SIM_NETWORK_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "sluice/base/executor.h"
#include "sluice/event/event_loop.h"
#include "sluice/event/poller/poller_options.h"
#include "sluice/net/sim/sim_random.h"
#include "sluice/net/sim/sim_tcp.h"
#include "sluice/net/sim/sim_wire.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/transport/platform.h"
#include "sluice/timer/clock.h"

namespace sluice {

class SimHost;

// A world of hosts, with a network between them and a time of its own, on one
// thread (testonly): servers and clients run in it as they are, given the
// Platform of their host. Whatever may happen in one order or another is
// ordered by draws from one seed; when nothing can happen now, time moves to
// what comes next. The same program and seed do the same, to the byte of
// trace().
//
// What is not virtual stays outside: a program that reads a real clock, or an
// address, or the order of a hash table, is not repeated. Thread-compatible.
// Owns the hosts and their loops.
class SimNetwork {
 public:
  // Of a packet between two hosts, or on one.
  struct Link {
    absl::Duration latency = absl::Microseconds(100);  // from 0 to 24 hours
    // Up to that much more; from 0 to 24 hours.
    absl::Duration jitter = absl::ZeroDuration();
    double bytes_per_second = 0;  // each way, of all connections; 0: no limit
  };
  struct Options {
    uint64_t seed = 1;
    Link link = {};  // unless SetLink() says otherwise
    SimFaults faults = {};
    absl::Duration longest_stall = absl::Seconds(1);  // of SimFaults::stall
    SimTcp::Options tcp = {};
    PollerOptions poller = {};
    bool trace = true;  // else trace() is empty
  };

  // kInvalidArgument names the option, its value and its range.
  static absl::Status Check(const Options& options);

  // REQUIRES: Check() is OK.
  explicit SimNetwork(Options options);
  SimNetwork(const SimNetwork&) = delete;
  SimNetwork& operator=(const SimNetwork&) = delete;
  // REQUIRES: nothing is registered with a loop of a host, so that what the
  // user has made there is destroyed before.
  ~SimNetwork();

  // A host of that name, with an address of its own and 127.0.0.1.
  SimHost* AddHost(std::string name);

  // From now on, both ways. REQUIRES: Check() would be OK with that link.
  void SetLink(const SimHost* a, const SimHost* b, Link link);
  // Nothing passes between them, until Heal(). Packets under way arrive.
  void Partition(const SimHost* a, const SimHost* b);
  void Heal(const SimHost* a, const SimHost* b);
  // May be changed at any time, to probabilities from 0 to 1.
  SimFaults& faults();

  // Options::seed, for draws of a test's own.
  uint64_t seed() const;
  // Time of the world; hosts may have other clocks.
  MonotonicTime now() const;
  // Calls something at that time, as a script does.
  void At(MonotonicTime time, absl::AnyInvocable<void() &&> happen);

  // One thing that can happen: a turn of a loop, or something that is due. Or
  // moves the time, to `limit` at most. False if nothing is left to happen, or
  // `limit` is reached. A million things at one time are a program that
  // spins, and a CHECK.
  bool Step(MonotonicTime limit = MonotonicTime::InfiniteFuture());
  // Until `done`, for `at_most` of the world's time. Whether it is.
  bool RunUntil(absl::FunctionRef<bool()> done, absl::Duration at_most);
  void RunFor(absl::Duration duration);

  // A line for each thing that happened to a host: time, name, what. Grows as
  // long as things happen.
  const std::string& trace() const;

 private:
  friend class SimHost;
  class World;

  const std::unique_ptr<World> world_;
  bool nudged_ = false;  // all loops have, since a Step() did something
};

// What runs on a host: servers, clients, whatever main() would make. Destroyed
// when the host crashes, after it has lost its network.
class SimProgram {
 public:
  virtual ~SimProgram() = default;
};

// A machine of a SimNetwork. Thread-compatible. Owned by it.
class SimHost {
 public:
  ~SimHost();
  SimHost(const SimHost&) = delete;
  SimHost& operator=(const SimHost&) = delete;

  const std::string& name() const { return tcp_.name(); }
  // To be listened on, and connected to from other hosts.
  SocketAddress address(uint16_t port) const;

  // The world as a program on this host sees it. Its clock is this host's, its
  // sockets are on its network. A loop of it may be run by Run() or RunOnce():
  // then the rest of the world goes on while it waits.
  const Platform& platform() const { return platform_; }
  // A loop of platform() that takes its turns when SimNetwork::Step() comes to
  // it, until its Stop(), and sleeps in between: only a wake-up, an event or a
  // timer ends that, or what the caller of SimNetwork does. `options` come
  // without poller and clock. Lives as long as the host is up.
  EventLoop* NewLoop(EventLoop::Options options = {});
  // In place of a WorkerPool: each task in a step of its own, in any order, at
  // no expense of time.
  Executor* workers();

  // Makes the program, now and at each Restart(). REQUIRES: called once.
  using NewProgram =
      absl::AnyInvocable<std::unique_ptr<SimProgram>(SimHost* host)>;
  void Start(NewProgram new_program);
  // nullptr while the host is down.
  SimProgram* program() const { return program_.get(); }
  // As if its power failed: nobody hears of it. The program is destroyed,
  // whose calls of sockets fail by then, and so are its loops. REQUIRES: up;
  // not inside a turn of one of its loops or workers.
  void Crash();
  // The program begins anew. What others send for connections of before is
  // answered by resets. REQUIRES: down.
  void Restart();
  bool is_up() const { return tcp_.is_up(); }

  // The wall clock alone jumps.
  void StepWall(absl::Duration d);
  // From now on both clocks run faster than the world's by so many millionths;
  // slower if negative. REQUIRES: less than half of it.
  void SetDrift(int parts_per_million);

  // What is open. A test's end expects none.
  size_t open_descriptors() const { return tcp_.open_descriptors(); }

 private:
  friend class SimNetwork;
  class HostClock;
  class LoopPoller;
  class Workers;

  SimHost(SimNetwork::World* world, std::string name, int number,
          const SimTcp::Options& options);

  // Of what runs here.
  void End();

  SimNetwork::World& world_;
  SimTcp tcp_;
  const std::unique_ptr<HostClock> clock_;
  Platform platform_;
  NewProgram new_program_;
  std::vector<std::pair<std::unique_ptr<EventLoop>, LoopPoller*>> loops_;
  LoopPoller* last_poller_ = nullptr;
  const std::unique_ptr<Workers> workers_;
  std::unique_ptr<SimProgram> program_;
};

}  // namespace sluice

#endif  // SLUICE_NET_SIM_SIM_NETWORK_H_
