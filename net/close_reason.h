#ifndef SLUICE_NET_CLOSE_REASON_H_
#define SLUICE_NET_CLOSE_REASON_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace sluice {

// Why a stream ended, beside a Status for people: what to count, and what to do
// next.
enum class CloseReason : uint8_t {
  kNormal,           // both ends have sent all and shut down
  kAborted,          // by its handler
  kIdleTimeout,      // nothing came or went for so long
  kInputLimit,       // unconsumed input reached its limit
  kOutputLimit,      // unsent output reached its limit
  kServerDestroyed,  // the server was destroyed
  kDrainTimeout,     // the server drained and the deadline came
  kPeerReset,        // the peer reset the connection, or had closed it
  kIoError,          // anything else; see the Status
};

// "idle timeout". Of static storage.
absl::string_view CloseReasonName(CloseReason reason);

}  // namespace sluice

#endif  // SLUICE_NET_CLOSE_REASON_H_
