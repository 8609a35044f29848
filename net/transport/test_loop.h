#ifndef SLUICE_NET_TRANSPORT_TEST_LOOP_H_
#define SLUICE_NET_TRANSPORT_TEST_LOOP_H_

#include <memory>

#include "absl/functional/function_ref.h"
#include "sluice/event/event_loop.h"
#include "sluice/net/transport/linux_platform.h"
#include "sluice/net/transport/platform.h"
#include "sluice/net/transport/test_peer.h"

namespace sluice {

// A loop on the kernel whose iterations a test runs by hand (testonly).
// Thread-compatible.
class TestLoop {
 public:
  TestLoop() : platform_(LinuxPlatform()), loop_(*NewEventLoop(platform_)) {}

  // See test_peer.h.
  [[nodiscard]] bool RunUntil(absl::FunctionRef<bool()> done) {
    return ::sluice::RunUntil(loop_.get(), done);
  }
  void RunIterations(int iterations = 1) {
    sluice::RunIterations(loop_.get(), iterations);
  }

  // The platform, which may be changed before it is used.
  Platform& platform() { return platform_; }
  EventLoop* loop() { return loop_.get(); }
  // Destroys the loop before the objects that are bound to it.
  void Destroy() { loop_.reset(); }

 private:
  Platform platform_;
  std::unique_ptr<EventLoop> loop_;
};

}  // namespace sluice

#endif  // SLUICE_NET_TRANSPORT_TEST_LOOP_H_
