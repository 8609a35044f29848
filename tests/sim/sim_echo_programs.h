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

// The port of each SimEchoServer.
inline constexpr uint16_t kSimEchoPort = 7007;

// Returns options for a loop with little memory, because a world makes many
// loops: 64 posted callables, and a buffer of `receive_buffer` bytes.
EventLoop::Options SmallLoopOptions(size_t receive_buffer = 4096);

// An echo server on a simulated host (testonly). Takes any handlers that answer
// with the received bytes, and counts the calls of these handlers.
// Thread-compatible.
class SimEchoServer final : public SimProgram {
 public:
  struct Options {
    ThreadModel model = ThreadModel::kSingleLoop;
    int loops = 1;  // with kSingleLoop, only the first loop serves
    size_t receive_buffer = 4096;  // bytes
    size_t max_connections = 1000;
    ConnectionOptions connection = {};
  };

  using NewHandler = absl::AnyInvocable<std::unique_ptr<StreamHandler>() const>;

  // Starts the server. The faults of `network` do not apply to the start.
  // CHECK-fails if the server does not start. `network`, `host`, `new_handler`
  // and `counts` outlive this.
  SimEchoServer(SimNetwork* network, SimHost* host, const Options& options,
                const NewHandler* new_handler, HandlerCounts* counts);
  ~SimEchoServer() override;

  // Begins to drain. Expects that TcpServer::Drain() calls its callback once,
  // at the latest one tick after `deadline` on the host's clock: a timer may be
  // a tick late, and loops of a simulated host take no time. A further call
  // with an earlier deadline brings the deadline forward.
  void Drain(MonotonicTime deadline);
  // Returns true if Drain() was called, and the callback of each call has run.
  bool drained() const { return forced_.has_value() && unanswered_ == 0; }
  // Returns the number of connections that the drain closed by force.
  // REQUIRES: drained().
  size_t forced() const { return *forced_; }

  // Returns the sums over all loops of `accepted`, `refused`, `open`,
  // `bytes_in` and `bytes_out`. The other counters are 0.
  TcpServer::LoopStats stats() const;
  // Expects that the server's counters agree with the calls of its handlers.
  void ExpectCountersAgree() const;
  // Destroys the server. Its connections end later, in the host's time.
  // Afterwards only timers() may be called.
  void Stop();
  // Returns the number of timers that are armed on the server's loops.
  size_t timers() const;

 private:
  SimHost& host_;
  HandlerCounts& counts_;
  const uint64_t made_before_, closed_before_, consumed_before_;
  std::vector<EventLoop*> loops_;
  std::unique_ptr<TcpServer> server_;
  MonotonicTime deadline_;  // of the current drain
  int unanswered_ = 0;      // drains whose callback was not called yet
  std::optional<size_t> forced_;
};

// A program that uses a server until it is done (testonly).
class SimClient : public SimProgram {
 public:
  // Returns true when the program has no connection left and begins no other.
  virtual bool done() const = 0;
  // Returns the number of timers that are armed on the program's loop.
  virtual size_t timers() const = 0;
};

// The echo server's load client on a simulated host (testonly).
// Thread-compatible.
class SimLoadClient final : public SimClient {
 public:
  // Starts to connect and to send as `load` says. `host` outlives this.
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
