#include "sluice/apps/echo/logged_echo_handler.h"

#include "sluice/log/log.h"
#include "sluice/log/log_severity.h"

namespace sluice {

std::unique_ptr<StreamHandler> LoggedEchoHandler::New(
    AsyncLogger* logger, const SocketAddress& peer) {
  if (logger == nullptr ||
      !logger->levels().Enabled(LogSeverity::kDebug, __FILE__)) {
    return std::make_unique<EchoHandler>();
  }
  return std::make_unique<LoggedEchoHandler>(logger, peer);
}

void LoggedEchoHandler::OnOpen(Stream& stream) {
  SLUICE_LOG(&logger_, kDebug, "{} opened", peer_);
  EchoHandler::OnOpen(stream);
}

void LoggedEchoHandler::OnClosed(Stream& stream, absl::Status why,
                                 CloseReason reason) {
  SLUICE_LOG(&logger_, kDebug, "{} closed: {}{}{}", peer_,
             CloseReasonName(reason), why.ok() ? "" : ": ", why.message());
  EchoHandler::OnClosed(stream, why, reason);
}

}  // namespace sluice
