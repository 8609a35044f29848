#ifndef SLUICE_NET_TCP_TCP_LISTENER_H_
#define SLUICE_NET_TCP_TCP_LISTENER_H_

#include <cstddef>
#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "sluice/base/destructor_check.h"
#include "sluice/base/io_result.h"
#include "sluice/event/event_loop.h"
#include "sluice/event/io_target.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/socket/unix_socket_file.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/transport/platform.h"
#include "sluice/timer/timer_wheel.h"

namespace sluice {

// Accepts connections on one address, on one loop, for TCP and Unix-domain
// sockets. The listener is an urgent target: it accepts before open connections
// are served. It creates no TcpConnection objects. Owns its socket, and the
// file of a Unix-domain socket. Loop-bound.
//
// If accept(2) fails, because of a lack of descriptors or memory (EMFILE,
// ENFILE, ENOBUFS, ENOMEM) or for another reason (EPERM of a filter), the
// listener backs off: it accepts nothing for 1 ms at first, and twice as long
// after each further failure, up to 512 ms. Meanwhile it does not spin, and
// connections wait in the backlog. OnFailure is called for each failure.
class TcpListener final : private IoTarget, private Timer {
 public:
  struct Options {
    SocketApi::ListenOptions listen = {};
    // The most connections to accept in one loop iteration, at least 1. The
    // listener starts with one and doubles under load, so that a single
    // connection costs a single system call.
    size_t max_accepts_per_iteration = 64;
  };
  // Called on the loop once for each connection: in later iterations, and
  // inside AcceptBacklog(). Gets the socket as its own. May destroy the
  // listener. For an unnamed Unix-domain socket, `peer` is "unix:".
  using OnAccept = absl::AnyInvocable<void(Socket, const SocketAddress& peer)>;

  // Called as OnAccept is, for each failure of accept(2), with the error and
  // the listener's address. Must not destroy the listener.
  using OnFailure = absl::AnyInvocable<void(const absl::Status& error)>;

  // Binds and listens before it returns. Returns kInvalidArgument if an option
  // is out of bounds; the message names the option. Also returns the errors of
  // SocketApi::Listen() and Address(), of UnixSocketFile::Find(), and of
  // EventLoop::Add(). `platform` and `loop` outlive the listener. `on_failure`
  // may be null. REQUIRES: on the loop, or the loop is not running.
  static absl::StatusOr<std::unique_ptr<TcpListener>> Listen(
      const Platform* platform, EventLoop* loop, const SocketAddress& address,
      Options options, OnAccept on_accept, OnFailure on_failure = nullptr);
  // Removes the file of a Unix-domain socket, and closes the socket, which
  // resets connections in the backlog: call AcceptBacklog() first to serve
  // them.
  ~TcpListener() override;

  // Stops accepting. Connections wait in the backlog, at no cost. Does nothing
  // when paused.
  void Pause();
  // Ends Pause(), but not a back-off. Does nothing when not paused.
  void Resume();

  // Accepts the connections that wait in the backlog, at most as many as the
  // backlog holds, and calls OnAccept for each inside this call. Stops early if
  // OnAccept pauses or destroys the listener, or if accept(2) fails. Does
  // nothing after Pause(). For callers that are about to destroy the listener.
  // REQUIRES: not called by OnAccept or OnFailure.
  void AcceptBacklog();

  // Returns the bound address. The port of an IP address is never 0.
  const SocketAddress& address() const { return address_; }
  // Returns the descriptor, which stays the listener's. To set an option of all
  // accepted sockets, set it here: they inherit it.
  int fd() const { return socket_.fd(); }

 private:
  TcpListener(EventLoop* loop, Socket socket, const SocketAddress& address,
              UnixSocketFile file, Options options, OnAccept on_accept,
              OnFailure on_failure);

  void OnIo(const IoEvent& event) override;
  void Fire() override;  // tries again after a failure

  enum class End {
    kLimit,
    kPaused,
    kEmpty,
    kFailed,
    kDestroyed,  // on_accept_ has destroyed the listener
  };
  // Calls OnAccept for up to `limit` connections. Returns why it has ended.
  End Accept(size_t limit, size_t* accepted);
  void BackOff();
  void SetInterest();

  EventLoop* const loop_;
  Socket socket_;
  const SocketAddress address_;
  UnixSocketFile file_;
  const size_t backlog_;
  const size_t max_accepts_per_iteration_;
  OnAccept on_accept_;
  OnFailure on_failure_;
  size_t accepts_to_try_ = 1;
  absl::Duration back_off_;
  bool paused_ = false;
  bool backing_off_ = false;
  DestructorCheck destructor_check_;
};

}  // namespace sluice

#endif  // SLUICE_NET_TCP_TCP_LISTENER_H_
