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

// One connection to an echo server, of a client with bad manners (testonly): it
// says that it has finished while much of what it wrote still waits, takes its
// time to read, gives up in the middle. Compares each byte that comes back.
// Loop-bound; not destroyed inside a call of its connection.
class SimTalker {
 public:
  static constexpr uint64_t kAll = UINT64_MAX;

  struct Options {
    SocketAddress server;
    absl::Duration connect_timeout = absl::InfiniteDuration();
    ConnectionOptions connection;
    uint64_t bytes = 0;       // to be sent
    size_t chunk = 1;         // in one Write()
    bool patient = true;      // waits for OnWritable(), or else writes all
    size_t read_at_once = 1;  // then it pauses
    absl::Duration pause = absl::ZeroDuration();
    // When so many have come back, it resets the connection; or it says and
    // reads nothing more, for ever.
    uint64_t abort_at = kAll;
    uint64_t silent_at = kAll;
    // Sends FIN after the last byte, not when all have come back.
    bool finish_early = true;
  };

  // Connects. `host`, `loop` and `counts` outlive this.
  SimTalker(SimHost* host, EventLoop* loop, const Options& options,
            HandlerCounts* counts);
  SimTalker(const SimTalker&) = delete;
  SimTalker& operator=(const SimTalker&) = delete;
  ~SimTalker();

  // Whether nothing more happens, and how that came.
  bool ended() const { return ended_; }
  const absl::Status& why() const { return why_; }
  CloseReason reason() const { return reason_; }
  bool opened() const { return opened_; }
  // What came back. All of it is right, and was sent.
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
  uint64_t since_pause_ = 0;  // bytes
  MonotonicTime resume_at_;
  MonotonicTime last_active_;
  bool opened_ = false;
  bool ended_ = false;
  absl::Status why_;
  CloseReason reason_ = CloseReason::kNormal;
};

// Some of them on a loop of a simulated host (testonly). Thread-compatible.
class SimTalkers final : public SimClient {
 public:
  // They begin at once. `host` and `counts` outlive this.
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

// Talkers as the world's seed draws them. Each of them is done, if nothing
// fails, when all that it sent has come back.
std::vector<SimTalker::Options> DrawSimTalkers(SimEchoWorld& world);
// As the client of the world.
void StartSimTalkers(SimEchoWorld& world,
                     std::vector<SimTalker::Options> talkers,
                     HandlerCounts* counts);
// REQUIRES: started.
const std::vector<std::unique_ptr<SimTalker>>& SimTalkersOf(
    const SimEchoWorld& world);
// How long they take at most where nothing fails, one after the other if need
// be: round trips of a full buffer, and pauses, each a tick late, by a clock
// that is a fifth slow.
absl::Duration MostTimeOf(const SimEchoWorld& world,
                          const std::vector<SimTalker::Options>& talkers);

}  // namespace sluice

#endif  // SLUICE_TESTS_SIM_SIM_TALKER_H_
