#include "sluice/event/watch.h"

#include <utility>

#include "absl/memory/memory.h"

namespace sluice {

absl::StatusOr<std::unique_ptr<Watch>> Watch::Create(EventLoop* loop, int fd,
                                                     IoEvents interest,
                                                     Handler handler) {
  auto watch = absl::WrapUnique(new Watch(loop, std::move(handler)));
  absl::Status added = loop->Add(watch.get(), fd, interest);
  if (!added.ok()) return added;
  return watch;
}

Watch::Watch(EventLoop* loop, Handler handler)
    : loop_(loop), handler_(std::move(handler)) {}

Watch::~Watch() { loop_->Remove(this); }

absl::Status Watch::SetInterest(IoEvents interest) {
  return loop_->SetInterest(this, interest);
}

void Watch::OnIo(const IoEvent& event) {
  // Moved, so that it outlives a Watch that it destroys.
  Handler handler = std::move(handler_);
  const auto call = [&](const bool&) {
    handler(static_cast<IoEvents>(event.flags));
  };
  if (destructor_check_.Survives(call)) handler_ = std::move(handler);
}

}  // namespace sluice
