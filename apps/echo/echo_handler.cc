#include "sluice/apps/echo/echo_handler.h"

namespace sluice {

size_t EchoHandler::OnInput(Stream& stream, absl::string_view input) {
  if (!stream.Write(input)) stream.PauseReading();
  if (draining_) FinishIfDrained(stream);
  return input.size();
}

void EchoHandler::OnDrained(Stream& stream) { stream.ResumeReading(); }

void EchoHandler::OnDraining(Stream& stream) {
  draining_ = true;
  FinishIfDrained(stream);
}

void EchoHandler::FinishIfDrained(Stream& stream) {
  if (!stream.HasUnreadInput()) stream.Finish();
}

}  // namespace sluice
