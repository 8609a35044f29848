#ifndef SLUICE_NET_TCP_TCP_SERVER_H_
#define SLUICE_NET_TCP_TCP_SERVER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "sluice/event/event_loop.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/stream.h"
#include "sluice/net/tcp/tcp_connection.h"
#include "sluice/net/tcp/tcp_listener.h"
#include "sluice/net/tcp/thread_model.h"
#include "sluice/net/transport/platform.h"
#include "sluice/timer/clock.h"

namespace sluice {

// A server: listeners and connections on loops that the caller owns. Starts no
// thread and stops no loop. A connection and its handler stay on one loop, and
// so need no lock. Thread-compatible.
class TcpServer {
 public:
  struct Options {
    // kSingleLoop serves on one loop, and kReusePort on all of several loops.
    ThreadModel thread_model = ThreadModel::kSingleLoop;
    // The most open connections; more connections wait in the backlog. Each
    // further loop that accepts may exceed the limit by one. 1 to 2^31.
    size_t max_connections = 100'000;
    TcpListener::Options listener = {};
    ConnectionOptions connection = {};
    // Called with the last error when accepting has failed on a loop for a
    // second; the error names the address. Called with OK when that loop has
    // then accepted for a second without a failure. For the program's log. Any
    // loop of the server calls it, so it must be thread-safe. May be null.
    std::function<void(const absl::Status&)> on_accept_trouble = nullptr;
  };

  // Returns the handler of a new connection. Returns null to refuse the
  // connection, which closes it gracefully. Called on the loop of the
  // connection, which also destroys the handler, after OnClosed(). Any loop of
  // the server calls it, so it must be thread-safe. The callable itself is
  // destroyed on one of the loops, after the server and its last connection.
  using NewHandler = absl::AnyInvocable<std::unique_ptr<StreamHandler>(
      const SocketAddress& peer) const>;

  // Binds `address` and starts to accept. Returns the errors of
  // TcpListener::Listen(), or kInvalidArgument if `loops` is empty, if there
  // are several loops and thread_model is kSingleLoop, if several listeners
  // cannot share `address`, or if an option is out of its range; the message
  // names the option and says what to do.
  // `loops` outlive the server. `platform` outlives the loops.
  // REQUIRES: the loops are not running, or there is one loop and this is its
  // sequence.
  static absl::StatusOr<std::unique_ptr<TcpServer>> Start(
      const Platform* platform, std::vector<EventLoop*> loops,
      const SocketAddress& address, NewHandler new_handler, Options options);

  // Any thread, also a handler of the server. Stops accepting and ends the
  // connections with kServerDestroyed: later, on the loops, or when the loops
  // are destroyed. Waits for nothing; until then, the loops may still call
  // NewHandler. A drain that is under way does not call its `done`. In the
  // child of a fork(), closes descriptors and calls nothing: see "fork()" in
  // docs/architecture.md.
  ~TcpServer();
  TcpServer(const TcpServer&) = delete;
  TcpServer& operator=(const TcpServer&) = delete;

  // Any thread. Returns at once; each loop then accepts the connections that
  // wait in the backlog, stops accepting, and calls OnDraining() of every
  // handler. At `deadline`, of the loops' clocks, ends the remaining
  // connections with kDrainTimeout. When no connection is left, calls `done`
  // once, on the first loop, with the number of connections that ended with
  // kDrainTimeout. A second call may bring the deadline forward but not put it
  // off, and its `done` is called too. Connections beyond max_connections that
  // wait in the backlog are reset. If a loop ends first, `done` is destroyed
  // uncalled.
  using Drained = absl::AnyInvocable<void(size_t forced) &&>;
  void Drain(MonotonicTime deadline, Drained done);

  // Returns the bound address. The port of an IP address is never 0.
  const SocketAddress& address() const { return address_; }

  struct LoopStats {
    uint64_t accepted = 0;
    uint64_t refused = 0;          // by NewHandler
    uint64_t accept_failures = 0;  // calls of accept(2) that failed
    uint64_t open = 0;
    uint64_t bytes_in = 0;
    uint64_t bytes_out = 0;
    uint64_t iterations = 0;  // of the loop, for all its work
  };
  // Any thread. Returns one entry for each loop, in the order of the loops.
  // Each counter by itself is exact.
  std::vector<LoopStats> stats() const;

 private:
  class Shard;
  class DrainSum;
  struct Shared;

  TcpServer() = default;

  std::vector<Shard*> shards_;  // each ends by itself, with its last connection
  EventLoop* first_loop_ = nullptr;
  SocketAddress address_;
};

// Returns how evenly the loops have accepted connections, as Jain's index: 1 if
// each loop accepted the same number, 1/n if one of n loops accepted all.
// Returns 1 if there are no connections.
double Fairness(absl::Span<const TcpServer::LoopStats> stats);

}  // namespace sluice

#endif  // SLUICE_NET_TCP_TCP_SERVER_H_
