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

// An IP address and port, to look things up by (testonly). Value type.
struct SimEndpoint {
  SimEndpoint() = default;
  explicit SimEndpoint(const SocketAddress& address);  // REQUIRES: IP

  // Port 0 or not.
  bool IsAny() const { return high == 0 && low == 0; }
  bool IsLoopback() const;

  uint16_t port = 0;
  uint16_t family = 0;
  uint32_t scope = 0;
  uint64_t high = 0, low = 0;  // the address

  friend auto operator<=>(const SimEndpoint&, const SimEndpoint&) = default;
};

// The address with that port. REQUIRES: IP.
SocketAddress WithPort(const SocketAddress& address, uint16_t port);

// The TCP ports of one simulated host (testonly): who listens, who is bound,
// and which pairs of addresses are taken, by connections and by TIME_WAIT after
// them. Says who is in whose way as Linux does, for listeners that set
// SO_REUSEADDR and others that do not. What it is asked costs O(log n).
//
// Owns nothing; whoever adds something removes it before it ends. At most
// kMaxTimeWaits pairs are kept after their connections. Thread-compatible.
class SimPorts {
 public:
  // As Linux has them: ip(7), tcp(7).
  static constexpr uint16_t kFirstPort = 32768, kLastPort = 60999;
  static constexpr absl::Duration kTimeWait = absl::Seconds(60);
  static constexpr size_t kMaxTimeWaits = 65536;

  // Here, and there.
  using Pair = std::pair<SimEndpoint, SimEndpoint>;
  enum class By : uint8_t { kConnecting, kAccepting };

  void Clear();

  // -- Listeners. `together`: all of them asked for reuse_port --

  bool MayListen(const SimEndpoint& at, bool together) const;
  // One at which nothing is; 0: none.
  uint16_t FreePort(const SocketAddress& address);
  void AddListener(const SimEndpoint& at, SimTcpListener* listener,
                   bool together);
  void RemoveListener(const SimEndpoint& at, SimTcpListener* listener);
  // Who is asked when somebody connects to that; of several any one. nullptr:
  // nobody.
  SimTcpListener* FindListener(const SimEndpoint& to, SimRandom* random) const;

  // -- Who connects from a port that it chose --

  bool MayBind(const SimEndpoint& at) const;
  void Bind(const SimEndpoint& at) { ++uses_[at].bound; }
  void Unbind(const SimEndpoint& at);

  // -- Pairs --

  // A port to reach `to` from; 0: all are taken.
  uint16_t FreePortTo(const SocketAddress& from, const SimEndpoint& to,
                      MonotonicTime now);
  // From now on the pair is that connection's, whatever it was.
  void Add(const Pair& pair, By by, SimTcpConnection* connection);
  // The connection is over. No-op if the pair is not its any more.
  void Remove(const Pair& pair, const SimTcpConnection* connection);
  // As Remove(), but that nobody else gets the pair for kTimeWait from now.
  void TimeWait(const Pair& pair, const SimTcpConnection* connection,
                MonotonicTime now);
  // Whether the pair is the connection's, or waits after it.
  bool IsOf(const Pair& pair, const SimTcpConnection* connection) const;
  // Whose it is, other than in TIME_WAIT; nullptr: nobody's.
  SimTcpConnection* Find(const Pair& pair) const;
  // Time has passed: pairs that have waited are free.
  void Expire(MonotonicTime now);

 private:
  struct Listener {
    SimTcpListener* listener;
    bool together;
  };
  // Of one address and port.
  struct Use {
    int bound = 0;       // chose it
    int connecting = 0;  // pairs, with those that wait
    int accepting = 0;
    std::vector<Listener> listeners;
  };
  struct Holder {
    By by;
    const SimTcpConnection* last;  // maybe gone: to be compared only
    SimTcpConnection* connection;  // nullptr: in TIME_WAIT
    MonotonicTime since;           // which began then
  };

  // Whether `blocks` says so of what is at `at`, or at an address that it
  // overlaps.
  template <typename Blocks>
  bool AnyOverlapping(const SimEndpoint& at, Blocks blocks) const;
  // Whether more than pairs of connecting sockets is at the port.
  bool IsClaimed(uint16_t port) const;
  uint16_t NextPort();
  void RemoveIfUnused(std::map<SimEndpoint, Use>::iterator use);
  void Erase(std::map<Pair, Holder>::iterator holder);

  std::map<SimEndpoint, Use> uses_;  // by port first
  std::map<Pair, Holder> pairs_;
  // In the order in which they began; some have ended.
  std::deque<std::pair<MonotonicTime, Pair>> waits_;
  uint16_t next_port_ = kFirstPort;
};

}  // namespace sluice

#endif  // SLUICE_NET_SIM_SIM_PORTS_H_
