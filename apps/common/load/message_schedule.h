#ifndef SLUICE_APPS_COMMON_LOAD_MESSAGE_SCHEDULE_H_
#define SLUICE_APPS_COMMON_LOAD_MESSAGE_SCHEDULE_H_

#include <cstdint>

#include "absl/time/time.h"
#include "sluice/timer/clock.h"

namespace sluice {

// A schedule that says how many messages each connection of a load may send at
// a given time. Computes with the times that the caller passes: has no clock,
// sends nothing, and keeps nothing for each message. Thread-compatible.
//
// Closed loop: a message may be sent as soon as any connection has room for it.
// Open loop: message k of all is due k / rate after the start, and belongs to
// connection k modulo connections, whether it can be sent then or must wait.
// The latency of a message counts from its due time, so a server that stalls is
// charged for all messages that wait meanwhile.
class MessageSchedule {
 public:
  static constexpr uint64_t kNoLimit = UINT64_MAX;

  struct Options {
    uint64_t connections = 1;
    // Messages per second on all connections together; 0: closed loop.
    double rate = 0;
    // The time in which nothing is measured.
    absl::Duration warmup = absl::ZeroDuration();
    // After the warm-up, the schedule ends at the first of these two limits.
    absl::Duration duration = absl::InfiniteDuration();
    uint64_t messages = kNoLimit;
  };

  // REQUIRES: connections is not 0; rate and warmup are not negative; warmup is
  // finite.
  MessageSchedule(const Options& options, MonotonicTime start);

  bool open_loop() const { return rate_ > 0; }
  // Returns the end of the warm-up: messages that are sent, or due, at this
  // time or later are measured.
  MonotonicTime measured_from() const { return measured_from_; }
  // Returns the time from which on no message becomes due; InfiniteFuture() if
  // only the number of messages ends a closed loop.
  MonotonicTime end() const { return end_; }

  // Returns how many messages connection number `connection` may send at `now`,
  // at most `room`, if it has taken `taken` messages before. Counts the
  // returned messages as taken. REQUIRES: connection < connections.
  uint64_t Take(uint64_t connection, uint64_t taken, uint64_t room,
                MonotonicTime now);
  // Ends the schedule: no message becomes due after `now`.
  void Stop(MonotonicTime now);

  // Returns the number of messages that are taken, or, in an open loop, due at
  // `now`.
  uint64_t Due(MonotonicTime now) const;
  // Returns true if all messages of the schedule are taken. In a closed loop
  // that only a duration ends, returns false until Stop().
  bool exhausted() const { return taken_ == limit_; }

  // Returns when message `number` of all is due; InfiniteFuture() if never.
  // REQUIRES: open_loop().
  MonotonicTime DueTime(uint64_t number) const;
  // Returns the same for message `index` of one connection.
  MonotonicTime DueTime(uint64_t connection, uint64_t index) const {
    return DueTime(index * connections_ + connection);
  }

 private:
  const uint64_t connections_;
  const double rate_;
  const MonotonicTime start_;
  const MonotonicTime measured_from_;
  MonotonicTime end_;
  uint64_t limit_;  // messages of the schedule, as far as it is known
  uint64_t taken_ = 0;
};

}  // namespace sluice

#endif  // SLUICE_APPS_COMMON_LOAD_MESSAGE_SCHEDULE_H_
