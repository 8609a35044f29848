#include "sluice/apps/echo/echo_handler.h"

namespace sluice {

size_t EchoHandler::OnInput(Stream& stream, absl::string_view input) {
  if (!stream.Write(input)) stream.PauseReading();
  if (draining_) ShutdownWriteIfSent(stream);
  return input.size();
}

void EchoHandler::OnWritable(Stream& stream) { stream.ResumeReading(); }

void EchoHandler::OnDraining(Stream& stream) {
  draining_ = true;
  ShutdownWriteIfSent(stream);
}

void EchoHandler::ShutdownWriteIfSent(Stream& stream) {
  if (!stream.HasUnreadInput()) stream.ShutdownWrite();
}

}  // namespace sluice
