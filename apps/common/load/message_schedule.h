#ifndef SLUICE_APPS_COMMON_LOAD_MESSAGE_SCHEDULE_H_
#define SLUICE_APPS_COMMON_LOAD_MESSAGE_SCHEDULE_H_

#include <cstdint>

#include "absl/time/time.h"
#include "sluice/timer/clock.h"

namespace sluice {

// How many messages each connection may send by when. Arithmetic over times
// that it is told: has no clock, sends nothing, and keeps nothing per message.
// Thread-compatible.
//
// Closed loop: a message may be sent as soon as a connection has room for it,
// whichever connection that is. Open loop: message k of all is due k / rate
// after the start and belongs to connection k modulo connections, whether it
// can be sent then or must wait. Its latency counts from when it was due, so
// that a server which stalls is charged for all that waited meanwhile.
class MessageSchedule {
 public:
  static constexpr uint64_t kNoLimit = UINT64_MAX;

  struct Options {
    uint64_t connections = 1;
    double rate = 0;  // messages per second of all together; 0: closed loop
    // Before it is over nothing is measured.
    absl::Duration warmup = absl::ZeroDuration();
    // After the warm-up: what comes first is the end.
    absl::Duration duration = absl::InfiniteDuration();
    uint64_t messages = kNoLimit;
  };

  MessageSchedule(const Options& options, MonotonicTime start);

  bool open_loop() const { return rate_ > 0; }
  // Messages that are sent, or due, from then on are measured.
  MonotonicTime measured_from() const { return measured_from_; }
  // From then on no message becomes due; InfiniteFuture() if only the number of
  // messages ends a closed loop.
  MonotonicTime end() const { return end_; }

  // How many messages connection number `connection`, which has taken `taken`,
  // may send now, `room` at most. They count as taken.
  uint64_t Take(uint64_t connection, uint64_t taken, uint64_t room,
                MonotonicTime now);
  // No message that is not due by now will be.
  void Stop(MonotonicTime now);

  // Messages that are taken, or, in an open loop, due.
  uint64_t Due(MonotonicTime now) const;
  // All messages there will be are taken.
  bool exhausted() const { return taken_ == limit_; }

  // When message `number` of all is due; InfiniteFuture() if it never is.
  // REQUIRES: open_loop().
  MonotonicTime DueTime(uint64_t number) const;
  // The same for message `index` of one connection.
  MonotonicTime DueTime(uint64_t connection, uint64_t index) const {
    return DueTime(index * connections_ + connection);
  }

 private:
  const uint64_t connections_;
  const double rate_;
  const MonotonicTime start_;
  const MonotonicTime measured_from_;
  MonotonicTime end_;
  uint64_t limit_;  // messages there will be, as far as is known
  uint64_t taken_ = 0;
};

}  // namespace sluice

#endif  // SLUICE_APPS_COMMON_LOAD_MESSAGE_SCHEDULE_H_
