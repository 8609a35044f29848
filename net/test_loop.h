#ifndef SLUICE_NET_TEST_LOOP_H_
#define SLUICE_NET_TEST_LOOP_H_

#include <memory>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "sluice/event/event_loop.h"
#include "sluice/net/linux_platform.h"
#include "sluice/net/platform.h"
#include "sluice/timer/clock.h"

namespace sluice {

// A loop on the kernel that a test turns by hand (testonly). Thread-compatible.
class TestLoop {
 public:
  TestLoop() : platform_(LinuxPlatform()), loop_(*NewEventLoop(platform_)) {}

  // Takes turns until `done` holds. False if it does not after half a minute,
  // or if the poller fails: the test has failed.
  [[nodiscard]] bool RunUntil(absl::FunctionRef<bool()> done) {
    const MonotonicTime limit = platform_.clock->Now() + absl::Seconds(30);
    while (!done()) {
      if (platform_.clock->Now() > limit) return false;
      if (!loop_->RunOnce(absl::Milliseconds(5)).ok()) return false;
    }
    return true;
  }
  // Takes `count` turns that wait for nothing.
  void Turn(int count = 1) {
    for (int i = 0; i < count; ++i) {
      (void)loop_->RunOnce(absl::ZeroDuration());
    }
  }

  // To be changed before use.
  Platform& platform() { return platform_; }
  EventLoop* loop() { return loop_.get(); }
  // Ends the loop, before what is bound to it.
  void Destroy() { loop_.reset(); }

 private:
  Platform platform_;
  std::unique_ptr<EventLoop> loop_;
};

}  // namespace sluice

#endif  // SLUICE_NET_TEST_LOOP_H_
