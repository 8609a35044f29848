#ifndef SLUICE_APPS_ECHO_LOAD_GENERATOR_H_
#define SLUICE_APPS_ECHO_LOAD_GENERATOR_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "sluice/apps/common/load/byte_pattern.h"
#include "sluice/apps/common/load/load_results.h"
#include "sluice/apps/common/load/message_schedule.h"
#include "sluice/apps/echo/client_connection.h"
#include "sluice/event/event_loop.h"
#include "sluice/log/async_logger.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/tcp/tcp_connection.h"
#include "sluice/net/transport/platform.h"
#include "sluice/timer/timer_wheel.h"

namespace sluice {

// A client that loads an echo server and checks the answers, once. Opens all
// connections, then starts the clock and sends messages when a MessageSchedule
// allows it. Then waits for the answers to all messages that were sent or due,
// half-closes the connections, and waits for the server's FINs. Loop-bound. May
// be destroyed at any time except inside `done`: the destructor resets the
// connections, and does not call `done`.
class LoadGenerator final : private ClientConnection::Owner, private Timer {
 public:
  struct Options {
    SocketAddress server = {};
    // Local addresses, with port 0, which connections use in turn; empty: the
    // kernel chooses.
    std::vector<SocketAddress> sources = {};
    uint64_t connections = 1;
    size_t message_size = 64;
    // The most messages in flight on one connection. In an open loop, further
    // messages that are due wait, and their latency includes the wait.
    uint64_t pipeline = 1;
    // The most bytes per second that a connection reads; 0: no limit.
    int64_t read_rate = 0;
    absl::Duration connect_timeout = absl::Seconds(10);
    // How long to wait for answers after the end. In a closed loop that a
    // number of messages ends, the longest time without any answer.
    absl::Duration timeout = absl::Seconds(10);
    // How long to wait for the server's FIN after the client's.
    absl::Duration close_timeout = absl::Seconds(2);
    // `connections` in it is set to the number of connections that open.
    MessageSchedule::Options schedule = {};
    // Gets a line at debug when a connection opens or closes. May be null.
    // Outlives the generator.
    AsyncLogger* logger = nullptr;
  };

  // The most attempts to connect that are under way at once.
  static constexpr uint64_t kMaxConnecting = 512;

  // Returns options, without poller and clock, for a loop that such a generator
  // runs on: timers fine enough for an open loop, and reads short enough for
  // read_rate.
  static EventLoop::Options LoopOptions(const Options& options);

  // REQUIRES: connections, message_size and pipeline are not 0; `platform` and
  // `loop` outlive the generator.
  LoadGenerator(const Platform* platform, EventLoop* loop, Options options);

  // Starts the load. Calls `done` once, when results() are complete: in a later
  // loop iteration, or inside Stop(). REQUIRES: called once.
  void Start(absl::AnyInvocable<void() &&> done);
  // Ends early, because a person waits. Sends no more, and waits at most 200 ms
  // for the answers that are due and 200 ms for the server's FINs. If no
  // connection is open, or if the generator waits only for answers or FINs
  // already, ends inside this call. Does nothing after the end. REQUIRES:
  // Start() was called.
  void Stop();

  // Valid at any time, except that `elapsed` and `unanswered` are valid only
  // after `done` is called.
  const LoadResults& results() const { return *results_; }
  // Returns the number of connections that are open now.
  uint64_t open() const { return open_; }

 private:
  enum class Phase { kConnecting, kRunning, kAwaiting, kClosing, kDone };

  void OnConnectEnded(bool open) override;
  void OnNothingInFlight() override;
  void OnEnded() override;
  void Fire() override;  // at the end of a phase's time

  void ConnectMore();
  void Run();
  void ArmForEnd();
  // Open loop: sends the messages that became due since the last call.
  void Pace();
  void Await();
  void Close();
  void Done();
  MonotonicTime Now() const;
  // Returns `limit`, or less after Stop().
  absl::Duration AtMost(absl::Duration limit) const;

  const Platform* const platform_;
  EventLoop* const loop_;
  const Options options_;
  const BytePattern pattern_;
  const std::unique_ptr<LoadResults> results_;
  ConnectionContext context_;
  ClientConnection::Shared shared_;
  absl::AnyInvocable<void() &&> done_;
  std::vector<std::unique_ptr<ClientConnection>> connections_;
  std::vector<ClientConnection*> begun_;  // connections that began, in order
  std::optional<MessageSchedule> schedule_;
  CallbackTimer pace_timer_;
  uint64_t paced_ = 0;       // messages whose time has come
  uint64_t connecting_ = 0;  // attempts under way
  uint64_t open_ = 0;
  bool stopped_ = false;  // by Stop()
  Phase phase_ = Phase::kConnecting;
};

}  // namespace sluice

#endif  // SLUICE_APPS_ECHO_LOAD_GENERATOR_H_
