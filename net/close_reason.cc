#include "sluice/net/close_reason.h"

#include "sluice/base/check.h"

namespace sluice {

absl::string_view CloseReasonName(CloseReason reason) {
  switch (reason) {
    case CloseReason::kDone:
      return "done";
    case CloseReason::kAborted:
      return "aborted";
    case CloseReason::kIdleTimeout:
      return "idle timeout";
    case CloseReason::kInputCap:
      return "input cap";
    case CloseReason::kOutputCap:
      return "output cap";
    case CloseReason::kServerGone:
      return "server gone";
    case CloseReason::kDrainForced:
      return "drain forced";
    case CloseReason::kPeerReset:
      return "peer reset";
    case CloseReason::kIoError:
      return "I/O error";
  }
  SLUICE_CHECK(false);
}

}  // namespace sluice
