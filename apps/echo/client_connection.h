#ifndef SLUICE_APPS_ECHO_CLIENT_CONNECTION_H_
#define SLUICE_APPS_ECHO_CLIENT_CONNECTION_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "sluice/apps/common/load/byte_pattern.h"
#include "sluice/apps/common/load/load_results.h"
#include "sluice/apps/common/load/message_schedule.h"
#include "sluice/event/event_loop.h"
#include "sluice/log/async_logger.h"
#include "sluice/net/close_reason.h"
#include "sluice/net/socket/socket_api.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/stream.h"
#include "sluice/net/tcp/tcp_connection.h"
#include "sluice/net/tcp/tcp_connector.h"
#include "sluice/net/transport/platform.h"
#include "sluice/timer/clock.h"

namespace sluice {

// One connection of a load generator. Sends messages when the schedule allows
// it, checks each byte that comes back, and records how long each message took.
// Loop-bound. Does not allocate for a small message, because the bytes are in
// the pattern. In a closed loop it keeps the time of each message in flight, in
// an open loop it computes the time.
class ClientConnection final : private StreamHandler {
 public:
  // The owner of connections. Is called on the loop, and must not destroy
  // connections inside these calls.
  class Owner {
   public:
    // Called when the attempt to connect has ended, once for each Connect().
    virtual void OnConnectEnded(bool open) = 0;
    // Called after an answer, if no connection waits for another answer.
    virtual void OnNothingInFlight() = 0;
    // Called when a connection that was open has ended, once for each.
    virtual void OnEnded() = 0;

   protected:
    virtual ~Owner() = default;
  };

  // The state that the connections of one generator share. Outlives them.
  struct Shared {
    const Platform* platform;
    EventLoop* loop;
    // With a high-water mark of 0, so at most one piece waits to be sent.
    ConnectionContext* context;
    Owner* owner;
    const BytePattern* pattern;
    LoadResults* results;
    size_t message_size;    // bytes
    uint64_t pipeline;      // the most messages in flight on one connection
    int64_t read_rate = 0;  // bytes per second on one connection; 0: no limit
    MessageSchedule* schedule = nullptr;  // set before Begin()
    AsyncLogger* logger = nullptr;        // log of opening and closing, debug

    uint64_t in_flight = 0;  // messages
    uint64_t answered = 0;   // messages, measured or not
    MonotonicTime last_answer = {};
  };

  // `number` chooses the stream of the pattern, and is the connection's name in
  // errors and in the log. The destructor resets the connection, or ends the
  // attempt to connect, and does not call the owner.
  ClientConnection(Shared* shared, uint64_t number);

  // Starts to connect. Calls Owner::OnConnectEnded() in a later iteration.
  // REQUIRES: called at most once.
  void Connect(const SocketAddress& peer, TcpConnector::Options options);
  // Ends the attempt to connect, if the connection is not open yet. Does not
  // call the owner.
  void CancelConnect();
  bool open() const { return state_ == State::kOpen; }

  // Sends the first messages. `index` is the connection's number in the
  // schedule. REQUIRES: open(), called at most once.
  void Begin(uint64_t index);
  // Sends the messages that the schedule allows now. No-op unless the
  // connection is open and has begun.
  void Send(MonotonicTime now);
  // Half-closes; if messages wait for an answer, fails with kTimeout instead.
  // No-op unless the connection is open.
  void ShutdownWrite();
  // Counts the connection as failed and resets it. Calls Owner::OnEnded()
  // later. No-op unless the connection is open or half-closed.
  void Fail(LoadError error, absl::string_view what);

 private:
  enum class State : uint8_t { kNew, kOpen, kHalfClosed, kFailed, kEnded };

  void OnConnectDone(absl::StatusOr<Socket> socket);
  void OnOpen(Stream& stream) override;
  size_t OnInput(Stream& stream, absl::string_view input) override;
  void OnInputEnd(Stream& stream) override;
  void OnWritable(Stream& stream) override;
  void OnTimeout(Stream& stream) override;  // may read again
  void OnClosed(Stream& stream, absl::Status why, CloseReason reason) override;

  // Returns true if `input` has the expected bytes. Otherwise fails.
  bool Check(absl::string_view input);
  // Records the messages that are complete.
  void RecordAnswers(MonotonicTime now);
  void WriteWhatFits();
  absl::Cord TakeShared(uint64_t size);
  // Counts an error. Nothing is in flight afterwards.
  void CountError(LoadError error, absl::string_view what);
  int64_t SentNanos(uint64_t message) const;
  uint64_t in_flight() const { return sent_ - answered_; }

  Shared* const shared_;
  const uint64_t number_;
  uint64_t index_ = 0;
  std::unique_ptr<TcpConnector> connector_;
  std::unique_ptr<TcpConnection> connection_;
  // Times at which the messages in flight were sent, by number modulo the
  // pipeline; null in an open loop.
  std::unique_ptr<int64_t[]> sent_nanos_;
  uint64_t sent_ = 0;      // messages; some of their bytes may still wait
  uint64_t answered_ = 0;  // messages
  uint64_t written_ = 0;   // bytes given to the stream
  uint64_t received_ = 0;  // bytes, all of them correct
  State state_ = State::kNew;
  bool begun_ = false;
  bool blocked_ = false;  // until OnWritable()
};

}  // namespace sluice

#endif  // SLUICE_APPS_ECHO_CLIENT_CONNECTION_H_
