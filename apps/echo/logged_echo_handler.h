#ifndef SLUICE_APPS_ECHO_LOGGED_ECHO_HANDLER_H_
#define SLUICE_APPS_ECHO_LOGGED_ECHO_HANDLER_H_

#include <memory>

#include "absl/status/status.h"
#include "sluice/apps/echo/echo_handler.h"
#include "sluice/log/async_logger.h"
#include "sluice/net/close_reason.h"
#include "sluice/net/socket_address.h"
#include "sluice/net/stream.h"

namespace sluice {

// An EchoHandler that logs when its connection opens and closes, at level
// debug. Larger than an EchoHandler, because it keeps the peer's address.
// Sequence-bound to its stream.
class LoggedEchoHandler final : public EchoHandler {
 public:
  // REQUIRES: `logger` is not null, and outlives this object.
  LoggedEchoHandler(AsyncLogger* logger, const SocketAddress& peer)
      : logger_(*logger), peer_(peer) {}

  // Makes the handler of a new connection: a plain EchoHandler if `logger` is
  // null or level debug is off. `logger` outlives the result. Thread-safe.
  static std::unique_ptr<StreamHandler> New(AsyncLogger* logger,
                                            const SocketAddress& peer);

  void OnOpen(Stream& stream) override;
  void OnClosed(Stream& stream, absl::Status why, CloseReason reason) override;

 private:
  AsyncLogger& logger_;
  const SocketAddress peer_;
};

}  // namespace sluice

#endif  // SLUICE_APPS_ECHO_LOGGED_ECHO_HANDLER_H_
