#ifndef SLUICE_NET_TCP_TCP_CONNECTOR_H_
#define SLUICE_NET_TCP_TCP_CONNECTOR_H_

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "sluice/base/io_result.h"
#include "sluice/base/task.h"
#include "sluice/event/event_loop.h"
#include "sluice/event/io_target.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/transport/platform.h"
#include "sluice/timer/timer_wheel.h"

namespace sluice {

// One attempt to connect to one address: no names, no retries. Ends with a
// connected Socket, for Platform::new_transport. Loop-bound; owned by its user.
//
// If nobody listens on a port of this host, the kernel may give a client that
// very port to connect from; TCP then connects the socket to itself. Such a
// connection is refused (ECONNREFUSED), and the port is free again at once.
class TcpConnector final : private IoTarget, private Task, private Timer {
 public:
  struct Options {
    // May be infinite. Not positive: it has passed in the next turn.
    absl::Duration timeout = absl::Seconds(10);
    // The address to come from, with port 0 for any; none: the kernel's choice.
    SocketAddress local = {};
  };
  // Exactly once, in a later turn; may destroy the connector. A connected
  // socket with TCP_NODELAY set; kDeadlineExceeded at the timeout; kCancelled
  // if the loop ended; what the poller refused, such as select's limit;
  // otherwise errno, with the peer's address.
  using Done = absl::AnyInvocable<void(absl::StatusOr<Socket>) &&>;

  // REQUIRES: on the loop, or the loop is not running. `platform` and `loop`
  // outlive the connector.
  TcpConnector(const Platform* platform, EventLoop* loop,
               const SocketAddress& peer, Options options, Done done);
  // Cancels: `done` is destroyed, not called.
  ~TcpConnector() override;

 private:
  void OnIo(const IoEvent& event) override;  // connected, or not
  void Run() override;                       // what was known at once
  void Abandon() override;                   // the loop ended
  void Fire() override;                      // the timeout
  bool IsConnectedToItself() const;
  void ShutdownWrite(absl::Status status);

  EventLoop* const loop_;
  const SocketAddress peer_;
  const absl::Duration timeout_;
  Done done_;
  Socket socket_;
  absl::Status failed_at_once_;
};

}  // namespace sluice

#endif  // SLUICE_NET_TCP_TCP_CONNECTOR_H_
