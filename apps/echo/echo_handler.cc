#include "sluice/apps/echo/echo_handler.h"

namespace sluice {

size_t EchoHandler::OnInput(Stream& stream, absl::string_view input) {
  stream.Write(input);
  if (draining_) CloseIfAllIsRead(stream);
  return input.size();
}

void EchoHandler::OnDraining(Stream& stream) {
  draining_ = true;
  CloseIfAllIsRead(stream);
}

void EchoHandler::CloseIfAllIsRead(Stream& stream) {
  if (!stream.HasUnreadInput()) stream.CloseAfterFlush();
}

}  // namespace sluice
