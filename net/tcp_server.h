#ifndef SLUICE_NET_TCP_SERVER_H_
#define SLUICE_NET_TCP_SERVER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "sluice/event/event_loop.h"
#include "sluice/net/platform.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/stream.h"
#include "sluice/net/tcp_connection.h"
#include "sluice/net/tcp_listener.h"
#include "sluice/net/thread_model.h"
#include "sluice/timer/clock.h"

namespace sluice {

// Listeners and connections on loops that it is given. Starts no thread and
// stops no loop. What it has on a loop is that loop's own, connections and
// handlers included, so that nothing is locked. Thread-compatible.
class TcpServer {
 public:
  struct Options {
    ThreadModel threads = ThreadModel::kSingleLoop;
    // While so many are open, new ones wait in the listener's backlog.
    size_t max_connections = 100'000;
    TcpListener::Options listener = {};
    ConnectionOptions connection = {};
  };

  // Makes the handler of a new connection, on its loop; null refuses it. The
  // handler is destroyed there, after OnClosed(). Called on any loop of the
  // server, hence thread-safe.
  using NewHandler = absl::AnyInvocable<std::unique_ptr<StreamHandler>(
      const SocketAddress& peer) const>;

  // Binds before it returns; accepts from then on. kInvalidArgument: `loops` is
  // empty; otherwise the errors of TcpListener::Listen().
  // REQUIRES: the loops are not running, or this is the first one's sequence.
  // `platform` and `loops` outlive the server.
  static absl::StatusOr<std::unique_ptr<TcpServer>> Start(
      const Platform* platform, std::vector<EventLoop*> loops,
      const SocketAddress& address, NewHandler new_handler, Options options);

  // Stops accepting and ends what is left with kServerGone: later, on the
  // loops, or when they are destroyed. Waits for nothing. Any thread, a
  // handler of its own included. A drain under way is not answered.
  ~TcpServer();
  TcpServer(const TcpServer&) = delete;
  TcpServer& operator=(const TcpServer&) = delete;

  // Stops accepting and tells every handler OnDraining(); at `deadline`, ends
  // the rest with kDrainForced. Then, when no connection is left, `done` gets
  // how many were forced: once, on the first loop. Called again it may bring
  // the deadline forward, not put it off; each `done` is answered.
  // Any thread. `done` is destroyed uncalled if the loop ends first.
  using Drained = absl::AnyInvocable<void(size_t forced) &&>;
  void Drain(MonotonicTime deadline, Drained done);

  // The bound one: a port is never 0.
  const SocketAddress& address() const { return address_; }

  struct LoopStats {
    uint64_t accepted = 0;
    uint64_t refused = 0;  // by NewHandler
    uint64_t open = 0;
    uint64_t bytes_in = 0;
    uint64_t bytes_out = 0;
  };
  // Any thread, one entry for each loop that serves. Each counter by itself is
  // exact.
  std::vector<LoopStats> stats() const;

 private:
  class Shard;

  TcpServer(Shard* shard, const SocketAddress& address)
      : shard_(shard), address_(address) {}

  Shard* const shard_;  // owns itself: it ends with its last connection
  const SocketAddress address_;
};

}  // namespace sluice

#endif  // SLUICE_NET_TCP_SERVER_H_
