#ifndef SLUICE_NET_CLOSE_REASON_H_
#define SLUICE_NET_CLOSE_REASON_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "sluice/base/cxx20.h"

namespace sluice {

// The reason why a stream ended, for counting and for deciding what to do next.
// A Status, which people read, comes with it.
enum class CloseReason : uint8_t {
  kNormal,           // half-closed by both ends, or by this end in a drain
  kAborted,          // Abort() of the stream or of a handle
  kIdleTimeout,      // no bytes were sent or received for the idle timeout
  kInputLimit,       // unconsumed input reached its limit
  kOutputLimit,      // unsent output would have exceeded its limit
  kServerDestroyed,  // the server was destroyed
  kDrainTimeout,     // the server was draining and its deadline passed
  kPeerReset,        // the peer reset the connection, or had closed it
  kIoError,          // another error: see the Status
};

// Returns a name such as "idle timeout", in static storage.
absl::string_view CloseReasonName(CloseReason reason);

}  // namespace sluice

#endif  // SLUICE_NET_CLOSE_REASON_H_
