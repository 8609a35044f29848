#ifndef SLUICE_NET_SIM_SIM_TCP_STACK_H_
#define SLUICE_NET_SIM_SIM_TCP_STACK_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "sluice/net/sim/sim_socket.h"
#include "sluice/net/sim/sim_socket_host.h"
#include "sluice/net/sim/sim_tcp_connection.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/socket_address.h"

namespace sluice {

// TCP of one simulated host (testonly): its addresses and listeners, and the
// handshakes by which they become connections. Thread-compatible. The host
// outlives it, and it outlives its sockets.
class SimTcpStack {
 public:
  // Whose address that is; nullptr: nobody's.
  using Route = std::function<SimTcpStack*(const SocketAddress& address)>;

  // `buffer_bytes`: of both buffers of a direction together.
  SimTcpStack(SimSocketHost* host, std::vector<SocketAddress> addresses,
              size_t buffer_bytes, Route route);
  SimTcpStack(const SimTcpStack&) = delete;
  SimTcpStack& operator=(const SimTcpStack&) = delete;

  // Without a port. REQUIRES: it was made with one.
  const SocketAddress& address() const { return addresses_.front(); }
  // Whether `address`, whatever its port, is one of this host.
  bool Has(const SocketAddress& address) const;

  // Each an errno, or 0 and the socket, which has that descriptor.
  // REQUIRES: up, and an IP address.
  int Listen(int fd, const SocketAddress& address,
             const SocketApi::ListenOptions& options,
             std::unique_ptr<SimSocket>* socket);
  int StartConnect(int fd, const SocketAddress& address,
                   const SocketAddress* local,
                   std::unique_ptr<SimSocket>* socket);

 private:
  friend class SimTcpListener;
  using Connection = std::shared_ptr<SimTcpConnection>;

  // The address to come from. An errno; 0: none.
  int ChooseSource(const SocketAddress& peer, const SocketAddress* local,
                   SocketAddress* source);
  void SendSyn(const Connection& connection, int attempt);
  void RetrySyn(const Connection& connection, int attempt);
  void OnSyn(const Connection& connection, SimTcpStack* from, int attempt);
  // What comes to a connection that the other host has forgotten ends it.
  bool ResetsOldConnection(const Connection& connection);

  SimSocketHost& host_;
  const std::vector<SocketAddress> addresses_;
  const SimTcpOptions options_;
  const Route route_;
};

}  // namespace sluice

#endif  // SLUICE_NET_SIM_SIM_TCP_STACK_H_
