#ifndef SLUICE_EVENT_IO_TARGET_H_
#define SLUICE_EVENT_IO_TARGET_H_

#include <cstdint>

#include "sluice/base/check.h"
#include "sluice/event/poller/poller.h"

namespace sluice {

// What an EventLoop dispatches a descriptor's events to: a base of transports,
// listeners and Watch. Dispatch is one load and one virtual call, without
// allocation. Loop-bound while registered. 16 bytes.
//
// Stale readiness never arrives: what was fetched for a registration is dropped
// once EventLoop::Remove() has ended it, even if descriptor and memory are in
// use again.
class IoTarget {
 public:
  IoTarget(const IoTarget&) = delete;
  IoTarget& operator=(const IoTarget&) = delete;

  bool registered() const { return slot_ != kNoSlot; }

 protected:
  IoTarget() = default;
  // REQUIRES: not registered.
  virtual ~IoTarget() { SLUICE_CHECK(!registered()); }

  // On the loop, at most once per turn and registration. May destroy the
  // target: the loop does not touch it again for this event.
  virtual void OnIo(const IoEvent& event) = 0;

 private:
  friend class EventLoop;

  static constexpr uint32_t kNoSlot = UINT32_MAX;

  uint32_t slot_ = kNoSlot;
  int fd_ = -1;
};

}  // namespace sluice

#endif  // SLUICE_EVENT_IO_TARGET_H_
