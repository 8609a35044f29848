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
inline constexpr IoEvents kError = 0x08;   // reported, never asked for
inline constexpr IoEvents kHangup = 0x10;  // reported, never asked for

// What Wait() returns, readiness and completions alike.
struct IoEvent {
  uint64_t token;  // as registered
  int32_t result;  // completion: value or -errno; readiness: 0
  uint32_t flags;  // readiness: IoEvents; completion: the engine's
};
static_assert(sizeof(IoEvent) == 16);

enum class AddHint : uint8_t {
  kNone,
  // Of the pollers that watch the same descriptor, wake few rather than all
  // (EPOLLEXCLUSIVE). Backends without such a thing ignore it.
  kExclusive,
};

// Waits for descriptors to become ready. Passive: it returns events and calls
// nobody. Owns no descriptor.
//
// Level-triggered: a condition is reported by each Wait() while it holds. Each
// registration is reported at most once per Wait(), with all its conditions.
// Conditions that do not fit into one Wait() come first in the next, so that no
// descriptor starves. A condition may be reported that holds no more.
//
// //event/poller:poller_conformance states this contract as tests that every
// backend passes. Thread-compatible, save Wake(). Memory: at most 16 bytes for
// each descriptor that there is room for, room being at most doubled when it is
// short, and 28 for each event that one Wait() may return.
class Poller {
 public:
  // The token that a backend may keep for itself.
  static constexpr uint64_t kReservedToken =
      std::numeric_limits<uint64_t>::max();

  virtual ~Poller() = default;

  // Watches `fd` and reports it with `token`. kAlreadyExists;
  // kFailedPrecondition: it is not open; kResourceExhausted names the limit;
  // otherwise what the system call said.
  //
  // With interest 0, kHangup and kError are still reported, but once, until the
  // next Modify(): a descriptor that nobody reads and that was reset does not
  // make every Wait() return.
  //
  // REQUIRES: `token` is not kReservedToken; interest has no bits but kReadable
  // and kWritable.
  virtual absl::Status Add(int fd, IoEvents interest, uint64_t token,
                           AddHint hint) = 0;

  // Replaces interest and token. kNotFound. After another error the descriptor
  // may no longer be watched.
  virtual absl::Status Modify(int fd, IoEvents interest, uint64_t token) = 0;

  // Ends watching: no later Wait() reports `fd`. kNotFound.
  // REQUIRES: `fd` is not closed yet. Some backends CHECK that in Wait().
  virtual absl::Status Remove(int fd) = 0;

  // Blocks until something is ready, Wake() was called, or `timeout` (rounded
  // up; negative: 0) has passed. May return early and empty, and does so when a
  // signal was handled. The events are valid until the next call on the poller;
  // an error means that the poller cannot go on.
  virtual absl::StatusOr<absl::Span<const IoEvent>> Wait(
      absl::Duration timeout) = 0;

  // Whether the last Wait() may have left out descriptors that were ready,
  // because it had no room for more events, or a signal interrupted it. If
  // false, the Wait() looked at every descriptor. If true, a caller that acts
  // on the absence of an event, as a timeout does, waits again: until this is
  // false, or one descriptor is reported for the second time. By then, every
  // descriptor was looked at once.
  virtual bool has_more() const = 0;

  // Makes the current Wait(), or else the next, return at once. Several calls
  // may make one Wait() return. Thread-safe and async-signal-safe.
  virtual void Wake() = 0;

  // "epoll". Of static storage.
  virtual absl::string_view name() const = 0;
};

}  // namespace sluice

#endif  // SLUICE_EVENT_POLLER_POLLER_H_
