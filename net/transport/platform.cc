#include "sluice/net/transport/platform.h"

#include <utility>

namespace sluice {

absl::StatusOr<std::unique_ptr<EventLoop>> NewEventLoop(
    const Platform& platform, EventLoop::Options options) {
  auto poller = platform.new_poller();
  if (!poller.ok()) return poller.status();
  options.poller = *std::move(poller);
  options.clock = platform.clock;
  return EventLoop::Create(std::move(options));
}

}  // namespace sluice
