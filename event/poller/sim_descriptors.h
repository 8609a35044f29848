#ifndef SLUICE_EVENT_POLLER_SIM_DESCRIPTORS_H_
#define SLUICE_EVENT_POLLER_SIM_DESCRIPTORS_H_

#include <cstddef>
#include <optional>
#include <vector>

#include "sluice/event/poller/poller.h"

namespace sluice {

// The descriptors of a simulated world (testonly): plain numbers, and the
// conditions that hold for each. What is behind a number, a stream or a
// listener, is the business of its owner, who says here what is ready. The
// SimPollers of that world, one for each loop, look here in each Wait(), so a
// descriptor may be made ready before it is watched, and change its loop.
// Thread-compatible.
class SimDescriptors {
 public:
  // The lowest free number, as the kernel gives it; nothing holds.
  int Open();
  // REQUIRES: open, and watched by no poller: its next Wait() CHECKs that.
  void Close(int fd);
  bool IsOpen(int fd) const;

  // What holds from now on, in place of what held. REQUIRES: open.
  void SetReady(int fd, IoEvents conditions);
  IoEvents ready(int fd) const;  // REQUIRES: open

 private:
  std::vector<std::optional<IoEvents>> ready_;  // by number; none: free
  size_t maybe_free_ = 0;                       // no number below is free
};

}  // namespace sluice

#endif  // SLUICE_EVENT_POLLER_SIM_DESCRIPTORS_H_
