#ifndef SLUICE_NET_TRANSPORT_TEST_LOOP_H_
#define SLUICE_NET_TRANSPORT_TEST_LOOP_H_

#include <memory>

#include "absl/functional/function_ref.h"
#include "sluice/event/event_loop.h"
#include "sluice/net/transport/linux_platform.h"
#include "sluice/net/transport/platform.h"
#include "sluice/net/transport/test_peer.h"

namespace sluice {

// A loop on the kernel that a test turns by hand (testonly). Thread-compatible.
class TestLoop {
 public:
  TestLoop() : platform_(LinuxPlatform()), loop_(*NewEventLoop(platform_)) {}

  // See test_peer.h.
  [[nodiscard]] bool RunUntil(absl::FunctionRef<bool()> done) {
    return ::sluice::RunUntil(loop_.get(), done);
  }
  void RunIterations(int turns = 1) {
    sluice::RunIterations(loop_.get(), turns);
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

#endif  // SLUICE_NET_TRANSPORT_TEST_LOOP_H_
