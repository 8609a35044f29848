#ifndef SLUICE_APPS_ECHO_LOAD_GENERATOR_H_
#define SLUICE_APPS_ECHO_LOAD_GENERATOR_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "sluice/apps/common/load/load_results.h"
#include "sluice/apps/common/load/message_schedule.h"
#include "sluice/apps/echo/client_connection.h"
#include "sluice/apps/echo/echo_pattern.h"
#include "sluice/event/event_loop.h"
#include "sluice/log/async_logger.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/tcp/tcp_connection.h"
#include "sluice/net/transport/platform.h"
#include "sluice/timer/timer_wheel.h"

namespace sluice {

// Loads an echo server and checks what it answers. Opens all connections, then
// starts the clock and sends messages as a MessageSchedule lets it, awaits the
// answers to those that were sent or due, and closes the connections, FIN for
// FIN. Once. Loop-bound; may be destroyed at any time but inside `done`.
class LoadGenerator final : private ClientConnection::Owner, private Timer {
 public:
  struct Options {
    SocketAddress server = {};
    // Connections take turns to come from these; none: the kernel's choice.
    std::vector<SocketAddress> sources = {};
    uint64_t connections = 1;
    size_t message_size = 64;
    // Messages in flight on one connection at most, in an open loop too: there,
    // what is due beyond waits, and that counts.
    uint64_t pipeline = 1;
    // What a connection reads, in bytes per second at most; 0: no limit.
    int64_t read_rate = 0;
    absl::Duration connect_timeout = absl::Seconds(10);
    // How long answers are awaited after the end; and when a number of messages
    // is the end of a closed loop, how long without any answer.
    absl::Duration timeout = absl::Seconds(10);
    // How long the server's FIN is awaited after ours.
    absl::Duration close_timeout = absl::Seconds(2);
    // Its `connections` is set to those that open.
    MessageSchedule::Options schedule = {};
    // Of connections that open and end, at debug; outlives the generator.
    AsyncLogger* logger = nullptr;
  };

  // At most so many attempts to connect are under way at once.
  static constexpr uint64_t kMaxConnecting = 512;

  // For a loop that such a generator runs on, without poller and clock: timers
  // fine enough for an open loop, reads short enough for read_rate.
  static EventLoop::Options LoopOptions(const Options& options);

  // REQUIRES: connections, message_size and pipeline are not 0; `platform` and
  // `loop` outlive the generator.
  LoadGenerator(const Platform* platform, EventLoop* loop, Options options);
  ~LoadGenerator() override;

  // `done` is called once, in a later turn or inside Stop(), when results() are
  // complete. REQUIRES: called once.
  void Start(absl::AnyInvocable<void() &&> done);
  // Ends early, for a person who waits: sends no more, and awaits the answers
  // that are due and the server's FINs, each for 200 ms at most. If answers
  // are all that was awaited, ends at once, inside this call.
  void Stop();

  // Valid at any time; `elapsed` and `unanswered` only when done.
  const LoadResults& results() const { return *results_; }
  // Connections that are open now.
  uint64_t open() const { return open_; }

 private:
  enum class Phase { kConnecting, kRunning, kAwaiting, kClosing, kDone };

  void OnConnectEnded(bool open) override;
  void OnNothingInFlight() override;
  void OnEnded() override;
  void Fire() override;  // the phase's time is over

  void ConnectMore();
  void Run();
  void ArmForEnd();
  // Sends what became due since the last time; of an open loop.
  void Pace();
  void Await();
  void Close();
  void Done();
  MonotonicTime Now() const;
  // `limit`, or less after Stop().
  absl::Duration AtMost(absl::Duration limit) const;

  const Platform* const platform_;
  EventLoop* const loop_;
  const Options options_;
  const EchoPattern pattern_;
  const std::unique_ptr<LoadResults> results_;
  ConnectionContext context_;
  ClientConnection::Shared shared_;
  absl::AnyInvocable<void() &&> done_;
  std::vector<std::unique_ptr<ClientConnection>> connections_;
  std::vector<ClientConnection*> turns_;  // those that began, in their order
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
