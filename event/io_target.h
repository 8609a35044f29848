#ifndef SLUICE_EVENT_IO_TARGET_H_
#define SLUICE_EVENT_IO_TARGET_H_

#include <cstdint>

#include "sluice/base/check.h"
#include "sluice/event/poller/poller.h"

namespace sluice {

// The receiver of a descriptor's events from an EventLoop: a base class of
// transports, listeners and Watch. A dispatch costs one load and one virtual
// call, and does not allocate. Loop-bound while registered. 16 bytes.
//
// Stale events never arrive: once EventLoop::Remove() has ended a registration,
// the loop drops the events that it fetched for the registration, even if the
// descriptor and the memory are in use again.
class IoTarget {
 public:
  IoTarget(const IoTarget&) = delete;
  IoTarget& operator=(const IoTarget&) = delete;

  // Returns true while the target is registered with a loop.
  bool registered() const { return slot_ != kNoSlot; }

 protected:
  IoTarget() = default;
  // REQUIRES: not registered.
  virtual ~IoTarget() { SLUICE_CHECK(!registered()); }

  // Called on the loop, at most once per iteration and registration.
  // `event.flags` has the conditions; `event.token` is for the loop only. May
  // destroy the target: the loop does not touch it again for this event.
  virtual void OnIo(const IoEvent& event) = 0;

 private:
  friend class EventLoop;

  static constexpr uint32_t kNoSlot = UINT32_MAX;

  uint32_t slot_ = kNoSlot;
  int fd_ = -1;
};

}  // namespace sluice

#endif  // SLUICE_EVENT_IO_TARGET_H_
