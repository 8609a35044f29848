#ifndef SLUICE_EVENT_WATCH_H_
#define SLUICE_EVENT_WATCH_H_

#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "sluice/base/destructor_check.h"
#include "sluice/event/event_loop.h"
#include "sluice/event/io_target.h"
#include "sluice/event/poller.h"

namespace sluice {

// A registration of a descriptor with a loop, with a callable: the convenience
// on top of IoTarget, for users' own descriptors. Sequence-bound to the loop.
// Does not own the descriptor, which is closed after the Watch is destroyed.
// One allocation for each Watch.
//
// The handler is not called after destruction, even for an event that was
// fetched before. It may destroy its Watch, and is itself destroyed after it
// has returned.
class Watch final : private IoTarget {
 public:
  // Gets what is ready: a set of kReadable, kWritable, kHangup, kError.
  using Handler = absl::AnyInvocable<void(IoEvents)>;

  // Calls `handler` in later turns. The errors of EventLoop::Add().
  static absl::StatusOr<std::unique_ptr<Watch>> Create(EventLoop* loop, int fd,
                                                       IoEvents interest,
                                                       Handler handler);
  ~Watch() override;

  // The errors of EventLoop::SetInterest().
  absl::Status SetInterest(IoEvents interest);

 private:
  Watch(EventLoop* loop, Handler handler);

  void OnIo(const IoEvent& event) override;

  EventLoop* const loop_;
  Handler handler_;
  DestructorCheck destructor_check_;
};

}  // namespace sluice

#endif  // SLUICE_EVENT_WATCH_H_
