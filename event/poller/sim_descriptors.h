#ifndef SLUICE_EVENT_POLLER_SIM_DESCRIPTORS_H_
#define SLUICE_EVENT_POLLER_SIM_DESCRIPTORS_H_

#include <cstddef>
#include <optional>
#include <vector>

#include "sluice/event/poller/poller.h"

namespace sluice {

// The descriptors of a simulated world (testonly): numbers, and the conditions
// that hold for each. The owner of a descriptor, such as a simulated stream or
// listener, sets its conditions here. The SimPollers of that world, one for
// each loop, read them in each Wait(), so a descriptor may be made ready before
// it is watched, and may move to another loop. Thread-compatible.
class SimDescriptors {
 public:
  // Opens the lowest free number, 0 or more, as the kernel does, and returns
  // it. No condition holds for it.
  int Open();
  // Frees the number. REQUIRES: open; no poller watches it. A poller that does
  // CHECK-fails in its next Wait().
  void Close(int fd);
  bool IsOpen(int fd) const;

  // Replaces the conditions that hold. REQUIRES: open.
  void SetReady(int fd, IoEvents conditions);
  IoEvents ready(int fd) const;  // REQUIRES: open

 private:
  std::vector<std::optional<IoEvents>> ready_;  // by number; nullopt if free
  size_t maybe_free_ = 0;                       // no lower number is free
};

}  // namespace sluice

#endif  // SLUICE_EVENT_POLLER_SIM_DESCRIPTORS_H_
