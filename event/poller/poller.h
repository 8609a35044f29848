#ifndef SLUICE_EVENT_POLLER_POLLER_H_
#define SLUICE_EVENT_POLLER_POLLER_H_

#include <cstdint>
#include <limits>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"

namespace sluice {

// A set of readiness conditions. The bits are those of poll(2).
using IoEvents = uint8_t;
inline constexpr IoEvents kReadable = 0x01;
inline constexpr IoEvents kWritable = 0x04;
inline constexpr IoEvents kError = 0x08;                       // always watched
inline constexpr IoEvents kHangup = 0x10;                      // always watched
inline constexpr IoEvents kInterests = kReadable | kWritable;  // on request
inline constexpr IoEvents kAnyEvent = kInterests | kError | kHangup;

// An event that Wait() returns: the readiness of a descriptor, or a completion.
struct IoEvent {
  uint64_t token;  // as registered
  int32_t result;  // completion: value or -errno; readiness: 0
  uint32_t flags;  // readiness: IoEvents; completion: the engine's
};
static_assert(sizeof(IoEvent) == 16);

enum class AddHint : uint8_t {
  kNone,
  // If several pollers watch the same descriptor, wakes few of them instead of
  // all (EPOLLEXCLUSIVE). Pollers without this feature ignore the hint.
  kExclusive,
};

// An object that waits for descriptors to become ready. A poller returns events
// and calls no callbacks. It owns no descriptor that it watches.
//
// Pollers are level-triggered: each Wait() reports a condition while it holds.
// Each Wait() reports a registration at most once, with all its conditions. If
// conditions do not fit into one Wait(), the next Wait() reports them first, so
// that no descriptor starves. A reported condition may no longer hold.
//
// //event/poller:poller_conformance has this contract as tests that every
// poller passes. Thread-compatible, except for Wake(). Memory: 28 bytes for
// each event that one Wait() may return, and at most 16 bytes for each
// descriptor that there is room for. The room at most doubles when it is full.
class Poller {
 public:
  // The token that a poller may reserve for its own use.
  static constexpr uint64_t kReservedToken =
      std::numeric_limits<uint64_t>::max();

  virtual ~Poller() = default;

  // Watches `fd` and reports its events with `token`. Returns kAlreadyExists if
  // `fd` is watched, kFailedPrecondition if it is not open, kResourceExhausted
  // with the name of the limit if a limit is reached, and otherwise the error
  // of the system call.
  //
  // With interest 0, kHangup and kError are still reported, but only once until
  // the next Modify(). So a descriptor that was reset, and that the program
  // does not read, does not make every Wait() return.
  //
  // REQUIRES: `token` is not kReservedToken; `interest` has no bits other than
  // those of kInterests.
  virtual absl::Status Add(int fd, IoEvents interest, uint64_t token,
                           AddHint hint) = 0;

  // Replaces interest and token. Returns kNotFound if `fd` is not watched.
  // After another error, the descriptor may no longer be watched.
  virtual absl::Status Modify(int fd, IoEvents interest, uint64_t token) = 0;

  // Stops watching `fd`: no later Wait() reports it. Returns kNotFound if `fd`
  // is not watched. REQUIRES: `fd` is not closed yet. Some pollers CHECK in
  // Wait() that no descriptor was closed before its Remove().
  virtual absl::Status Remove(int fd) = 0;

  // Blocks until a watched descriptor is ready, Wake() was called, or `timeout`
  // has passed. Rounds `timeout` up; treats a negative one as 0. May return
  // early without events, and does so if a signal was handled. The poller owns
  // the events, which are valid until the next call on the poller, except for
  // Wake(). After an error, the poller cannot be used any more.
  virtual absl::StatusOr<absl::Span<const IoEvent>> Wait(
      absl::Duration timeout) = 0;

  // Returns true if the last Wait() may have left out descriptors that were
  // ready, because there was no room for more events or a signal interrupted
  // the wait. If it returns false, the Wait() looked at every descriptor. If it
  // returns true, a caller that acts on the absence of an event, such as a
  // timeout, waits again, until has_more() returns false or a descriptor is
  // reported for the second time. By then, every descriptor was looked at once.
  virtual bool has_more() const = 0;

  // Makes the current Wait() return at once, or else the next one. Several
  // calls may make only one Wait() return. Thread-safe and async-signal-safe.
  virtual void Wake() = 0;

  // Returns a name such as "epoll", in static storage.
  virtual absl::string_view name() const = 0;
};

}  // namespace sluice

#endif  // SLUICE_EVENT_POLLER_POLLER_H_
