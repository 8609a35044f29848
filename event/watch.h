#ifndef SLUICE_EVENT_WATCH_H_
#define SLUICE_EVENT_WATCH_H_

#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "sluice/base/destructor_check.h"
#include "sluice/event/event_loop.h"
#include "sluice/event/io_target.h"
#include "sluice/event/poller/poller.h"

namespace sluice {

// A registration of a descriptor with a loop that calls a callable: a
// convenience on top of IoTarget, for descriptors of the user. Does not own the
// descriptor: the user closes it after the Watch is destroyed. One allocation
// for each Watch. Sequence-bound to the loop.
//
// The handler is not called after the Watch is destroyed, even for an event
// that was fetched before. The handler may destroy its Watch; the handler
// itself is then destroyed after it has returned.
class Watch final : private IoTarget {
 public:
  // Called on the loop with the conditions that hold: a set of kReadable,
  // kWritable, kHangup, kError. Called at most once per iteration.
  using Handler = absl::AnyInvocable<void(IoEvents)>;

  // Watches `fd`. Calls `handler` from the next wait of the loop on. Returns
  // the errors of EventLoop::Add().
  static absl::StatusOr<std::unique_ptr<Watch>> Create(EventLoop* loop, int fd,
                                                       IoEvents interest,
                                                       Handler handler);
  ~Watch() override;

  // Replaces the interest. Returns the errors of EventLoop::SetInterest().
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
