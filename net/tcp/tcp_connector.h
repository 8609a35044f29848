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

// One attempt to connect to one address. It looks up no names and does not
// retry. On success, it passes a connected Socket, for Platform::new_transport.
// The user owns the connector. Loop-bound.
//
// If no server listens on a port of this host, the kernel may choose that very
// port as the local port of a client; TCP then connects the socket to itself.
// The connector treats such a connection as refused (ECONNREFUSED), and frees
// the port at once.
class TcpConnector final : private IoTarget, private Task, private Timer {
 public:
  struct Options {
    // The time until the attempt fails; may be infinite. If it is not positive,
    // the attempt fails unless its result is there at the loop's first look.
    absl::Duration timeout = absl::Seconds(10);
    // The address to connect from, with port 0 for any port. Default: the
    // kernel chooses.
    SocketAddress local = {};
  };
  // Called at most once, on the loop, never inside the constructor. Not called
  // if the connector is destroyed before, or if the loop ends during the
  // attempt. May destroy the connector. Gets a connected socket with
  // TCP_NODELAY set, or an error: kDeadlineExceeded at the timeout; kCancelled
  // if the attempt failed at once and the loop ended before it could report
  // this; the error of the poller, such as a descriptor beyond select's limit;
  // otherwise the error of the system call, with the peer's address.
  using Done = absl::AnyInvocable<void(absl::StatusOr<Socket>) &&>;

  // Starts to connect. `platform` and `loop` outlive the connector. REQUIRES:
  // on the loop, or the loop is not running.
  TcpConnector(const Platform* platform, EventLoop* loop,
               const SocketAddress& peer, Options options, Done done);
  // Cancels the attempt, if `done` was not called. `done` is destroyed without
  // a call.
  ~TcpConnector() override;

 private:
  void OnIo(const IoEvent& event) override;  // connected or failed
  void Run() override;                       // failed in the constructor
  void Abandon() override;                   // the loop has ended
  void Fire() override;                      // timed out
  bool IsConnectedToItself() const;
  void Finish(absl::Status status);

  EventLoop* const loop_;
  const SocketAddress peer_;
  const absl::Duration timeout_;
  Done done_;
  Socket socket_;
  absl::Status failed_at_once_;
};

}  // namespace sluice

#endif  // SLUICE_NET_TCP_TCP_CONNECTOR_H_
