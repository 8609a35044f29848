#ifndef SLUICE_NET_SIM_SIM_PORTS_H_
#define SLUICE_NET_SIM_SIM_PORTS_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "sluice/net/sim/sim_random.h"
#include "sluice/net/socket_address.h"
#include "sluice/timer/clock.h"

namespace sluice {

class SimTcpConnection;
class SimTcpListener;

// An IP address and port as a key for look-ups (testonly). Value type.
struct SimEndpoint {
  SimEndpoint() = default;
  explicit SimEndpoint(const SocketAddress& address);  // REQUIRES: IP

  // Returns true for a wildcard address, with any port.
  bool IsAny() const { return high == 0 && low == 0; }
  bool IsLoopback() const;

  uint16_t port = 0;
  uint16_t family = 0;
  uint32_t scope = 0;
  uint64_t high = 0, low = 0;  // the address

  friend auto operator<=>(const SimEndpoint&, const SimEndpoint&) = default;
};

// Returns `address` with that port. REQUIRES: IP.
SocketAddress WithPort(const SocketAddress& address, uint16_t port);

// The TCP ports of one simulated host (testonly): the listeners, the bound
// sockets, and the pairs of addresses that connections use or that are in
// TIME_WAIT. Decides conflicts as Linux does, for listeners that set
// SO_REUSEADDR and for other sockets that do not. A call takes O(log n) time,
// but the search for a free port may try all ports.
//
// Owns nothing: the caller removes each listener and connection before it
// destroys it. Keeps at most kMaxTimeWaits pairs in TIME_WAIT.
// Thread-compatible.
class SimPorts {
 public:
  // The values of Linux: ip(7), tcp(7).
  static constexpr uint16_t kFirstPort = 32768, kLastPort = 60999;
  static constexpr absl::Duration kTimeWait = absl::Seconds(60);
  static constexpr size_t kMaxTimeWaits = 65536;

  // The local endpoint and the peer's.
  using Pair = std::pair<SimEndpoint, SimEndpoint>;
  enum class By : uint8_t { kConnecting, kAccepting };

  // Forgets all listeners, sockets and pairs: the host went down.
  void Clear();

  // -- Listeners. `together` is ListenOptions::reuse_port: only listeners with
  // it may share an endpoint --

  // Returns true if a listener may be added at that endpoint.
  bool MayListen(const SimEndpoint& at, bool together) const;
  // Returns a port that nothing uses at `address`; 0 if there is none.
  uint16_t FreePort(const SocketAddress& address);
  void AddListener(const SimEndpoint& at, SimTcpListener* listener,
                   bool together);
  void RemoveListener(const SimEndpoint& at, SimTcpListener* listener);
  // Returns a listener for connections to that endpoint, drawn if there are
  // several; nullptr if there is none. Prefers the exact address to a wildcard.
  SimTcpListener* FindListener(const SimEndpoint& to, SimRandom* random) const;

  // -- Clients that choose their port --

  // Returns true if a client may connect from that endpoint.
  bool MayBind(const SimEndpoint& at) const;
  void Bind(const SimEndpoint& at) { ++uses_[at].bound; }
  void Unbind(const SimEndpoint& at);

  // -- Pairs --

  // Returns a port of `from` that is free for connections to `to`; 0 if there
  // is none. If `to` is a loopback address, a port whose pair has been in
  // TIME_WAIT for at least 1 s is free, too.
  uint16_t FreePortTo(const SocketAddress& from, const SimEndpoint& to,
                      MonotonicTime now);
  // Gives the pair to `connection`, and takes the pair from its earlier user.
  void Add(const Pair& pair, By by, SimTcpConnection* connection);
  // Frees the pair of a connection that has ended. Does nothing if the pair
  // does not belong to the connection any more.
  void Remove(const Pair& pair, const SimTcpConnection* connection);
  // Takes the pair from the connection as Remove() does, but keeps the pair in
  // TIME_WAIT until kTimeWait after `now`. If kMaxTimeWaits pairs are kept
  // already, frees the pair.
  void TimeWait(const Pair& pair, const SimTcpConnection* connection,
                MonotonicTime now);
  // Returns true if the pair belongs to the connection, or is in TIME_WAIT
  // after it.
  bool IsOf(const Pair& pair, const SimTcpConnection* connection) const;
  // Returns the connection that has the pair; nullptr if there is none or the
  // pair is in TIME_WAIT.
  SimTcpConnection* Find(const Pair& pair) const;
  // Frees the pairs whose TIME_WAIT has ended at `now`.
  void Expire(MonotonicTime now);

 private:
  struct Listener {
    SimTcpListener* listener;
    bool together;
  };
  // The uses of one address and port.
  struct Use {
    int bound = 0;       // sockets that chose the port
    int connecting = 0;  // pairs, including those in TIME_WAIT
    int accepting = 0;
    std::vector<Listener> listeners;
  };
  struct Holder {
    By by;
    const SimTcpConnection* last;  // maybe destroyed: for comparisons only
    SimTcpConnection* connection;  // nullptr in TIME_WAIT
    MonotonicTime since;           // start of TIME_WAIT
  };

  // Returns true if `blocks` is true for a use at `at` or at an overlapping
  // address.
  template <typename Blocks>
  bool AnyOverlapping(const SimEndpoint& at, Blocks blocks) const;
  // Returns true if the port has a use other than pairs of connecting sockets.
  bool IsClaimed(uint16_t port) const;
  uint16_t NextPort();
  void RemoveIfUnused(std::map<SimEndpoint, Use>::iterator use);
  void Erase(std::map<Pair, Holder>::iterator holder);

  std::map<SimEndpoint, Use> uses_;  // by port first
  std::map<Pair, Holder> pairs_;
  // The TIME_WAITs in the order of their start; some have ended.
  std::deque<std::pair<MonotonicTime, Pair>> waits_;
  uint16_t next_port_ = kFirstPort;
};

}  // namespace sluice

#endif  // SLUICE_NET_SIM_SIM_PORTS_H_
