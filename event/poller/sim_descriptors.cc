#include "sluice/event/poller/sim_descriptors.h"

#include <algorithm>
#include <cstddef>

#include "sluice/base/check.h"

namespace sluice {

int SimDescriptors::Open() {
  while (maybe_free_ < ready_.size() && ready_[maybe_free_].has_value()) {
    ++maybe_free_;
  }
  if (maybe_free_ == ready_.size()) ready_.emplace_back();
  ready_[maybe_free_] = IoEvents{0};
  return static_cast<int>(maybe_free_);
}

void SimDescriptors::Close(int fd) {
  SLUICE_CHECK(IsOpen(fd));
  ready_[fd].reset();
  maybe_free_ = std::min(maybe_free_, static_cast<size_t>(fd));
}

bool SimDescriptors::IsOpen(int fd) const {
  return fd >= 0 && static_cast<size_t>(fd) < ready_.size() &&
         ready_[fd].has_value();
}

void SimDescriptors::SetReady(int fd, IoEvents conditions) {
  SLUICE_CHECK(IsOpen(fd));
  SLUICE_CHECK((conditions & ~(kReadable | kWritable | kError | kHangup)) == 0);
  ready_[fd] = conditions;
}

IoEvents SimDescriptors::ready(int fd) const {
  SLUICE_CHECK(IsOpen(fd));
  return *ready_[fd];
}

}  // namespace sluice
