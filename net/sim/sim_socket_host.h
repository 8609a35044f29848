#ifndef SLUICE_NET_SIM_SIM_SOCKET_HOST_H_
#define SLUICE_NET_SIM_SIM_SOCKET_HOST_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "sluice/event/poller/poller.h"
#include "sluice/event/poller/sim_descriptors.h"
#include "sluice/net/sim/sim_ports.h"
#include "sluice/net/sim/sim_wire.h"

namespace sluice {

// The state that the sockets of one simulated host share (testonly): whether
// the host is up, which descriptors are ready, which ports are taken, and the
// wire. Owns neither wire nor host. Thread-compatible.
class SimSocketHost {
 public:
  // `self` identifies the host in calls on the wire.
  SimSocketHost(SimWire* wire, SimTcp* self) : wire_(*wire), self_(self) {}
  SimSocketHost(const SimSocketHost&) = delete;
  SimSocketHost& operator=(const SimSocketHost&) = delete;

  SimWire& wire() { return wire_; }
  SimTcp* self() const { return self_; }
  SimDescriptors& descriptors() { return descriptors_; }
  SimPorts& ports() { return ports_; }

  bool is_up() const { return up_; }
  // Returns how often the host went down. A socket that was created in an
  // earlier epoch is gone.
  uint64_t epoch() const { return epoch_; }
  void GoDown() {
    up_ = false;
    ++epoch_;
    ports_.Clear();
  }
  void ComeUp() { up_ = true; }

  void SetReady(int fd, IoEvents ready) {
    if (descriptors_.ready(fd) == ready) return;
    descriptors_.SetReady(fd, ready);
    ++changes_;
  }
  // Returns how often the readiness of a descriptor has changed.
  uint64_t changes() const { return changes_; }
  // Writes a line about the descriptor to the trace.
  template <typename... Pieces>
  void Note(int fd, const Pieces&... what) {
    if (!wire_.tracing()) return;
    wire_.Note(self_, absl::StrCat("descriptor ", fd, " ", what...));
  }
  // Returns how many of `size` bytes a call moves: all of them or, with the
  // probability SimFaults::short_count, fewer. At least one, unless `size` is
  // 0.
  size_t Shortened(size_t size) {
    if (size <= 1 || !wire_.random().Chance(wire_.faults().short_count)) {
      return size;
    }
    return 1 + wire_.random().Below(size);
  }

 private:
  SimWire& wire_;
  SimTcp* const self_;
  SimDescriptors descriptors_;
  SimPorts ports_;
  bool up_ = true;
  uint64_t epoch_ = 0;
  uint64_t changes_ = 0;
};

}  // namespace sluice

#endif  // SLUICE_NET_SIM_SIM_SOCKET_HOST_H_
