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
#include "sluice/apps/common/load/load_results.h"
#include "sluice/apps/common/load/message_schedule.h"
#include "sluice/apps/echo/echo_pattern.h"
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

// One connection of a load generator: sends messages as its schedule lets it,
// checks each byte that comes back and records how long each message took.
// Loop-bound. Allocates nothing for a small message: what is sent lies in the
// pattern, and of a closed loop's messages the times are kept, of an open one's
// nothing.
class ClientConnection final : private StreamHandler {
 public:
  // Whoever holds connections. Must not destroy them in these calls.
  class Owner {
   public:
    // The attempt to connect has ended, once for each Connect().
    virtual void OnConnectEnded(bool open) = 0;
    // An answer has come, and no connection waits for another.
    virtual void OnNothingInFlight() = 0;
    // A connection that was open has ended.
    virtual void OnEnded() = 0;

   protected:
    virtual ~Owner() = default;
  };

  // What the connections of one generator share. Outlives them.
  struct Shared {
    const Platform* platform;
    EventLoop* loop;
    // With a high-water mark of 0: no more waits to be sent than one piece.
    ConnectionContext* context;
    Owner* owner;
    const EchoPattern* pattern;
    LoadResults* results;
    size_t message_size;
    uint64_t pipeline;      // messages in flight on one connection at most
    int64_t read_rate = 0;  // bytes per second on one connection; 0: no limit
    MessageSchedule* schedule = nullptr;  // set before Begin()
    AsyncLogger* logger = nullptr;        // of openings and ends, at debug

    uint64_t in_flight = 0;  // messages
    uint64_t answered = 0;   // messages, measured or not
    MonotonicTime last_answer = {};
  };

  // `number` chooses the stream of the pattern, and names the connection.
  ClientConnection(Shared* shared, uint64_t number);

  // REQUIRES: called at most once.
  void Connect(const SocketAddress& peer, TcpConnector::Options options);
  // Gives up, saying nothing, if it is not open yet.
  void CancelConnect();
  bool open() const { return state_ == State::kOpen; }

  // Sends its first messages. `turn` is its number among those that begin.
  // REQUIRES: open(), called at most once.
  void Begin(uint64_t turn);
  // Sends what may be sent now. No-op unless it is open and has begun.
  void Send(MonotonicTime now);
  // Sends FIN; counts as failed if messages wait for an answer. No-op unless it
  // is open.
  void Finish();
  // Counts as failed and resets, unless it has ended.
  void Fail(LoadError error, absl::string_view what);

 private:
  enum class State : uint8_t { kNew, kOpen, kFinishing, kFailed, kEnded };

  void OnConnectDone(absl::StatusOr<Socket> socket);
  void OnOpen(Stream& stream) override;
  size_t OnInput(Stream& stream, absl::string_view input) override;
  void OnInputEnd(Stream& stream) override;
  void OnWritable(Stream& stream) override;
  void OnTimeout(Stream& stream) override;  // may read again
  void OnClosed(Stream& stream, absl::Status why, CloseReason reason) override;

  // False if `input` is not what must come next; it has failed then.
  bool Check(absl::string_view input);
  // Records the messages that are complete.
  void RecordAnswers(MonotonicTime now);
  void WriteWhatFits();
  absl::Cord TakeShared(uint64_t size);
  // From then on nothing is in flight.
  void CountError(LoadError error, absl::string_view what);
  int64_t SentNanos(uint64_t message) const;
  uint64_t in_flight() const { return sent_ - answered_; }

  Shared* const shared_;
  const uint64_t number_;
  uint64_t turn_ = 0;
  std::unique_ptr<TcpConnector> connector_;
  std::unique_ptr<TcpConnection> connection_;
  // Of the messages in flight, by their number modulo the pipeline; null unless
  // in a closed loop.
  std::unique_ptr<int64_t[]> sent_nanos_;
  uint64_t sent_ = 0;      // messages, of which some bytes may still wait
  uint64_t answered_ = 0;  // messages
  uint64_t written_ = 0;   // bytes given to the stream
  uint64_t received_ = 0;  // bytes, all right
  State state_ = State::kNew;
  bool begun_ = false;
  bool blocked_ = false;  // until OnWritable()
};

}  // namespace sluice

#endif  // SLUICE_APPS_ECHO_CLIENT_CONNECTION_H_
