#ifndef SLUICE_TESTS_SIM_SIM_ECHO_PROGRAMS_H_
#define SLUICE_TESTS_SIM_SIM_ECHO_PROGRAMS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "sluice/apps/common/load/load_results.h"
#include "sluice/apps/echo/load_generator.h"
#include "sluice/event/event_loop.h"
#include "sluice/net/sim/sim_network.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/stream.h"
#include "sluice/net/tcp/tcp_connection.h"
#include "sluice/net/tcp/tcp_server.h"
#include "sluice/net/tcp/thread_model.h"
#include "sluice/tests/support/watched_handler.h"
#include "sluice/timer/clock.h"

namespace sluice {

// Where the servers listen.
inline constexpr uint16_t kSimEchoPort = 7007;

// Small, as a world makes many.
EventLoop::Options SmallLoopOptions(size_t receive_buffer = 4096);

// A server with the echo server's handlers on a simulated host, or with others
// that answer with the bytes that came; watched (testonly). Thread-compatible.
class SimEchoServer final : public SimProgram {
 public:
  struct Options {
    ThreadModel model = ThreadModel::kSingleLoop;
    int loops = 1;
    size_t receive_buffer = 4096;
    size_t max_connections = 1000;
    ConnectionOptions connection = {};
  };

  using NewHandler = absl::AnyInvocable<std::unique_ptr<StreamHandler>() const>;

  // Starts it; no fault of `network` hinders that. What it points to outlives
  // this.
  SimEchoServer(SimNetwork* network, SimHost* host, const Options& options,
                const NewHandler* new_handler, HandlerCounts* counts);
  ~SimEchoServer() override;

  // Begins to drain, and expects one answer by `deadline`, by the host's clock,
  // plus the tick that a timer may be late: loops of a simulated host take no
  // time. Once more may bring the deadline forward.
  void Drain(MonotonicTime deadline);
  // Whether each was answered.
  bool drained() const { return forced_.has_value() && unanswered_ == 0; }
  // REQUIRES: drained().
  size_t forced() const { return *forced_; }

  // Of all loops.
  TcpServer::LoopStats stats() const;
  // That the server's counters are those of what its handlers were told.
  void ExpectCountersAgree() const;
  // Destroys the server. In the host's time what it had ends.
  void Stop();
  // Timers that are armed on its loops.
  size_t timers() const;

 private:
  SimHost& host_;
  HandlerCounts& counts_;
  const uint64_t made_before_, closed_before_, consumed_before_;
  std::vector<EventLoop*> loops_;
  std::unique_ptr<TcpServer> server_;
  MonotonicTime deadline_;  // of the drain that is under way
  int unanswered_ = 0;      // drains
  std::optional<size_t> forced_;
};

// A program that does something with a server, and is done then (testonly).
class SimClient : public SimProgram {
 public:
  virtual bool done() const = 0;
  // That are armed on its loop.
  virtual size_t timers() const = 0;
};

// The echo server's load client on a simulated host (testonly).
// Thread-compatible.
class SimLoadClient final : public SimClient {
 public:
  // Begins at once. `host` outlives this.
  SimLoadClient(SimHost* host, const LoadGenerator::Options& load);
  ~SimLoadClient() override;

  bool done() const override { return done_; }
  size_t timers() const override;
  const LoadResults& results() const { return generator_.results(); }

 private:
  EventLoop* const loop_;
  LoadGenerator generator_;
  bool done_ = false;
};

}  // namespace sluice

#endif  // SLUICE_TESTS_SIM_SIM_ECHO_PROGRAMS_H_
