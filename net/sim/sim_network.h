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

// A simulated world of hosts, with a network between them and a time of its
// own, on one thread (testonly). Servers and clients run in it unchanged: they
// get the Platform of their host. If events may happen in several orders, draws
// from one seed choose the order. If no event can happen now, time moves to the
// next event. The same program and seed give the same run, to the byte of
// trace().
//
// A program that reads a real clock, an address in memory or the order of a
// hash table is outside of the simulation, and its runs differ. Owns the hosts
// and their loops. Thread-compatible.
class SimNetwork {
 public:
  // The properties of the packets between two hosts, or on one host.
  struct Link {
    absl::Duration latency = absl::Microseconds(100);  // from 0 to 24 hours
    // The most time that a packet takes in addition; from 0 to 24 hours.
    absl::Duration jitter = absl::ZeroDuration();
    // The bandwidth of each direction, for all connections together. 0 means no
    // limit.
    double bytes_per_second = 0;
  };
  struct Options {
    uint64_t seed = 1;
    Link link = {};  // for hosts without SetLink()
    SimFaults faults = {};
    absl::Duration longest_stall = absl::Seconds(1);  // for SimFaults::stall
    SimTcp::Options tcp = {};
    PollerOptions poller = {};
    bool trace = true;  // if false, trace() is empty
  };

  // Returns kInvalidArgument if an option is out of range. The message has the
  // option, its value and its range.
  static absl::Status Check(const Options& options);

  // REQUIRES: Check() returns OK.
  explicit SimNetwork(Options options);
  SimNetwork(const SimNetwork&) = delete;
  SimNetwork& operator=(const SimNetwork&) = delete;
  // Destroys the programs of all hosts, and then the loops. REQUIRES: no other
  // object is registered with a loop: destroy servers and clients of the test
  // first.
  ~SimNetwork();

  // Adds a host of that name, with an IPv4 address of its own, 127.0.0.1 and
  // ::1. The network owns the host. REQUIRES: at most 64,000 hosts.
  SimHost* AddHost(std::string name);

  // Sets the link between two hosts, for both directions, from now on.
  // REQUIRES: Check() would return OK for that link.
  void SetLink(const SimHost* a, const SimHost* b, Link link);
  // Drops all packets between two different hosts until Heal(). Packets that
  // are under way arrive. TCP sends dropped packets again.
  void Partition(const SimHost* a, const SimHost* b);
  void Heal(const SimHost* a, const SimHost* b);
  // Returns the faults. They may be changed at any time. REQUIRES:
  // probabilities from 0 to 1.
  SimFaults& faults();

  // Returns Options::seed, for the test's own draws.
  uint64_t seed() const;
  // Returns the time of the world. The clocks of hosts may differ.
  MonotonicTime now() const;
  // Calls `happen` once, in a Step() at that time, or at the current time if
  // that time has passed. Calls at one time come in drawn order. For scripts.
  void At(MonotonicTime time, absl::AnyInvocable<void() &&> happen);

  // Runs one event of the current time: an iteration of a loop of NewLoop(), a
  // task of workers(), the arrival of a packet, or a call of At(). If there is
  // none, moves the time to the next event. Returns false if no event is left
  // until `limit`; the time is then `limit`, if that is finite. CHECK-fails
  // after a million events at one time: then the program spins.
  bool Step(MonotonicTime limit = MonotonicTime::InfiniteFuture());
  // Steps until `done` returns true, for `at_most` of the world's time. Calls
  // `done` before the first step and after each step. Returns the last result
  // of `done`.
  bool RunUntil(absl::FunctionRef<bool()> done, absl::Duration at_most);
  // Steps for `duration` of the world's time.
  void RunFor(absl::Duration duration);

  // Returns the trace: a line for each event on a host, with the time, the name
  // and the event. Has no bound: grows with each event.
  const std::string& trace() const;

 private:
  friend class SimHost;
  class World;

  const std::unique_ptr<World> world_;
  bool nudged_ = false;  // all loops were nudged since a Step() did something
};

// A program on a host: the servers, clients and other objects that main() would
// create. If the host crashes, the program is destroyed; its socket calls fail
// by then.
class SimProgram {
 public:
  virtual ~SimProgram() = default;
};

// A machine of a SimNetwork, which owns it. Thread-compatible.
class SimHost {
 public:
  ~SimHost();
  SimHost(const SimHost&) = delete;
  SimHost& operator=(const SimHost&) = delete;

  const std::string& name() const { return tcp_.name(); }
  // Returns the address on which programs on this host listen and to which
  // other hosts connect.
  SocketAddress address(uint16_t port) const;

  // Returns the world as a program on this host sees it, with this host's clock
  // and sockets. A program may run a loop of this platform by Run() or
  // RunOnce(): the rest of the world goes on while the loop waits.
  const Platform& platform() const { return platform_; }
  // Creates a loop of platform(). SimNetwork::Step() runs its iterations until
  // the loop's Stop(). Between iterations the loop sleeps until a wake-up, an
  // event, a timer, a call of At(), or the beginning of a RunUntil() or
  // RunFor(). Replaces the poller and the clock of `options`. The host owns the
  // loop, until Crash() or the end of the network. REQUIRES:
  // EventLoop::Create() accepts `options`.
  EventLoop* NewLoop(EventLoop::Options options = {});
  // Returns an executor that stands for a WorkerPool. The host owns the
  // executor. Each task runs in a step of its own, in a drawn order, and takes
  // no time. Crash() and the end of the network call Abandon() on tasks that
  // wait. Has no bound.
  Executor* workers();

  // Creates the program by `new_program`, inside this call and inside each
  // Restart(). The host owns the program. REQUIRES: up; called once.
  using NewProgram =
      absl::AnyInvocable<std::unique_ptr<SimProgram>(SimHost* host)>;
  void Start(NewProgram new_program);
  // Returns nullptr before Start() and while the host is down.
  SimProgram* program() const { return program_.get(); }
  // Crashes the host as a power failure does: no packet tells other hosts.
  // Socket calls of the program fail from now on; then the program and its
  // loops are destroyed. REQUIRES: up; not called in an iteration of one of the
  // host's loops or in a task of its workers.
  void Crash();
  // Brings the host up, and creates the program of Start(), if any, again.
  // Packets for connections from before the crash are answered by resets.
  // REQUIRES: down; no descriptor is open.
  void Restart();
  bool is_up() const { return tcp_.is_up(); }

  // Makes the wall clock jump by `d`; the monotonic clock does not.
  void StepWall(absl::Duration d);
  // Makes both clocks run faster than the world's from now on, by so many
  // millionths; slower if negative. REQUIRES: more than -500,000 and less than
  // 500,000.
  void SetDrift(int parts_per_million);

  // Returns the number of open descriptors. Most tests expect 0 at their end.
  size_t open_descriptors() const { return tcp_.open_descriptors(); }

 private:
  friend class SimNetwork;
  class HostClock;
  class LoopPoller;
  class Workers;

  SimHost(SimNetwork::World* world, std::string name, int number,
          const SimTcp::Options& options);

  // Destroys the program and the loops.
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
