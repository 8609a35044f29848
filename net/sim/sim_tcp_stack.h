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

// The TCP of one simulated host (testonly): its addresses, its listeners, and
// the handshakes of its connections. The host outlives it, and it outlives its
// sockets. Thread-compatible.
class SimTcpStack {
 public:
  // Returns the stack that has the address; nullptr if there is none.
  using Route = std::function<SimTcpStack*(const SocketAddress& address)>;

  // `buffer_bytes` is the size of the send buffer and the receive buffer of a
  // direction together. REQUIRES: at least one address; each has port 0.
  SimTcpStack(SimSocketHost* host, std::vector<SocketAddress> addresses,
              size_t buffer_bytes, Route route);
  SimTcpStack(const SimTcpStack&) = delete;
  SimTcpStack& operator=(const SimTcpStack&) = delete;

  // Returns the first address of the constructor, with port 0.
  const SocketAddress& address() const { return addresses_.front(); }
  // Returns true if `address`, with any port, is one of this host.
  bool Has(const SocketAddress& address) const;

  // Return an errno, or 0 and the socket, which gets the descriptor `fd`. A
  // connect goes on after StartConnect(), and then makes the descriptor ready.
  // If `local` is null, the stack chooses the address to connect from.
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

  // Chooses the address to connect from. Returns an errno; 0 for success.
  int ChooseSource(const SocketAddress& peer, const SocketAddress* local,
                   SocketAddress* source);
  void SendSyn(const Connection& connection, int attempt);
  void RetrySyn(const Connection& connection, int attempt);
  void OnSyn(const Connection& connection, SimTcpStack* from, int attempt);
  // Ends an earlier connection of the same pair that the other host has
  // forgotten. Returns false if there is none.
  bool ResetsOldConnection(const Connection& connection);

  SimSocketHost& host_;
  const std::vector<SocketAddress> addresses_;
  const SimTcpOptions options_;
  const Route route_;
};

}  // namespace sluice

#endif  // SLUICE_NET_SIM_SIM_TCP_STACK_H_
