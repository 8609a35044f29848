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

// What happens by chance, each time that it could: probabilities from 0 to 1.
struct SimFaults {
  // Calls of the sockets.
  double short_count = 0;     // a read or write moves less than it could
  double would_block = 0;     // EAGAIN, although the poller says ready
  double interrupted = 0;     // EINTR
  double no_descriptors = 0;  // EMFILE or ENFILE, of what makes a descriptor
  double no_memory = 0;       // ENOBUFS or ENOMEM, of the same
  double aborted = 0;  // a connection is reset while it waits in a backlog
  // Waits.
  double spurious = 0;  // a descriptor is reported ready that is not
  // Turns. The loop stands still for a time, as in a long callback, or as a
  // process does after SIGSTOP: before a wait, or between a wait and the
  // dispatch of what it returned.
  double stall = 0;
  // Packets.
  double loss = 0;   // comes later, when it is sent again
  double reset = 0;  // the connection ends with ECONNRESET at both ends
};

// What the ends of simulated connections need of the world between them
// (testonly). Thread-compatible.
class SimWire {
 public:
  // Of a packet without data, in bytes.
  static constexpr size_t kHeader = 64;

  virtual MonotonicTime Now() const = 0;
  virtual SimRandom& random() = 0;
  virtual const SimFaults& faults() const = 0;
  // Whose address that is, seen from `from`; nullptr: nobody's.
  virtual SimTcp* HostOf(const SocketAddress& address, SimTcp* from) = 0;
  // How long so many bytes are under way. Nothing: they do not arrive.
  virtual std::optional<absl::Duration> Pass(SimTcp* from, SimTcp* to,
                                             size_t bytes) = 0;
  // Calls `happen` at that time, in an order that is drawn among what happens
  // then.
  virtual void At(MonotonicTime time, absl::AnyInvocable<void() &&> happen) = 0;
  // Whether Note() keeps what it is told.
  virtual bool tracing() const = 0;
  // A line of the trace.
  virtual void Note(const SimTcp* host, absl::string_view what) = 0;

 protected:
  virtual ~SimWire() = default;
};

}  // namespace sluice

#endif  // SLUICE_NET_SIM_SIM_WIRE_H_
