#include "sluice/net/stream.h"

namespace sluice {

void StreamHandler::OnOpen(Stream&) {}

void StreamHandler::OnInputEnd(Stream& stream) { stream.ShutdownWrite(); }

void StreamHandler::OnWritable(Stream&) {}

void StreamHandler::OnTimeout(Stream&) {}

void StreamHandler::OnDraining(Stream& stream) { stream.ShutdownWrite(); }

void StreamHandler::OnClosed(Stream&, absl::Status, CloseReason) {}

}  // namespace sluice
