#ifndef SLUICE_TESTS_SIM_SIM_TALKER_H_
#define SLUICE_TESTS_SIM_SIM_TALKER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "sluice/event/event_loop.h"
#include "sluice/net/close_reason.h"
#include "sluice/net/sim/sim_network.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/stream.h"
#include "sluice/net/tcp/tcp_connection.h"
#include "sluice/net/tcp/tcp_connector.h"
#include "sluice/tests/sim/sim_echo_programs.h"
#include "sluice/tests/sim/sim_echo_world.h"
#include "sluice/tests/support/watched_handler.h"
#include "sluice/timer/clock.h"

namespace sluice {

// A client with one connection to an echo server, for behaviour that servers
// find difficult (testonly). As Options say, it calls ShutdownWrite() while
// much of its output is pending, reads slowly, stops reading, or aborts.
// Expects that each byte that comes back is right. Do not destroy it inside a
// call of its connection. Loop-bound.
class SimTalker {
 public:
  static constexpr uint64_t kAll = UINT64_MAX;

  struct Options {
    SocketAddress server;
    absl::Duration connect_timeout = absl::InfiniteDuration();
    ConnectionOptions connection;
    uint64_t bytes = 0;       // bytes to send
    size_t chunk = 1;         // bytes in one Write()
    bool patient = true;      // true: waits for OnWritable(); false: writes all
    size_t read_at_once = 1;  // bytes to read before a pause
    absl::Duration pause = absl::ZeroDuration();  // zero: does not pause
    // The client resets the connection after so many received bytes.
    uint64_t abort_at = kAll;
    // The client stops reading after so many received bytes; at 0, it does not
    // write either.
    uint64_t silent_at = kAll;
    // True: half-closes after writing the last byte. False: half-closes when
    // all bytes have come back.
    bool half_close_early = true;
  };

  // Starts to connect. `host`, `loop` and `counts` outlive this.
  SimTalker(SimHost* host, EventLoop* loop, const Options& options,
            HandlerCounts* counts);
  SimTalker(const SimTalker&) = delete;
  SimTalker& operator=(const SimTalker&) = delete;
  ~SimTalker();

  // Returns whether the connection, or the attempt to connect, has ended.
  bool ended() const { return ended_; }
  // The arguments of OnClosed(). If the attempt failed, its error and kIoError.
  // REQUIRES: ended().
  const absl::Status& why() const { return why_; }
  CloseReason reason() const { return reason_; }
  // Returns whether OnOpen() was called.
  bool opened() const { return opened_; }
  // Returns the number of bytes that came back.
  uint64_t received() const { return received_; }
  const Options& options() const { return options_; }

 private:
  class Handler;

  void OnConnected(absl::StatusOr<Socket> socket);
  void WriteMore(Stream& stream);
  void OnReceived(Stream& stream, absl::string_view input);
  void OnIdle();

  SimHost& host_;
  EventLoop* const loop_;
  const Options options_;
  HandlerCounts& counts_;
  ConnectionContext context_;
  std::unique_ptr<TcpConnector> connector_;
  std::unique_ptr<WatchedHandler> handler_;
  std::unique_ptr<TcpConnection> connection_;
  uint64_t written_ = 0;
  uint64_t received_ = 0;
  uint64_t since_pause_ = 0;  // bytes since the last pause
  MonotonicTime resume_at_;
  MonotonicTime last_active_;
  bool opened_ = false;
  bool ended_ = false;
  absl::Status why_;
  CloseReason reason_ = CloseReason::kNormal;
};

// A few SimTalkers on one loop of a simulated host (testonly).
// Thread-compatible.
class SimTalkers final : public SimClient {
 public:
  // Starts all talkers. `host` and `counts` outlive this.
  SimTalkers(SimHost* host, const std::vector<SimTalker::Options>& options,
             HandlerCounts* counts);

  bool done() const override;
  size_t timers() const override;
  const std::vector<std::unique_ptr<SimTalker>>& talkers() const {
    return talkers_;
  }

 private:
  EventLoop* const loop_;
  std::vector<std::unique_ptr<SimTalker>> talkers_;
};

// Returns one to five talkers, which the world's seed determines. If nothing
// fails, each talker ends when all bytes that it sent have come back.
std::vector<SimTalker::Options> DrawSimTalkers(SimEchoWorld& world);
// Starts the talkers as the client of `world`. `counts` outlives `world`.
void StartSimTalkers(SimEchoWorld& world,
                     std::vector<SimTalker::Options> talkers,
                     HandlerCounts* counts);
// Returns the talkers of `world`. REQUIRES: StartSimTalkers() was called, and
// the client's host is up.
const std::vector<std::unique_ptr<SimTalker>>& SimTalkersOf(
    const SimEchoWorld& world);
// Returns an upper bound of the time, on the world's clock, that the talkers
// take if nothing fails, even one after the other. The time is the sum of the
// round trips of full buffers and of the pauses, each a tick late on a clock
// that is a fifth slow.
absl::Duration MostTimeOf(const SimEchoWorld& world,
                          const std::vector<SimTalker::Options>& talkers);

}  // namespace sluice

#endif  // SLUICE_TESTS_SIM_SIM_TALKER_H_
