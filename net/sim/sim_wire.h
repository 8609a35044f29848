#ifndef SLUICE_NET_SIM_SIM_WIRE_H_
#define SLUICE_NET_SIM_SIM_WIRE_H_

#include <cstddef>
#include <optional>

#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "sluice/net/sim/sim_random.h"
#include "sluice/net/socket_address.h"
#include "sluice/timer/clock.h"

namespace sluice {

class SimTcp;

// The faults of a simulation: the probability of each, from 0 to 1, at every
// opportunity.
struct SimFaults {
  // Socket calls.
  double short_count = 0;     // a read or write moves less than it could
  double would_block = 0;     // EAGAIN of a read or write that could succeed
  double interrupted = 0;     // EINTR; a call returns it after 100 retries
  double no_descriptors = 0;  // EMFILE or ENFILE from calls that open one
  double no_memory = 0;       // ENOBUFS or ENOMEM from the same calls
  double aborted = 0;  // a TCP connection is reset while it waits in a backlog
  // Waits.
  double spurious = 0;  // a descriptor that is not ready is reported
  // Loop iterations. The loop stands still for a time, as in a long callback or
  // after SIGSTOP: before a wait, or between a wait and the dispatch of its
  // events.
  double stall = 0;
  // Packets.
  double loss = 0;   // a packet arrives later, when it is sent again
  double reset = 0;  // the connection ends with ECONNRESET at both ends
};

// The parts of the world that the ends of simulated connections need
// (testonly). Thread-compatible.
class SimWire {
 public:
  // The size of a packet without data, in bytes.
  static constexpr size_t kHeader = 64;

  virtual MonotonicTime Now() const = 0;
  virtual SimRandom& random() = 0;
  virtual const SimFaults& faults() const = 0;
  // Returns the host that has the address, seen from `from`; nullptr if there
  // is none.
  virtual SimTcp* HostOf(const SocketAddress& address, SimTcp* from) = 0;
  // Draws how long a packet of `bytes` bytes is under way. Returns nullopt if
  // the packet is lost.
  virtual std::optional<absl::Duration> Pass(SimTcp* from, SimTcp* to,
                                             size_t bytes) = 0;
  // Calls `happen` at that time. The order among calls at the same time is
  // drawn.
  virtual void At(MonotonicTime time, absl::AnyInvocable<void() &&> happen) = 0;
  // Returns true if Note() keeps its lines.
  virtual bool tracing() const = 0;
  // Adds a line with the time, the host's name and `what` to the trace.
  virtual void Note(const SimTcp* host, absl::string_view what) = 0;

 protected:
  virtual ~SimWire() = default;
};

}  // namespace sluice

#endif  // SLUICE_NET_SIM_SIM_WIRE_H_
