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

// Listeners and connections on loops that it is given. Starts no thread and
// stops no loop. What it has on a loop is that loop's own, connections and
// handlers included, so that nothing of a connection is locked.
// Thread-compatible.
class TcpServer {
 public:
  struct Options {
    // kSingleLoop serves on one loop, and kReusePort on all of several loops.
    ThreadModel thread_model = ThreadModel::kSingleLoop;
    // While so many are open, new ones wait in the backlog. Each further loop
    // that accepts may have let in one more. 1 to 2^31.
    size_t max_connections = 100'000;
    TcpListener::Options listener = {};
    ConnectionOptions connection = {};
    // Called when accepting has failed on a loop again and again for a second,
    // with the last error, which names the address; and with OK when that loop
    // has then accepted for a second without a failure. For the program's log.
    // Called on any loop of the server, hence thread-safe. May be null.
    std::function<void(const absl::Status&)> on_accept_trouble = nullptr;
  };

  // Makes the handler of a new connection, on its loop; null refuses it. The
  // handler is destroyed there, after OnClosed(). Called on any loop of the
  // server, hence thread-safe.
  using NewHandler = absl::AnyInvocable<std::unique_ptr<StreamHandler>(
      const SocketAddress& peer) const>;

  // Binds before it returns; accepts from then on. kInvalidArgument: `loops` is
  // empty, or has several loops and thread_model is kSingleLoop; `address`
  // cannot be listened on by several; or an option is out of its range. The
  // error names the option and says what to do. Otherwise the errors of
  // TcpListener::Listen().
  // REQUIRES: the loops are not running, or there is one and this is its
  // sequence. `platform` and `loops` outlive the server.
  static absl::StatusOr<std::unique_ptr<TcpServer>> Start(
      const Platform* platform, std::vector<EventLoop*> loops,
      const SocketAddress& address, NewHandler new_handler, Options options);

  // Stops accepting and ends what is left with kServerDestroyed: later, on the
  // loops, or when they are destroyed. Waits for nothing. Any thread, a
  // handler of its own included. A drain under way is not answered. In the
  // child of a fork() closes descriptors, and calls nothing:
  // docs/architecture.md, "fork()".
  ~TcpServer();
  TcpServer(const TcpServer&) = delete;
  TcpServer& operator=(const TcpServer&) = delete;

  // Stops accepting, what waits in the backlog first, and tells every handler
  // OnDraining(); at `deadline`, ends the rest with kDrainTimeout. Then, when
  // no connection is left, `done` gets how many were forced: once, on the first
  // loop. Called again it may bring the deadline forward, not put it off; each
  // `done` is answered. What waits beyond max_connections is reset.
  // Any thread. `done` is destroyed uncalled if a loop ends first.
  using Drained = absl::AnyInvocable<void(size_t forced) &&>;
  void Drain(MonotonicTime deadline, Drained done);

  // The bound one: a port is never 0.
  const SocketAddress& address() const { return address_; }

  struct LoopStats {
    uint64_t accepted = 0;
    uint64_t refused = 0;          // by NewHandler
    uint64_t accept_failures = 0;  // calls of accept(2)
    uint64_t open = 0;
    uint64_t bytes_in = 0;
    uint64_t bytes_out = 0;
    uint64_t iterations = 0;  // of the loop, all that it does
  };
  // Any thread, one entry for each loop that serves, in their order. Each
  // counter by itself is exact.
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

// How evenly connections are spread over loops, by what they have accepted:
// Jain's index, from 1/n, one loop has them all, to 1, each has as many; 1 for
// none.
double Fairness(absl::Span<const TcpServer::LoopStats> stats);

}  // namespace sluice

#endif  // SLUICE_NET_TCP_TCP_SERVER_H_
