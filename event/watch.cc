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

Watch::~Watch() {
  loop_->Remove(this);
  if (destroyed_ != nullptr) *destroyed_ = true;
}

absl::Status Watch::SetInterest(IoEvents interest) {
  return loop_->SetInterest(this, interest);
}

void Watch::OnIo(const IoEvent& event) {
  bool destroyed = false;
  destroyed_ = &destroyed;
  // Moved, so that it outlives a Watch that it destroys.
  Handler handler = std::move(handler_);
  handler(static_cast<IoEvents>(event.flags));
  if (destroyed) return;
  destroyed_ = nullptr;
  handler_ = std::move(handler);
}

}  // namespace sluice
