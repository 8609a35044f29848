#include "sluice/net/close_reason.h"

#include "sluice/base/check.h"

namespace sluice {

absl::string_view CloseReasonName(CloseReason reason) {
  switch (reason) {
    case CloseReason::kNormal:
      return "normal";
    case CloseReason::kAborted:
      return "aborted";
    case CloseReason::kIdleTimeout:
      return "idle timeout";
    case CloseReason::kInputLimit:
      return "input limit";
    case CloseReason::kOutputLimit:
      return "output limit";
    case CloseReason::kServerDestroyed:
      return "server destroyed";
    case CloseReason::kDrainTimeout:
      return "drain timeout";
    case CloseReason::kPeerReset:
      return "peer reset";
    case CloseReason::kIoError:
      return "I/O error";
  }
  SLUICE_CHECK(false);
}

}  // namespace sluice
