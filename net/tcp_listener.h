#ifndef SLUICE_NET_TCP_LISTENER_H_
#define SLUICE_NET_TCP_LISTENER_H_

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
#include "sluice/net/platform.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/socket_api.h"
#include "sluice/net/unix_socket_file.h"
#include "sluice/timer/timer_wheel.h"

namespace sluice {

// Accepts connections on one address, on one loop, as an urgent target: before
// those that are there are served. TCP and Unix-domain sockets alike. Makes no
// connections. Loop-bound; owns its socket, and the file of a Unix-domain one.
//
// When accept(2) fails, for want of descriptors or memory (EMFILE, ENFILE,
// ENOBUFS, ENOMEM) or for another reason (EPERM of a filter), the listener
// stops for a while, 1 ms at first and doubling to 512 ms while that lasts: it
// does not spin, connections wait in the backlog, and it accepts them within
// that time when accept(2) succeeds again. OnFailure hears of each failure.
class TcpListener final : private IoTarget, private Timer {
 public:
  struct Options {
    SocketApi::ListenOptions listen = {};
    // A bound, at least 1. What is tried grows to it while connections keep
    // coming, and is one when they come singly: one system call for each.
    size_t max_accepts_per_turn = 64;
  };
  // On the loop, in later turns, once for each connection; may destroy the
  // listener. `peer` has no address for unnamed Unix-domain sockets.
  using OnAccept = absl::AnyInvocable<void(Socket, const SocketAddress& peer)>;

  // On the loop, each time that accepting fails, with the error and the
  // address. Must not destroy the listener, which tries again after its
  // back-off.
  using OnFailure = absl::AnyInvocable<void(const absl::Status& error)>;

  // Binds and listens before it returns. kInvalidArgument names the option; the
  // errors of SocketApi::Listen() and EventLoop::Add(). REQUIRES: on the loop,
  // or the loop is not running. `platform` and `loop` outlive the listener.
  // `on_failure` may be null.
  static absl::StatusOr<std::unique_ptr<TcpListener>> Listen(
      const Platform* platform, EventLoop* loop, const SocketAddress& address,
      Options options, OnAccept on_accept, OnFailure on_failure = nullptr);
  // Connections that wait in the backlog are reset: AcceptBacklog() first.
  ~TcpListener() override;

  // Leaves connections in the backlog, at no cost. No-op when paused.
  void Pause();
  // No-op when not paused.
  void Resume();

  // Calls OnAccept, inside this call, for all that wait in the backlog, at most
  // its size; until OnAccept pauses the listener, or descriptors run out. No-op
  // when paused. For those who are about to destroy the listener.
  // REQUIRES: not called by OnAccept.
  void AcceptBacklog();

  // The bound one: a port is never 0.
  const SocketAddress& address() const { return address_; }
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
    kDestroyed,  // with the listener
  };
  // Calls OnAccept for up to `limit` connections; why it ended.
  End Accept(size_t limit, size_t* accepted);
  void BackOff();
  void SetInterest();

  EventLoop* const loop_;
  Socket socket_;
  const SocketAddress address_;
  UnixSocketFile file_;
  const size_t backlog_;
  const size_t max_accepts_per_turn_;
  OnAccept on_accept_;
  OnFailure on_failure_;
  size_t accepts_to_try_ = 1;
  absl::Duration back_off_;
  bool paused_ = false;
  bool backing_off_ = false;
  DestructorCheck destructor_check_;
};

}  // namespace sluice

#endif  // SLUICE_NET_TCP_LISTENER_H_
